"""Questions: answered from documents, with citations that hold."""

from server.worker import Worker
from tests.ask.conftest import Person
from tests.ask.test_documents import LOANS


async def test_an_answer_quotes_its_source_to_the_letter(worker: Worker, person: Person) -> None:
    document = await person.added(LOANS, title="Guidelines")
    conversation = await person.conversation()

    answer = await person.asked(conversation, "What is the minimum credit score?")

    assert (answer["state"], answer["model"], answer["errorCode"]) == (
        "COMPLETED",
        "seshat-extractive/1",
        None,
    )
    assert "660" in answer["content"]
    cited = answer["citations"]["nodes"]
    assert cited
    for citation in cited:
        quoted = answer["content"][citation["textStartIndex"] : citation["textEndIndex"]]
        assert quoted == citation["snippet"]
        assert citation["snippet"] in document["extractedText"]
    assert answer["sources"][0]["document"]["id"] == document["id"]
