"""When an address is requested again whose server was overloaded, out of order or silent."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.ports import FetchError, FetchErrorCode

FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 5.0, 300.0
"""Delay after the first failure for which the server names none, doubled for each further one."""
MAX_DOUBLINGS = 10
MAX_ATTEMPTS_UNREACHABLE = 5
"""Attempts to reach a server that does not exist, or closes connections."""
UNREACHABLE = frozenset(
    {FetchErrorCode.UNREACHABLE, FetchErrorCode.UNKNOWN_HOST, FetchErrorCode.CONNECTION_LOST}
)


@dataclass(frozen=True)
class RetryWindow:
    """The time of the next attempt, and that after which there is none."""

    at: datetime
    until: datetime

    def seconds(self, now: datetime) -> float:
        """Seconds until the next attempt."""
        return max(0.0, (self.at - now).total_seconds())


def next_attempt(
    error: FetchError, failures: int, until: datetime | None, now: datetime, allowed_seconds: float
) -> RetryWindow | None:
    """When a request that has failed so often is repeated; None if it is given up.

    `until` is the end of the time allowed, None at the first failure.
    """
    if not error.is_transient or (error.code in UNREACHABLE and failures >= MAX_ATTEMPTS_UNREACHABLE):
        return None
    doublings = min(max(0, failures - 1), MAX_DOUBLINGS)
    delay = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**doublings) * random.uniform(0.8, 1.2)
    window = RetryWindow(
        at=now + timedelta(seconds=error.retry_after or delay),
        until=until or now + timedelta(seconds=allowed_seconds),
    )
    return window if window.at <= window.until else None


def final_message(error: FetchError, failures: int, allowed_seconds: float) -> str:
    """The reason why an address is given up, with the setting that would let it wait longer."""
    if not error.is_transient:
        return error.message
    pause = f", and asks to wait {error.retry_after:.0f} seconds" if error.retry_after >= 1 else ""
    times = "once" if failures <= 1 else f"{failures} times"
    return (
        f"{error.message.removesuffix('.')}{pause}. It was requested {times} within the "
        f"{allowed_seconds:.0f} seconds of CRAWL_RETRY_SECONDS."
    )
