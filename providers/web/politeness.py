"""Concurrency and rate limits per host."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from core.ports import FetchError, FetchErrorCode, ReserveSlot

MAX_HOSTS = 2000
"""Hosts whose next slot is stored before expired entries are removed."""
MAX_WAIT_SECONDS = 2.0
"""Longest pause of a host that a request waits for. During a longer one it fails at once, to be repeated."""
MAX_PAUSE_SECONDS = 3600.0


class LocalRateLimit:
    """Rate limit per host within this process: `core.ports.ReserveSlot`."""

    def __init__(self) -> None:
        self._next_free: dict[str, float] = {}

    async def __call__(self, host: str, interval: float) -> float:
        """Reserves the next slot. Returns the seconds until then."""
        now = monotonic()
        slot = max(now, self._next_free.get(host, now))
        self._next_free[host] = slot + interval
        if len(self._next_free) > MAX_HOSTS:
            self._next_free = {host: free for host, free in self._next_free.items() if free > now}
        return slot - now


class HostLimiter:
    """Limits concurrent requests in total and per host, and their rate per host."""

    def __init__(
        self, concurrency: int, host_concurrency: int, interval: float, reserve_slot: ReserveSlot
    ) -> None:
        self._interval, self._reserve_slot = interval, reserve_slot
        self._total, self._per_host = asyncio.Semaphore(concurrency), host_concurrency
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._waiters: Counter[str] = Counter()
        self._paused: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, host: str, delay: float = 0) -> AsyncIterator[None]:
        """Waits for a slot, at least `delay` seconds after the previous one, and holds it.

        Raises `FetchError` while the host is paused for longer.
        """
        self._waiters[host] += 1
        try:
            async with self._hosts.setdefault(host, asyncio.Semaphore(self._per_host)):
                self._raise_if_paused(host)
                if (interval := max(delay, self._interval)) > 0:
                    await asyncio.sleep(await self._reserve_slot(host, interval))
                self._raise_if_paused(host)
                await asyncio.sleep(self._paused.get(host, 0) - monotonic())
                async with self._total:
                    yield
        finally:
            self._waiters[host] -= 1
            if not self._waiters[host]:
                del self._waiters[host], self._hosts[host]

    def pause(self, host: str, seconds: float) -> None:
        """Delays further requests to this host."""
        now = monotonic()
        self._paused = {other: until for other, until in self._paused.items() if until > now}
        until = now + min(seconds, MAX_PAUSE_SECONDS)
        self._paused[host] = max(self._paused.get(host, 0), until)

    def _raise_if_paused(self, host: str) -> None:
        left = self._paused.get(host, 0) - monotonic()
        if left > MAX_WAIT_SECONDS:
            raise FetchError(
                FetchErrorCode.THROTTLED,
                "The server has asked to wait.",
                is_transient=True,
                retry_after=left,
                is_sent=False,
            )
