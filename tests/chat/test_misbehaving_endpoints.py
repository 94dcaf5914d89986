"""Endpoints that misbehave: no citation without support, no live markup, no reasoning in an answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from core.ports import ChatRequest, ModelFailure
from pipelines.chat.agreement import disagreement
from pipelines.chat.generation import GeneratedAnswer, generate_answer
from pipelines.chat.markers import find_markers
from providers.chat.openai_compatible import MAX_ANSWER_LENGTH, CompatibleModel
from tests.chat.sample_passages import embed, passage
from tests.providers.fake_openai import Reply, chunk, endpoint, error_reply, stream_reply

HALLS = (
    "Alice Moore manages the north hall. Bob Stone manages the south hall. The fire doors of the north hall "
    "are rated for 90 minutes. The rent of the halls is 4,200 euros a month. "
    "Pets are not allowed in the halls."
)
QUESTION = "Who manages the north hall, and what is the rent of the halls?"
DOORS, RENT = (
    "The fire doors of the north hall are rated for 90 minutes.",
    "The rent of the halls is 4,200 euros a month.",
)
PETS, ALICE = "Pets are not allowed in the halls.", "Alice Moore manages the north hall."
LIVE = re.compile(
    r"<[a-z/!?]|\](?=[(:])|://|\bwww\.\w|\w@\w+\.\w|\b(?:javascript|data|mailto):\S|</?think", re.IGNORECASE
)


@dataclass(frozen=True)
class Case:
    """What an endpoint answers, and what of it is stored: the text, and what is cited in it."""

    name: str
    replies: Sequence[Reply]
    content: str | None
    cited: tuple[str, ...] | None = ()
    found: bool = True
    truncated: bool = False
    error: str | None = None
    unsupported: tuple[str, ...] | None = ()
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
    says(
        "invented statement",
        "The tenant pays a deposit [1].",
        "The tenant pays a deposit.",
        unsupported=("The tenant pays a deposit.",),
    ),
    says(
        "swapped numbers",
        "The fire doors of the north hall are rated for 4,200 minutes. [Source 1] "
        "The rent of the halls is 90 euros a month. [Source 1]",
        "The fire doors of the north hall are rated for 4,200 minutes. "
        "The rent of the halls is 90 euros a month.",
        unsupported=(
            "The fire doors of the north hall are rated for 4,200 minutes.",
            "The rent of the halls is 90 euros a month.",
        ),
    ),
    says(
        "lost negation",
        "Pets are allowed in the halls [1].",
        "Pets are allowed in the halls.",
        unsupported=("Pets are allowed in the halls.",),
    ),
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
    says(
        "years and list items",
        f"{RENT} [1] (1) first (2019)",
        f"{RENT} [1] (1) first (2019)",
        RENT,
        unsupported=("(1) first (2019)",),
    ),
    says("duplicate markers", f"{RENT} [1] [1][Source 1] {PETS} [1]", f"{RENT} [1] {PETS} [1]", RENT, PETS),
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
        f"{RENT} [1]\n\n<b onclick='x'>{PETS}</b> [1]\n\n<script>alert(1)</script>",
        f"{RENT} [1]\n\n< b onclick='x'>{PETS}< /b> [1]\n\n< script>alert(1)< /script>",
        RENT,
        f"< b onclick='x'>{PETS}< /b>",
        unsupported=("< script>alert(1)< /script>",),
    ),
    says(
        "script link",
        f"{RENT} [1] [more](javascript:alert(1))",
        f"{RENT} [1] [more] (javascript[:]alert(1))",
        RENT,
        unsupported=("[more] (javascript[:]alert(1))",),
    ),
    says(
        "images and links",
        f"{RENT} [1]\n\n![x](http://evil.example/a.png?q=1) <https://evil.example> www.evil.example\n\n"
        "[1]: http://evil.example",
        f"{RENT} [1]\n\n![x] (http[:]//evil[.]example/a.png?q=1) < https[:]//evil[.]example> "
        "www[.]evil[.]example\n\n: http[:]//evil[.]example",
        RENT,
        unsupported=None,
    ),
    says(
        "reasoning",
        f"<think>It is {DOORS} [1]</think>\n{RENT} [1]",
        f"\n{RENT} [1]",
        RENT,
        reasoning=f"It is {DOORS} [1]",
    ),
    Case(
        "reasoning whose tags are split",
        [stream_reply("<th", "ink>Let me ", "see</", "thi", f"nk>{RENT} [So", "urce 1]")],
        f"{RENT} [1]",
        (RENT,),
        reasoning="Let me see",
    ),
    says(
        "reasoning without its first tag",
        f"Let me see</think>{RENT} [1]",
        f"{RENT} [1]",
        RENT,
        reasoning="Let me see",
    ),
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
    Case(
        "429 with Retry-After",
        [error_reply(429, None, **{"retry-after": "0.01"}), stream_reply(f"{RENT} [1]")],
        f"{RENT} [1]",
        (RENT,),
    ),
    fails("429 without Retry-After", error_reply(429), "RATE_LIMIT_EXCEEDED"),
    fails("500", error_reply(500), "SERVICE_UNAVAILABLE"),
    fails("half JSON", Reply(events=[chunk(RENT), '{"choices": [{"del']), "INVALID_RESPONSE"),
    fails("connection closed", Reply(events=[chunk(f"{RENT} [1]")], cut=True), "CONNECTION_ERROR"),
    Case("1 MB", [stream_reply(LONG)], None, None, truncated=True),
    fails("empty answer", stream_reply(" ", "\n"), "NO_RESPONSE"),
    fails("nothing but markers", stream_reply("[Source 1]"), "NO_RESPONSE"),
    raw("NUL and lone surrogates", f"\\u0000{RENT}\\ud800 [\\u00001]", f"{RENT} [1]", RENT),
    says(
        "honest refusal",
        "The sources do not say who pays the rent. [Source 1]",
        "The sources do not say who pays the rent.",
        found=False,
    ),
]
"""What endpoints do, and what comes of it."""


async def answer_of(case: Case) -> tuple[GeneratedAnswer, str]:
    """The answer of a case, and the text that was shown while it came."""
    shown: list[str] = []

    async def emit(text: str) -> None:
        shown.append(text)

    request = ChatRequest(QUESTION, (passage(HALLS), passage("Parking is free.")))
    async with endpoint(*case.replies) as place:
        model = CompatibleModel(place.url, "tiny", retries=1 if len(case.replies) > 1 else 0, silence=1)
        try:
            return await generate_answer(model, request, emit, embed=embed), "".join(shown)
        finally:
            await model.close()


@pytest.mark.parametrize("case", [case for case in CASES if case.error], ids=lambda case: case.name)
async def test_what_fails_has_a_code(case: Case) -> None:
    with pytest.raises(ModelFailure) as raised:
        await answer_of(case)

    assert raised.value.code.value == case.error


@pytest.mark.parametrize("case", [case for case in CASES if not case.error], ids=lambda case: case.name)
async def test_nothing_unsupported_is_cited_and_nothing_is_live(case: Case) -> None:
    found, shown = await answer_of(case)

    text, cited = found.text, found.citations.citations
    for part in (text, shown, found.reasoning):
        assert not LIVE.search(part)
        assert not re.search("[\x00\ud800-\udfff]", part)
    assert not [marker for marker in find_markers(shown, 2) if "(" not in shown[marker.start : marker.end]]
    for citation in cited:
        assert disagreement(text[citation.text_start : citation.text_end], HALLS) is None
        assert citation.confidence >= 0.5
    numbers = {number for marker in find_markers(text, 2) for number in marker.sources}
    assert numbers - {citation.inline_number for citation in cited} == set()
    assert (found.found, found.truncated, found.reasoning) == (
        case.found,
        case.truncated,
        case.reasoning or "",
    )
    if case.content is None:
        assert MAX_ANSWER_LENGTH / 2 < len(text) <= MAX_ANSWER_LENGTH
    else:
        assert text == case.content
    if case.cited is not None:
        assert tuple(text[citation.text_start : citation.text_end] for citation in cited) == case.cited
    unsupported = [statement for statement in found.statements if not statement.is_supported]
    if case.unsupported is not None:
        assert tuple(text[weak.start : weak.end] for weak in unsupported) == case.unsupported
    assert found.has_low_confidence or found.grounding.is_grounded or not found.found


def test_the_table_has_at_least_the_known_cases() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 25
