"""How servers are treated: not too many requests at once, and not too fast."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from core.ports import TakeTurn

MOST_REMEMBERED = 2000
"""Hosts whose next turn is remembered before old ones are dropped."""


class LocalTurns:
    """Turns at hosts, as this process alone counts them."""

    def __init__(self) -> None:
        self._free: dict[str, float] = {}

    async def __call__(self, host: str, apart: float) -> float:
        """Seconds until the reserved turn: `core.ports.TakeTurn`."""
        now = monotonic()
        turn = max(now, self._free.get(host, now))
        self._free[host] = turn + apart
        if len(self._free) > MOST_REMEMBERED:
            self._free = {host: free for host, free in self._free.items() if free > now}
        return turn - now


class Queues:
    """Lets so many requests at once to each host and in all, each at its turn."""

    def __init__(self, at_once: int, at_once_per_host: int, interval: float, take_turn: TakeTurn) -> None:
        self._interval, self._take_turn = interval, take_turn
        self._places, self._per_host = asyncio.Semaphore(at_once), at_once_per_host
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()
        self._paused: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, host: str, delay: float = 0) -> AsyncIterator[None]:
        """Wait for a place and a turn, at least `delay` seconds after the last one, and keep the place."""
        self._users[host] += 1
        try:
            async with self._hosts.setdefault(host, asyncio.Semaphore(self._per_host)):
                await asyncio.sleep(await self._take_turn(host, max(delay, self._interval)))
                await asyncio.sleep(self._paused.get(host, 0) - monotonic())
                async with self._places:
                    yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._hosts[host]

    def pause(self, host: str, seconds: float) -> None:
        """Ask nothing more of this host for so many seconds."""
        now = monotonic()
        self._paused = {each: until for each, until in self._paused.items() if until > now}
        self._paused[host] = max(self._paused.get(host, 0), now + seconds)
