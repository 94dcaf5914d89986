"""Endpoints that misbehave: no citation without support, no live markup, no reasoning in an answer."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from core.ports import Passage
from pipelines.chat.agreement import disagreement
from providers.chat.openai_compatible import MAX_ANSWER_LENGTH, CompatibleModel
from resolvers.chat.questions import AnswerMessage
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, a_worker
from tests.chat.pipeline.test_streaming import read, text_of
from tests.providers.fake_openai import Reply, chunk, endpoint, error_reply, stream_reply

HALLS = (
    "Alice Moore manages the north hall. Bob Stone manages the south hall. The fire doors of the north hall are "
    "rated for 90 minutes. The rent of the halls is 4,200 euros a month. Pets are not allowed in the halls."
)
QUESTION = "Who manages the north hall, and what is the rent of the halls?"
DOORS, RENT = "The fire doors of the north hall are rated for 90 minutes.", "The rent of the halls is 4,200 euros a month."
PETS, ALICE = "Pets are not allowed in the halls.", "Alice Moore manages the north hall."
LIVE = re.compile(
    r"<[a-z/!?]|\](?=[(:])|://|\bwww\.\w|\w@\w+\.\w|\b(?:javascript|data|mailto):\S|</?think", re.IGNORECASE
)

MESSAGE = operations.MESSAGE.replace(
    "lowConfidenceWarning", "lowConfidenceWarning found truncated statements { textStartIndex textEndIndex support supported }"
)


@dataclass(frozen=True)
class Case:
    """What an endpoint answers, and what of it is stored: the text, and what is cited in it."""

    name: str
    replies: Sequence[Reply]
    content: str | None
    cited: tuple[str, ...] = ()
    found: bool = True
    truncated: bool = False
    error: str | None = None
    unsupported: tuple[str, ...] = ()
    reasoning: str | None = None


def says(name: str, text: str, content: str, *cited: str, **more: Any) -> Case:
    """An endpoint that answers one text."""
    return Case(name, [stream_reply(text)], content, cited, **more)


def fails(name: str, reply: Reply, error: str) -> Case:
    """An endpoint whose answer is an error."""
    return Case(name, [reply], None, error=error)


def raw(name: str, escaped: str, content: str, *cited: str) -> Case:
    """An endpoint that sends the JSON escapes of what cannot be stored."""
    event = chunk("@").replace('"@"', f'"{escaped}"')
    return Case(name, [Reply(events=[event, chunk(reason="stop"), "[DONE]"])], content, cited)


INVENTED = "The lease says \u201cthe tenant may sublet the halls freely\u201d."
LONG = f"{RENT} [Source 1] " * 20_000

CASES = [
    says("invented quotation", f"{INVENTED} [Source 1]", INVENTED, unsupported=(INVENTED,)),
    says("invented statement", "The tenant pays a deposit [1].", "The tenant pays a deposit.", unsupported=("The tenant pays a deposit.",)),
    says(
        "swapped numbers",
        "The fire doors of the north hall are rated for 4,200 minutes. [Source 1] The rent of the halls is 90 euros a month. [Source 1]",
        "The fire doors of the north hall are rated for 4,200 minutes. The rent of the halls is 90 euros a month.",
        unsupported=(
            "The fire doors of the north hall are rated for 4,200 minutes.",
            "The rent of the halls is 90 euros a month.",
        ),
    ),
    says("lost negation", "Pets are allowed in the halls [1].", "Pets are allowed in the halls.", unsupported=("Pets are allowed in the halls.",)),
    says(
        "swapped names",
        "Bob Stone manages the north hall. [1] Alice Moore manages the south hall. [1]",
        "Bob Stone manages the north hall. Alice Moore manages the south hall.",
        unsupported=("Bob Stone manages the north hall.", "Alice Moore manages the south hall."),
    ),
    says("source zero", f"{RENT} [Source 0]", RENT),
    says("source too high", f"{RENT} [Source 9] {PETS} [42]", f"{RENT} {PETS}"),
    says("negative source", f"{RENT} [Source -1] {PETS} [-1]", f"{RENT} {PETS}"),
    says("marker [1]", f"{RENT} [1]", f"{RENT} [1]", RENT),
    says("marker (1)", f"{RENT[:-1]} (1).", f"{RENT[:-1]} [1].", RENT[:-1]),
    says("marker [^1]", f"{RENT}[^1]", f"{RENT}[1]", RENT),
    says("marker [Source 1]", f"{RENT} [Source 1]", f"{RENT} [1]", RENT),
    says("marker of a range", f"{RENT} [Sources 1-3]", f"{RENT} [1]", RENT),
    says("years and list items", f"{RENT} [1] (1) first (2019)", f"{RENT} [1] (1) first (2019)", RENT, unsupported=("(1) first (2019)",)),
    says(
        "duplicate markers", f"{RENT} [1] [1][Source 1] {PETS} [1]", f"{RENT} [1] {PETS} [1]", RENT, PETS
    ),
    says(
        "marker before the sentence",
        f"[Source 1] {RENT}\n[1] {PETS}\n- [1] {ALICE}",
        f"[1] {RENT}\n[1] {PETS}\n- [1] {ALICE}",
        RENT,
        PETS,
        ALICE,
    ),
    says(
        "HTML",
        f"<script>alert(1)</script> <b onclick='x'>{RENT}</b> [1]",
        f"< script>alert(1)< /script> < b onclick='x'>{RENT}< /b> [1]",
        f"{RENT}< /b>",
        unsupported=("< script>alert(1)< /script> < b onclick='x'>The rent of the halls is 4,200 euros a month.< /b>",),
    ),
    says("script link", f"{RENT} [1] [more](javascript:alert(1))", f"{RENT} [1] [more] (javascript[:]alert(1))", RENT, unsupported=("[more] (javascript[:]alert(1))",)),
    says(
        "images and links",
        f"{RENT} [1]\n\n![x](http://evil.example/a.png?q=1) <https://evil.example> www.evil.example\n\n[1]: http://evil.example",
        f"{RENT} [1]\n\n![x] (http[:]//evil[.]example/a.png?q=1) < https[:]//evil[.]example> www[.]evil[.]example\n\n"
        "[1] : http[:]//evil[.]example",
        RENT,
        unsupported=None,
    ),
    says("reasoning", f"<think>It is {DOORS} [1]</think>\n{RENT} [1]", f"\n{RENT} [1]", RENT, reasoning=f"It is {DOORS} [1]"),
    Case(
        "reasoning whose tags are split",
        [stream_reply("<th", "ink>Let me ", "see</", "thi", f"nk>{RENT} [So", "urce 1]")],
        f"{RENT} [1]",
        (RENT,),
        reasoning="Let me see",
    ),
    says("reasoning without its first tag", f"Let me see</think>{RENT} [1]", f"{RENT} [1]", RENT, reasoning="Let me see"),
    fails("reasoning that is not closed", stream_reply(f"<think>{RENT} [1]"), "NO_RESPONSE"),
    Case(
        "cut by its length",
        [Reply(events=[chunk(f"{RENT} [1] And the"), chunk(reason="length"), "[DONE]"])],
        f"{RENT} [1] And the",
        (RENT,),
        truncated=True,
        unsupported=None,
    ),
    fails("stall", Reply(events=[chunk(RENT)], pause=3), "TIMEOUT"),
    Case("429 with Retry-After", [error_reply(429, None, **{"retry-after": "0.01"}), stream_reply(f"{RENT} [1]")], f"{RENT} [1]", (RENT,)),
    fails("429 without Retry-After", error_reply(429), "RATE_LIMIT_EXCEEDED"),
    fails("500", error_reply(500), "SERVICE_UNAVAILABLE"),
    fails("half JSON", Reply(events=[chunk(RENT), '{"choices": [{"del']), "INVALID_RESPONSE"),
    fails("connection closed", Reply(events=[chunk(f"{RENT} [1]")], cut=True), "CONNECTION_ERROR"),
    Case("1 MB", [stream_reply(LONG)], "", None, truncated=True),  # type: ignore[arg-type]
    fails("empty answer", stream_reply(" ", "\n"), "NO_RESPONSE"),
    fails("nothing but markers", stream_reply("[Source 1]"), "NO_RESPONSE"),
    raw("NUL and lone surrogates", f"\\u0000{RENT}\\ud800 [\\u00001]", f"{RENT} [1]", RENT),
    says("honest refusal", "The sources do not say who pays the rent. [Source 1]", "The sources do not say who pays the rent.", found=False),
]
"""What endpoints do, and what comes of it."""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What time may cure is not tried again by the queue."""
    monkeypatch.setattr(AnswerMessage, "retry_deadline", timedelta(0))


