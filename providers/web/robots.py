"""What hosts ask of machines, in their robots.txt: RFC 9309."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic

import httpx
from protego import Protego

from core.ports import FetchResponse, FetchErrorCode, FetchError
from providers.web.ssrf_guard import host_and_port

LONGEST_DELAY = 60.0
"""Seconds between two requests that a robots.txt can ask for."""
ROBOTS_BYTES = 512 * 1024
"""Of a robots.txt that are read; RFC 9309 wants 500 KiB at least."""
MOST_LINES = 5000
"""Of a robots.txt that are about us; asking so many rules takes 40 ms."""
ROBOTS_SECONDS, UNSURE_SECONDS = 3600.0, 60.0
"""For which a robots.txt is remembered, and for which it is that there was none to be had."""
MOST_REMEMBERED = 2000

NAMING = re.compile(r"\s*user[-\s]*agent[\s:]*([^#]*)", re.IGNORECASE)
NEUTRAL = re.compile(r"\s*(?:#|site-?maps?\b|host\b|\Z)", re.IGNORECASE)
"""Lines that begin and end no group of rules."""


class HostUnavailable(FetchError):
    """A host that does not give its robots.txt; it was tried often enough."""


@dataclass(frozen=True)
class Rules:
    """A host's robots.txt, until it is read again; `refusal` where it could not be read."""

    until: float
    robots: Protego | None = None
    refusal: FetchError | None = None


class Robots:
    """The robots.txt of every host that is called, as RFC 9309 has it."""

    def __init__(self, agent: str, read: Callable[[str, int], Awaitable[FetchResponse]]) -> None:
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
            raise FetchError(
                FetchErrorCode.FORBIDDEN_BY_ROBOTS, f"The robots.txt of {address.host} does not allow it."
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
        except FetchError as refusal:
            return _without(refusal)
        robots = await asyncio.to_thread(understood, fetched.content, self._agent)
        if robots is None:
            return _without(FetchError(FetchErrorCode.TOO_LARGE, "The robots.txt of this host is too long."))
        return Rules(monotonic() + ROBOTS_SECONDS, robots)


def understood(content: bytes, agent: str) -> Protego | None:
    """The rules for us in a robots.txt; None where there are too many."""
    text = content.decode("utf-8-sig", "replace")
    lines = [*concerning(text.splitlines(), agent.lower())]
    return Protego.parse("\n".join(lines)) if len(lines) <= MOST_LINES else None


def concerning(lines: list[str], agent: str) -> Iterator[str]:
    """The lines for everybody and for this agent.

    The parser multiplies the agents of a group with its rules, which would let a small file fill the memory.
    """
    is_ours = is_naming = False
    for line in lines:
        if naming := NAMING.match(line):
            named = naming[1].strip().lower()
            named = named if named == "*" else named.replace("*", "")
            is_ours, is_naming = is_ours and is_naming, True
            if named == "*" or (named and agent.startswith(named)):
                is_ours = True
                yield f"User-agent: {named}"
        elif not NEUTRAL.match(line):
            is_naming = False
            if is_ours:
                yield line


def _without(refusal: FetchError) -> Rules:
    """Everything is allowed where there is no robots.txt, and nothing where it can't be had."""
    if refusal.is_transient or refusal.code in (FetchErrorCode.UNTRUSTED, FetchErrorCode.TOO_LARGE):
        return Rules(monotonic() + max(UNSURE_SECONDS, refusal.retry_after), refusal=refusal)
    return Rules(monotonic() + ROBOTS_SECONDS)


def _still(refusal: FetchError, seconds: float) -> HostUnavailable:
    """A refusal that is remembered for so many seconds more."""
    after = max(0.0, seconds) if refusal.is_transient else 0.0
    return HostUnavailable(refusal.code, refusal.message, is_transient=refusal.is_transient, retry_after=after)
