"""How servers are treated: not too many requests at once, and not too fast."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from core.ports import ReserveSlot

MAX_HOSTS = 2000
"""Hosts whose next turn is remembered before old ones are dropped."""


class LocalRateLimit:
    """Turns at hosts, as this process alone counts them."""

    def __init__(self) -> None:
        self._next_free: dict[str, float] = {}

    async def __call__(self, host: str, interval: float) -> float:
        """Seconds until the reserved turn: `core.ports.TakeTurn`."""
        now = monotonic()
        slot = max(now, self._next_free.get(host, now))
        self._next_free[host] = slot + interval
        if len(self._next_free) > MAX_HOSTS:
            self._next_free = {host: free for host, free in self._next_free.items() if free > now}
        return slot - now


class HostLimiter:
    """Lets so many requests at once to each host and in all, each at its turn."""

    def __init__(self, concurrency: int, host_concurrency: int, interval: float, reserve_slot: ReserveSlot) -> None:
        self._interval, self._reserve_slot = interval, reserve_slot
        self._total, self._per_host = asyncio.Semaphore(concurrency), host_concurrency
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._waiters: Counter[str] = Counter()
        self._paused: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, host: str, delay: float = 0) -> AsyncIterator[None]:
        """Wait for a place and a turn, at least `delay` seconds after the last one, and keep the place."""
        self._waiters[host] += 1
        try:
            async with self._hosts.setdefault(host, asyncio.Semaphore(self._per_host)):
                await asyncio.sleep(await self._reserve_slot(host, max(delay, self._interval)))
                await asyncio.sleep(self._paused.get(host, 0) - monotonic())
                async with self._total:
                    yield
        finally:
            self._waiters[host] -= 1
            if not self._waiters[host]:
                del self._waiters[host], self._hosts[host]

    def pause(self, host: str, seconds: float) -> None:
        """Ask nothing more of this host for so many seconds."""
        now = monotonic()
        self._paused = {other: until for other, until in self._paused.items() if until > now}
        self._paused[host] = max(self._paused.get(host, 0), now + seconds)
