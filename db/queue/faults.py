"""Faults of attempts: what a job waits for, and how long until its next attempt."""

import random
from dataclasses import dataclass
from datetime import timedelta

MIN_BACKOFF = timedelta(seconds=1)
MAX_BACKOFF = timedelta(minutes=2)
MIN_KNOWN_DELAY = timedelta(seconds=0.1)
MIN_ATTEMPTS_UNTIL_DEADLINE = 60
"""Backoff stays below this share of a job's retry deadline."""

MAX_DOUBLINGS = 20


@dataclass(frozen=True)
class Fault:
    """Why an attempt did not finish its job, in words for users.

    A transient fault uses up none of the job's attempts. The next one starts after at least `after` seconds,
    or exactly then if that time is known.
    """

    reason: str
    after: float = 0
    is_transient: bool = True
    is_time_known: bool = False


def backoff(count: int, deadline: timedelta) -> timedelta:
    """The delay after the `count`th fault in a row: exponential, with jitter."""
    longest = min(MAX_BACKOFF, deadline / MIN_ATTEMPTS_UNTIL_DEADLINE)
    doublings: int = 2 ** min(count - 1, MAX_DOUBLINGS)
    delay = min(longest, MIN_BACKOFF * doublings)
    return timedelta(seconds=delay.total_seconds() * random.uniform(0.8, 1.2))


def delay_until_next_attempt(fault: Fault, count: int, waited: timedelta, deadline: timedelta) -> timedelta:
    """The delay after the `count`th fault in a row; the last attempt starts when `deadline` has passed."""
    named = timedelta(seconds=fault.after)
    delay = max(MIN_KNOWN_DELAY, named) if fault.is_time_known else max(backoff(count, deadline), named)
    return max(timedelta(0), min(delay, deadline - waited)) if fault.is_transient else delay
