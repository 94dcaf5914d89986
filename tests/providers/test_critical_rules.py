import pytest

from core.ports import Evidence
from providers.vision.critical_rules import find_critical
from tests.providers.critical_changes import LATER, REPORTED, TUNED, LabelledChange


def subject_of(change: LabelledChange) -> str | None:
    """The subject of a change of a whole line."""
    removed, added = tuple(change.before.split()), tuple(change.after.split())
    evidence = Evidence("modified", (0, 0, 9, 9), 9, "centre", removed, added, change.before, change.after)
    finding = find_critical(evidence)
    return finding.subject if finding else None


@pytest.mark.parametrize("change", TUNED, ids=lambda change: f"{change.before} > {change.after}")
def test_a_change_of_the_tuned_half_is_critical_or_not(change: LabelledChange) -> None:
    assert subject_of(change) == change.subject


def test_the_other_half_is_right_but_for_a_few() -> None:
    wrong = [change for change in REPORTED if subject_of(change) != change.subject]

    assert len(wrong) <= 0.1 * len(REPORTED), wrong


def test_changes_written_after_the_rules_are_mostly_right() -> None:
    wrong = [change for change in LATER if subject_of(change) != change.subject]

    assert len(wrong) <= 0.15 * len(LATER), wrong


def test_the_words_that_made_it_critical_are_named() -> None:
    line = ("CLEAR EXIT WIDTH 1200", "CLEAR EXIT WIDTH 900")
    finding = find_critical(Evidence("modified", (0, 0, 9, 9), 9, "centre", ("1200",), ("900",), *line))

    assert finding is not None
    assert (finding.subject, finding.words) == ("fire safety", "EXIT WIDTH")
