"""Verdicts on single sentences, by words and numbers alone."""

import pytest

from core.ports import Passage
from db.models import SentenceVerdict
from pipelines.text_checks.quantities import quantities
from pipelines.text_checks.statements import GREETING, HEADING, LEAD_IN, QUESTION, reason_not_to_check
from pipelines.text_checks.verdicts import SentenceFinding, choose_candidates, judge
from tests.text_checks.conftest import LEASE

PASSAGE = Passage(None, "Lease", 3, 100, 100 + len(LEASE), LEASE, 0.5)


async def check(sentence: str) -> SentenceFinding:
    """The finding of a sentence on the lease, with words that count as much as meanings."""

    async def embed(texts: object, kind: str) -> list[list[float]]:
        return [[1.0, 0.0] for _ in texts]  # type: ignore[attr-defined]

    return await judge(sentence, [PASSAGE], embed)


@pytest.mark.parametrize(
    ("sentence", "kind", "stated", "found"),
    [
        ("The car park closes at 23:00 every day.", "number", "23:00", "22:00"),
        ("Visitors may park there for 60 minutes without a permit.", "number", "60 minutes", "90 minutes"),
        ("Visitors may park there for 90 hours without a permit.", "unit", "90 hours", "90 minutes"),
        ("The monthly rent is 1,250 dollars.", "unit", "1,250 dollars", "1,250 euros"),
        ("The monthly rent is 1.350 euros.", "number", "1.350 euros", "1,250 euros"),
        ("The caretaker is Anna Lindqvist.", "name", "Anna", "Maria"),
        ("Dogs are allowed in the courtyard.", "negation", None, "not"),
        ("The car park opens at 22:00 every day.", "opposite", "opens", "closes"),
    ],
)
async def test_what_differs_contradicts(sentence: str, kind: str, stated: str | None, found: str) -> None:
    finding = await check(sentence)

    assert finding.verdict is SentenceVerdict.CONTRADICTED
    assert [(each.kind, each.stated, each.found) for each in finding.differences] == [(kind, stated, found)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Visitors may park there for 90 minutes without a permit.",
        "Visitors can park for an hour and a half without a permit.",
        "The monthly rent of EUR 1.250 is due on the third day.",
        "Maria Lindqvist is the caretaker.",
        "Dogs must not enter the courtyard, as they are not allowed.",
        "The car park closes daily at 22:00.",
    ],
)
async def test_other_words_and_forms_of_numbers_are_supported(sentence: str) -> None:
    finding = await check(sentence)

    assert (finding.verdict, finding.differences) == (SentenceVerdict.SUPPORTED, ())


@pytest.mark.parametrize(
    "sentence",
    [
        "The penguins of the zoo swim every morning.",
        "The car park has a charging station for electric cars.",
        "Maria Lindqvist has worked in the house since 2015.",
    ],
)
async def test_what_is_not_said_is_neither(sentence: str) -> None:
    finding = await check(sentence)

    assert (finding.verdict, finding.differences) == (SentenceVerdict.NOT_FOUND, ())


async def test_nothing_is_found_in_no_passage() -> None:
    assert await judge("It is so.", []) == SentenceFinding(SentenceVerdict.NOT_FOUND, 0.9)


async def test_the_citation_is_the_sentence() -> None:
    finding = await check("The car park closes at 22:00 every day.")

    assert finding.passage is PASSAGE
    assert LEASE[slice(*finding.span)] == "The car park closes at 22:00 every day."
    assert finding.confidence == pytest.approx(0.9677, abs=1e-4)


def test_a_pronoun_takes_its_subject_from_the_sentence_before() -> None:
    (best, *_) = choose_candidates("The caretaker answers calls between 8:00 and 16:00.", [PASSAGE])

    assert best.text == "She answers calls between 8:00 and 16:00."
    assert best.text_with_context.startswith("The caretaker is Maria Lindqvist.")
    assert best.comparison.uses_context
    assert not best.comparison.is_incomplete


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Parking rules\n\nIt closes.", HEADING),
        ("# Parking", HEADING),
        ("Parking rules", None),
        ("When does it close?", QUESTION),
        ("Dear tenants,", GREETING),
        ("Best regards", GREETING),
        ("Dear Street 12 is closed.", None),
        ("These rules apply:", LEAD_IN),
        ("- Rent: 1,250 euros", None),
    ],
)
def test_what_states_nothing_is_not_checked(text: str, reason: str | None) -> None:
    first = text.split("\n")[0]

    assert reason_not_to_check(text, (0, len(first))) == reason


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("90 minutes", "an hour and a half", True),
        ("1,250 euros", "\u20ac1.250", True),
        ("0.5 km", "500 metres", True),
        ("half an hour", "30 minutes", True),
        ("five", "5", True),
        ("2 million", "2,000,000", True),
        ("48 euros per year", "48 euros per month", False),
        ("48 euros", "48 dollars", False),
        ("140 square feet", "140 square metres", False),
        ("8 March 2007", "8 February 2007", False),
        ("6\u00bd", "6.5", True),
    ],
)
def test_quantities_agree_in_any_form(one: str, other: str, agree: bool) -> None:
    pairs = zip(quantities(one), quantities(other), strict=True)

    assert all(first.agrees(second) for first, second in pairs) is agree
