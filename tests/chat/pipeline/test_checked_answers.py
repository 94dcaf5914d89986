"""Answers of a language model as they are stored and streamed: checked, without reasoning and live markup."""

from providers.chat.openai_compatible import CompatibleModel
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import Person, a_worker
from tests.chat.pipeline.test_documents import LOANS
from tests.chat.pipeline.test_streaming import read, text_of
from tests.providers.fake_openai import endpoint, stream_reply

STATEMENTS = """query ($id: ID!) { message(id: $id) { content found truncated lowConfidenceWarning
  statements { textStartIndex textEndIndex supported } } }"""
PIECES = (
    "<thi",
    "nk>Let me look.</think>The minimum credit score is 660 [Sou",
    "rce 1]. Pets are not allowed (1). <script>alert(1)</script>",
)
CONTENT = "The minimum credit score is 660 [1]. Pets are not allowed. < script>alert(1)< /script>"


async def test_citations_are_checked_and_then_shown(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with endpoint(stream_reply(*PIECES)) as place:
        model = CompatibleModel(place.url, "tiny", retries=0)
        async with a_worker(services, model):
            await person.added(LOANS)
            conversation = await person.conversation()
            sent = await person.send(conversation, "What is the minimum credit score?")
            events = await read(person, conversation, None, 10_000)
        await model.close()
    answer = await person.answer(sent["answer"]["id"])
    message = (await person(STATEMENTS, id=sent["answer"]["id"]))["message"]

    assert answer["content"] == message["content"] == text_of(events) == CONTENT
    (cited,) = answer["citations"]["nodes"]
    start, end = cited["textStartIndex"], cited["textEndIndex"]
    assert (CONTENT[start:end], cited["inlineNumber"]) == ("The minimum credit score is 660", 1)
    kinds = [event["__typename"] for event in events if event["__typename"].startswith("Message")]
    assert kinds[-3:] == ["MessageReset", "MessageDelta", "MessageCompleted"]
    shown = "".join(event["text"] for event in events[: kinds.index("MessageReset")] if "text" in event)
    assert "[" not in shown
    assert (message["found"], message["truncated"], message["lowConfidenceWarning"]) == (True, False, True)
    assert [
        (CONTENT[each["textStartIndex"] : each["textEndIndex"]], each["supported"])
        for each in message["statements"]
    ] == [
        ("The minimum credit score is 660 [1].", True),
        ("Pets are not allowed.", False),
        ("< script>alert(1)< /script>", False),
    ]
    assert ("answer", "reason") in {(step["agent"], step["action"]) for step in answer["reasoningChain"]}
