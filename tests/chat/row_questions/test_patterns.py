"""Patterns of questions about rows: which are recognised, and which are left to the documents."""

from datetime import date

import pytest

from pipelines.chat.row_questions.patterns import parse_question
from pipelines.chat.row_questions.periods import Period
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
