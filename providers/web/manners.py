"""How servers are treated: not too many requests at once, not too fast, and as their robots.txt asks."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic

import httpx
from protego import Protego

from core.ports import Fetched, RefusalCode, Refused, TakeTurn
from providers.web.addresses import host_and_port

LONGEST_DELAY = 60.0
"""Seconds between two requests that a robots.txt can ask for."""
ROBOTS_BYTES = 512 * 1024
"""Of a robots.txt that are read; RFC 9309 wants 500 KiB at least."""
ROBOTS_SECONDS, UNSURE_SECONDS = 3600.0, 60.0
"""For which a robots.txt is remembered, and for which it is that there was none to be had."""
MOST_REMEMBERED = 2000


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


class HostUnavailable(Refused):
    """A host that does not give its robots.txt; it was tried often enough."""


@dataclass(frozen=True)
class Rules:
    """A host's robots.txt, until it is read again; `refusal` where it could not be read."""

    until: float
    robots: Protego | None = None
    refusal: Refused | None = None


class Robots:
    """The robots.txt of every host that is called, as RFC 9309 has it."""

    def __init__(self, agent: str, read: Callable[[str, int], Awaitable[Fetched]]) -> None:
        """`agent` is the name that rules are looked up by; `read` fetches at most so many bytes."""
        self._agent, self._read = agent, read
        self._known: OrderedDict[str, asyncio.Task[Rules]] = OrderedDict()

    async def admit(self, address: httpx.URL) -> float:
        """Seconds that must pass between requests. Raises `Refused` where the host does not want us there."""
        rules = await self._rules(address)
        if rules.refusal is not None:
            raise _still(rules.refusal, rules.until - monotonic())
        if rules.robots is None:
            return 0
        if not rules.robots.can_fetch(str(address), self._agent):
            raise Refused(
                RefusalCode.FORBIDDEN_BY_ROBOTS, f"The robots.txt of {address.host} does not allow it."
            )
        return min(LONGEST_DELAY, rules.robots.crawl_delay(self._agent) or 0)

    async def close(self) -> None:
        """Read nothing more."""
        reading = [task for task in self._known.values() if not task.done()]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    async def _rules(self, address: httpx.URL) -> Rules:
        origin = f"{address.scheme}://{host_and_port(address)}"
        known = self._known.get(origin)
        if known is None or (known.done() and known.result().until < monotonic()):
            known = asyncio.create_task(self._learn(str(address.copy_with(raw_path=b"/robots.txt"))))
            known.add_done_callback(partial(self._learnt, origin))
            self._known[origin] = known
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return await asyncio.shield(known)

    def _learnt(self, origin: str, task: asyncio.Task[Rules]) -> None:
        if task.cancelled() or task.exception():
            self._known.pop(origin, None)

    async def _learn(self, url: str) -> Rules:
        try:
            fetched = await self._read(url, ROBOTS_BYTES)
        except Refused as refusal:
            return _without(refusal)
        text = fetched.content.decode("utf-8-sig", "replace")
        return Rules(monotonic() + ROBOTS_SECONDS, await asyncio.to_thread(Protego.parse, text))


def _without(refusal: Refused) -> Rules:
    """Everything is allowed where there is no robots.txt, and nothing where it can't be had."""
    if refusal.passing or refusal.code in (RefusalCode.UNTRUSTED, RefusalCode.TOO_LARGE):
        return Rules(monotonic() + max(UNSURE_SECONDS, refusal.after), refusal=refusal)
    return Rules(monotonic() + ROBOTS_SECONDS)


def _still(refusal: Refused, seconds: float) -> HostUnavailable:
    """A refusal that is remembered for so many seconds more."""
    after = max(0.0, seconds) if refusal.passing else 0.0
    return HostUnavailable(refusal.code, refusal.message, passing=refusal.passing, after=after)
