"""Patterns of questions about rows: which are recognised, and which are left to the documents."""

from datetime import date

import pytest

from pipelines.chat.row_questions.patterns import parse_question
from pipelines.chat.row_questions.periods import Period
from tests.chat.row_questions import unseen_wordings, wordings
from tests.chat.row_questions.cases import FROZEN, TUNING

MONDAY = date(2026, 11, 30)


def describe(text: str) -> str | None:
    """The question that a text asks, as in the cases."""
    question = parse_question(text, MONDAY)
    if question is None:
        return None
    period = question.period and f"{question.period.first}/{question.period.last}"
    status = question.status and question.status.value
    parts = (question.subject.value, question.measure.value, status, question.metric, period)
    return " ".join(part for part in parts if part)


@pytest.mark.parametrize("text", TUNING)
def test_tuning_questions_are_understood_exactly(text: str) -> None:
    assert describe(text) == TUNING[text]


@pytest.mark.parametrize("text", FROZEN)
def test_frozen_questions_are_understood_exactly(text: str) -> None:
    assert describe(text) == FROZEN[text]


@pytest.mark.parametrize(
    "text",
    [
        "How many jobs were there in 2019?",
        "How many documents did we complete?",
        "How many reports did we do for the total energy?",
        "How many jobs did not fail last week?",
        "How many jobs failed on 31 February 2026?",
        "How many jobs failed last week and this week?",
    ],
)
def test_doubtful_questions_are_left_to_the_documents(text: str) -> None:
    assert describe(text) is None


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 23), date(2026, 11, 29), "between 23 and 29 November 2026 (UTC)"),
        (date(2026, 10, 23), date(2026, 11, 29), "between 23 October and 29 November 2026 (UTC)"),
        (date(2025, 12, 1), date(2026, 1, 31), "between 1 December 2025 and 31 January 2026 (UTC)"),
        (MONDAY, MONDAY, "on 30 November 2026 (UTC)"),
    ],
)
def test_periods_are_said_with_their_days_and_zone(first: date, last: date, said: str) -> None:
    assert str(Period(first, last)) == said


@pytest.mark.parametrize("text", ["How many jobs failed in 2099?", "What did we consume in December 2098?"])
def test_a_time_that_has_not_come_is_left_to_the_documents(text: str) -> None:
    assert parse_question(text, MONDAY) is None
    assert parse_question(text.replace("2099", "2025").replace("2098", "2025"), MONDAY) is not None


@pytest.mark.parametrize("wording_set", [wordings.TUNING, wordings.FROZEN], ids=["tuning", "frozen"])
def test_wordings_are_understood_exactly(wording_set: dict[str, str]) -> None:
    assert {text: describe(text) for text in wording_set} == wording_set


@pytest.mark.parametrize("wording_set", [wordings.DOCUMENTS_TUNING, wordings.DOCUMENTS_FROZEN])
def test_questions_of_documents_are_left_to_them(wording_set: tuple[str, ...]) -> None:
    assert [text for text in wording_set if describe(text) is not None] == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many jobs are running?", "en"),
        ("Wie viele Jobs laufen?", "de"),
        ("Combien de jobs sont en cours ?", "fr"),
        ("¿Cuántos trabajos están en curso?", "es"),
    ],
)
def test_a_question_is_read_in_its_language(text: str, language: str) -> None:
    question = parse_question(text, MONDAY)
    assert question is not None
    assert question.language.value == language


@pytest.mark.parametrize(
    ("text", "is_ambiguous", "is_mine"),
    [
        ("How many exports do we have?", False, False),
        ("How many exports are there?", True, False),
        ("How many exports failed yesterday?", False, False),
        ("How many reports failed yesterday?", True, False),
        ("How many tasks are waiting?", True, False),
        ("Which of my exports failed?", False, True),
        ("Wie viele Berichte habe ich diese Woche erstellt?", False, True),
        ("What was my consumption in March?", False, False),
    ],
)
def test_whose_rows_are_meant_and_whether_a_document_may_be_meant(
    text: str, is_ambiguous: bool, is_mine: bool
) -> None:
    question = parse_question(text, MONDAY)
    assert question is not None
    assert (question.is_ambiguous, question.is_mine) == (is_ambiguous, is_mine)


@pytest.mark.parametrize(
    "text",
    [
        "Wie viele Aufträge laufen hier?",
        "How many documents did he upload this week?",
        "¿Cuántos informes generamos por mes?",
        "Have all exports finished?",
        "Are the documents complete?",
        "Is the report still in progress?",
        "How many of the exports failed in the third half of 2026?",
        "How many of our jobs failed in the last 0 days?",
        "Which report is the cheapest and the most expensive?",
        "How many crawls failed or were cancelled?",
    ],
)
def test_words_of_another_language_and_unclear_scopes_are_left_to_the_documents(text: str) -> None:
    assert describe(text) is None


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("today", "2026-11-30/2026-11-30"),
        ("the day before yesterday", "2026-11-28/2026-11-28"),
        ("since Monday", "2026-11-23/2026-11-30"),
        ("on Sunday", "2026-11-29/2026-11-29"),
        ("since yesterday", "2026-11-29/2026-11-30"),
        ("in the past week", "2026-11-24/2026-11-30"),
        ("last week", "2026-11-23/2026-11-29"),
        ("in the past month", "2026-10-31/2026-11-30"),
        ("in the last 9 months", "2026-03-01/2026-11-30"),
        ("over the last two quarters", "2026-05-31/2026-11-30"),
        ("in the last quarter", "2026-07-01/2026-09-30"),
        ("this quarter", "2026-10-01/2026-11-30"),
        ("in Q4", "2026-10-01/2026-12-31"),
        ("in H2 2025", "2025-07-01/2025-12-31"),
        ("since the start of the month", "2026-11-01/2026-11-30"),
        ("year to date", "2026-01-01/2026-11-30"),
    ],
)
def test_periods_are_exact(text: str, period: str) -> None:
    assert describe(f"How many of our exports failed {text}?") == f"exports count failed {period}"


def test_wordings_that_were_not_seen_are_understood_exactly() -> None:
    found = {text: describe(text) for text in unseen_wordings.UNSEEN}
    understood = {text: meaning for text, meaning in found.items() if meaning is not None}

    assert understood.items() <= unseen_wordings.UNSEEN.items()
    assert len(understood) >= 46
    assert [text for text in unseen_wordings.UNSEEN_DOCUMENTS if describe(text) is not None] == []
