"""Agreement of statements with sources: what contradicts them, and what says the same in other words."""

import pytest

from pipelines.chat.agreement import disagreement
from tests.chat.sample_passages import PAGE, TERMS

HALLS = (
    "Alice Moore manages the north hall. Bob Stone manages the south hall. The north door is rated 90 "
    "minutes and the south door 30 minutes. Heating costs 12 percent of the rent, no later than "
    "the third of a month."
)


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        ("The rent is 4,200 euros a month.", TERMS),
        ("The monthly rent amounts to 4200 EUR.", TERMS),
        ("The lease of the office ends on 31 May 2031 and the rent is 4,200 euros.", TERMS),
        ("Pets are banned.", TERMS),
        ("No pets are allowed.", TERMS),
        ("Residents may not keep pets.", TERMS),
        ("The lease says \u201cPets are not allowed.\u201d", TERMS),
        ("Bob Stone manages the south hall.", HALLS),
        ("The north hall is managed by Alice Moore.", HALLS),
        ("The rating is 90 minutes for the north door and 30 for the south one.", HALLS),
        ("Heating costs 12 % of the rent by the third of a month.", HALLS),
        ("Nobody may block the fire doors.", PAGE),
        ("The loading bay opens at 6 in the morning.", PAGE),
        ("Inspections take place every March.", PAGE),
        ("According to the Handbook, the bay opens at six.", PAGE),
    ],
)
def test_the_same_in_other_words_agrees(statement: str, source: str) -> None:
    assert disagreement(statement, source, "Handbook") is None


@pytest.mark.parametrize(
    ("statement", "source", "what"),
    [
        ("The rent is 2,400 euros a month.", TERMS, "number"),
        ("The rent is 31 euros a month.", TERMS, "number"),  # of another sentence
        ("The north door is rated 30 minutes and the south door 90 minutes.", HALLS, "number"),
        ("The loading bay opens at seven in the morning.", PAGE, "number"),
        ("Heating costs 12 million of the rent.", HALLS, "number"),
        ("Pets are allowed.", TERMS, "negation"),
        ("The fire doors may be blocked.", PAGE, "negation"),
        ("The fire doors are not rated for 90 minutes.", PAGE, "negation"),
        ("The lease ends on 31 March 2031.", TERMS, "name"),
        ("They are inspected every May by the safety officer.", PAGE, "name"),
        ("Alice Moore manages the south hall.", HALLS, "name"),
        ("Bob Stone manages the north hall and Alice Moore the south hall.", HALLS, "name"),
        ("The north hall is managed by Bob Stone.", HALLS, "name"),
        ("Carol manages the north hall.", HALLS, "name"),
        ("The lease says \u201cthe tenant may sublet freely\u201d.", TERMS, "quotation"),
    ],
)
def test_what_the_source_contradicts_or_lacks_is_named(statement: str, source: str, what: str) -> None:
    assert disagreement(statement, source, "Handbook") == what
