"""robots.txt (RFC 9309), cached per host."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic

import httpx
from protego import Protego

from core.ports import FetchError, FetchErrorCode, FetchResponse
from providers.web.ssrf_guard import host_and_port

MAX_CRAWL_DELAY_SECONDS = 60.0
"""Maximum `Crawl-delay` that is respected."""
MAX_ROBOTS_BYTES = 512 * 1024
"""Bytes of a robots.txt that are read; RFC 9309 requires at least 500 KiB."""
MAX_ROBOTS_LINES = 5000
"""Lines of a robots.txt that apply to this agent; matching that many rules takes 40 ms."""
CACHE_SECONDS, ERROR_CACHE_SECONDS = 3600.0, 60.0
"""Time for which a robots.txt, or the failure to fetch it, is cached."""
MAX_CACHED_HOSTS = 2000

USER_AGENT_LINE = re.compile(r"\s*user[-\s]*agent[\s:]*([^#]*)", re.IGNORECASE)
NEUTRAL_LINE = re.compile(r"\s*(?:#|site-?maps?\b|host\b|\Z)", re.IGNORECASE)
"""Lines that neither start nor end a group of rules."""


class HostUnavailable(FetchError):
    """The robots.txt of a host cannot be fetched. The retries have been used up."""


@dataclass(frozen=True)
class RobotsEntry:
    """A host's cached robots.txt, or the `error` if it could not be fetched."""

    expires_at: float
    robots: Protego | None = None
    error: FetchError | None = None


class RobotsCache:
    """The robots.txt of the hosts that are crawled."""

    def __init__(self, agent: str, read: Callable[[str, int], Awaitable[FetchResponse]]) -> None:
        """`agent` is the product token that rules are matched by; `read` fetches a URL up to a size limit."""
        self._agent, self._read = agent, read
        self._entries: OrderedDict[str, asyncio.Task[RobotsEntry]] = OrderedDict()

    async def crawl_delay(self, address: httpx.URL) -> float:
        """Minimum seconds between requests to the host. Raises `FetchError` if the URL is disallowed."""
        entry = await self._entry(address)
        if entry.error is not None:
            raise _cached_error(entry.error, entry.expires_at - monotonic())
        if entry.robots is None:
            return 0
        if not entry.robots.can_fetch(str(address), self._agent):
            raise FetchError(
                FetchErrorCode.FORBIDDEN_BY_ROBOTS, f"The robots.txt of {address.host} disallows this URL."
            )
        return min(MAX_CRAWL_DELAY_SECONDS, entry.robots.crawl_delay(self._agent) or 0)

    async def close(self) -> None:
        """Cancels pending requests."""
        pending = [task for task in self._entries.values() if not task.done()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _entry(self, address: httpx.URL) -> RobotsEntry:
        origin = f"{address.scheme}://{host_and_port(address)}"
        entry = self._entries.get(origin)
        if entry is None or (entry.done() and entry.result().expires_at < monotonic()):
            entry = asyncio.create_task(self._fetch(str(address.copy_with(raw_path=b"/robots.txt"))))
            entry.add_done_callback(partial(self._remove_failed, origin))
            self._entries[origin] = entry
            if len(self._entries) > MAX_CACHED_HOSTS:
                self._entries.popitem(last=False)
        return await asyncio.shield(entry)

    def _remove_failed(self, origin: str, task: asyncio.Task[RobotsEntry]) -> None:
        if task.cancelled() or task.exception():
            self._entries.pop(origin, None)

    async def _fetch(self, url: str) -> RobotsEntry:
        try:
            response = await self._read(url, MAX_ROBOTS_BYTES)
        except FetchError as error:
            return _entry_without_rules(error)
        robots = await asyncio.to_thread(parse_robots, response.content, self._agent)
        if robots is None:
            return _entry_without_rules(
                FetchError(FetchErrorCode.TOO_LARGE, "The robots.txt of this host is too large.")
            )
        return RobotsEntry(monotonic() + CACHE_SECONDS, robots)


def parse_robots(content: bytes, agent: str) -> Protego | None:
    """The rules that apply to the agent; None if there are too many."""
    text = content.decode("utf-8-sig", "replace")
    lines = [*relevant_lines(text.splitlines(), agent.lower())]
    return Protego.parse("\n".join(lines)) if len(lines) <= MAX_ROBOTS_LINES else None


def relevant_lines(lines: list[str], agent: str) -> Iterator[str]:
    """The lines of groups that apply to the agent or to all agents.

    Protego stores the rules of a group once per agent, so a small file could otherwise exhaust the memory.
    """
    applies = in_header = False
    for line in lines:
        if match := USER_AGENT_LINE.match(line):
            name = match[1].strip().lower()
            name = name if name == "*" else name.replace("*", "")
            applies, in_header = applies and in_header, True
            if name == "*" or (name and agent.startswith(name)):
                applies = True
                yield f"User-agent: {name}"
        elif not NEUTRAL_LINE.match(line):
            in_header = False
            if applies:
                yield line


def _entry_without_rules(error: FetchError) -> RobotsEntry:
    """Allows everything if there is no robots.txt, and nothing if it cannot be fetched."""
    if error.is_transient or error.code in (FetchErrorCode.UNTRUSTED, FetchErrorCode.TOO_LARGE):
        return RobotsEntry(monotonic() + max(ERROR_CACHE_SECONDS, error.retry_after), error=error)
    return RobotsEntry(monotonic() + CACHE_SECONDS)


def _cached_error(error: FetchError, seconds: float) -> HostUnavailable:
    """The error as raised for a cache entry that expires in `seconds`."""
    after = max(0.0, seconds) if error.is_transient else 0.0
    message = f"The robots.txt of the host cannot be read. {error.message}"
    return HostUnavailable(error.code, message, is_transient=error.is_transient, retry_after=after)
