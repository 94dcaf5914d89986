"""Questions over two documents: the best of each part is quoted, with citations of both documents."""

from server.worker import Worker
from tests.chat.pipeline.conftest import Person
from tests.chat.pipeline.test_follow_ups import MILL, OAK


async def test_the_best_of_each_document_is_quoted(worker: Worker, person: Person) -> None:
    await person.added(OAK, title="Oak Street")
    await person.added(MILL, title="Mill Lane")

    answer = await person.ask(
        await person.conversation(), "Compare the monthly rent in Oak Street and in Mill Lane."
    )

    assert "1,150 euros" in answer["content"]
    assert "640 euros" in answer["content"]
    cited = answer["citations"]["nodes"]
    assert {each["sourceName"] for each in cited} == {"Oak Street", "Mill Lane"}
    for each in cited:
        assert answer["content"][each["textStartIndex"] : each["textEndIndex"]] == each["snippet"]
    assert [step["agent"] for step in answer["reasoningChain"]][:3] == [
        "query_quality",
        "question_parts",
        "retrieval",
    ]