@pytest.mark.usefixtures("at_once")
async def test_nothing_unsupported_is_cited_and_nothing_is_live(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    replies = [
        reply
        for case in CASES
        for reply in (case.replies if case.error is None or case.error == "TIMEOUT" else list(case.replies) * attempts(case))
    ]
    answers: list[tuple[Case, Any, str]] = []
    async with endpoint(*replies) as place:
        model = CompatibleModel(place.url, "tiny", retries=1, silence=1.5)
        async with a_worker(services, model, answer_cache_ttl=0):
            await person.added(HALLS, title="Handbook")
            for case in CASES:
                if case.error == "TIMEOUT":
                    place.replies[:0] = list(case.replies) * (attempts(case) - 1)
                conversation = await person.conversation()
                sent = await person.send(conversation, QUESTION)
                last = "MessageFailed" if case.error else "MessageCompleted"
                events = await read(person, conversation, None, 10_000, last)
                answer = await person.until(MESSAGE, sent["answer"]["id"], lambda row: row["state"] != "STREAMING")
                answers.append((case, answer, text_of(events)))
        await model.close()

    for case, answer, streamed in answers:
        check(case, answer, streamed)


def attempts(case: Case) -> int:
    """How often a request is made: transient errors before the first text are tried again once."""
    return 2 if case.error in ("RATE_LIMIT_EXCEEDED", "SERVICE_UNAVAILABLE") else 1


def check(case: Case, answer: Any, streamed: str) -> None:
    """What holds of every answer, and what is told of this one."""
    name, content = case.name, answer["content"]
    assert answer["errorCode"] == case.error, name
    if case.error is not None:
        assert (answer["state"], answer["citations"]["nodes"], answer["statements"]) == ("FAILED", [], None), name
        return
    cited = answer["citations"]["nodes"]
    assert streamed == content, name
    assert not LIVE.search(json.dumps(answer["reasoningChain"]) + content), name
    assert "\x00" not in content, name
    if case.content:
        assert content == case.content, name
    else:
        assert len(content) <= MAX_ANSWER_LENGTH + 1_000, name
    statements = [(content[each["textStartIndex"] : each["textEndIndex"]], each) for each in cited]
    for statement, each in statements:
        assert disagreement(statement, HALLS) is None, name
        assert each["confidence"] >= 0.5, name
        assert f"[{each['inlineNumber']}]" in content, name
    if case.cited is not None:
        assert tuple(statement for statement, _ in statements) == case.cited, name
        assert {int(number) for number in re.findall(r"\[(\d+)\](?! :)", content)} == {
            each["inlineNumber"] for each in cited
        }, name
    assert (answer["found"], answer["truncated"]) == (case.found, case.truncated), name
    unsupported = [
        content[each["textStartIndex"] : each["textEndIndex"]]
        for each in answer["statements"]
        if not each["supported"]
    ]
    if case.unsupported is not None:
        assert tuple(unsupported) == case.unsupported, name
    if case.unsupported and len(unsupported) == len(answer["statements"]):
        assert answer["lowConfidenceWarning"] is True, name
    reasoned = [step for step in answer["reasoningChain"] if step["action"] == "reason"]
    assert bool(reasoned) == (case.reasoning is not None), name


def test_the_table_has_at_least_the_known_cases() -> None:
    assert len(CASES) >= 25
    assert len({case.name for case in CASES}) == len(CASES)
    assert Passage(None, "Handbook", None, 0, len(HALLS), HALLS, 1.0).text == HALLS
