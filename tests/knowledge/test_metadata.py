"""What a document is about."""

import pytest

from pipelines.knowledge import metadata
from pipelines.knowledge.extraction import Page
from pipelines.knowledge.metadata import Metadata, extract_metadata

LOAN = (
    "A mortgage loan is paid back to the bank with interest every month. The interest rate of a mortgage "
    "loan follows the credit of the borrower and the income of the household. Weather is nice, somebody "
    "says. The bank looks at the credit history before any mortgage loan is given to a borrower."
)


def test_a_text_is_described_by_what_it_repeats() -> None:
    found = extract_metadata([Page(1, LOAN)])

    assert found == Metadata(
        summary=LOAN.partition(" Weather")[0],
        keywords=(
            *("mortgage loan", "bank", "borrower", "credit", "interest"),
            *("back", "follows", "given", "history", "household"),
        ),
        topics=("finance",),
        category="general",
    )


def test_a_kind_of_document_is_reported_by_its_words() -> None:
    text = "This agreement is made by the parties. Either party shall give notice. The parties hereby agree."

    assert extract_metadata([Page(None, text)]).category == "contract"
    assert extract_metadata([Page(None, LOAN)]).category == "general"


def test_an_error_gives_empty_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> Metadata:
        raise RuntimeError

    monkeypatch.setattr(metadata, "analyze_text", broken)
    assert extract_metadata([Page(1, LOAN)]) == Metadata("", (), (), "general")


@pytest.mark.parametrize("text", ["", "x", "\U0001f525" * 50, "1 2 3", "\u0646\u0635 " * 300])
def test_any_text_is_described(text: str) -> None:
    found = extract_metadata([Page(1, text)])

    assert (found.topics, found.category) == ((), "general")
