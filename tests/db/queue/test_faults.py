"""Delays of attempts after faults, with the jitter that the test says."""

import random
from datetime import timedelta

import pytest

from db.queue import faults
from db.queue.faults import Fault, backoff, delay_until_next_attempt

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PASSING, OWN = Fault("It is away."), Fault("It broke.", is_transient=False)


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """The bounds of each jitter, which is none here."""
    found: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        found.append((low, high))
        return 1.0

    monkeypatch.setattr(random, "uniform", uniform)
    return found


@pytest.mark.parametrize(
    ("count", "deadline", "seconds"),
    [
        (1, DAY, 1),
        (2, DAY, 2),
        (3, DAY, 4),
        (7, DAY, 64),
        (8, DAY, 120),
        (1000, DAY, 120),
        (100, HOUR, 60),  # a sixtieth of the deadline
        (6, HOUR, 32),
        (7, HOUR, 60),
        (1, timedelta(seconds=6), 0.1),
    ],
)
def test_delays_double_up_to_two_minutes_or_a_sixtieth_of_the_deadline(
    bounds: list[tuple[float, float]], count: int, deadline: timedelta, seconds: float
) -> None:
    assert backoff(count, deadline) == timedelta(seconds=seconds)
    assert bounds == [(0.8, 1.2)]


def test_a_delay_varies_by_a_fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)

    assert backoff(3, DAY) == timedelta(seconds=4.8)


def test_the_published_figures_hold() -> None:
    assert (timedelta(seconds=1), timedelta(minutes=2)) == (faults.MIN_BACKOFF, faults.MAX_BACKOFF)
    assert (faults.MIN_ATTEMPTS_UNTIL_DEADLINE, faults.MAX_DOUBLINGS) == (60, 20)
    assert (PASSING.after, PASSING.is_transient) == (0, True)


@pytest.mark.parametrize(
    ("fault", "count", "waited", "seconds"),
    [
        (PASSING, 3, timedelta(0), 4),
        (Fault("Later.", 30), 3, timedelta(0), 30),  # at least as long as it says
        (Fault("Later.", 3), 3, timedelta(0), 4),
        (Fault("Then.", 3, is_time_known=True), 3, timedelta(0), 3),  # what it waits for says when
        (Fault("Then.", 0, is_time_known=True), 3, timedelta(0), 0.1),
        (PASSING, 3, HOUR - timedelta(seconds=5), 4),
        (PASSING, 3, HOUR - timedelta(seconds=3), 3),  # the last attempt is at the deadline
        (Fault("Later.", 900), 1, HOUR - timedelta(minutes=1), 60),
        (PASSING, 3, HOUR, 0),
        (PASSING, 3, 2 * HOUR, 0),
        (OWN, 2, 2 * HOUR, 2),  # the deadline is for what passes
        (Fault("It broke.", 90, is_transient=False), 1, HOUR, 90),
    ],
)
def test_the_last_attempt_starts_at_the_deadline(
    fault: Fault, count: int, waited: timedelta, seconds: float
) -> None:
    assert delay_until_next_attempt(fault, count, waited, HOUR) == timedelta(seconds=seconds)
