"""The web, as crawls see it: within bounds, with manners, and from outside only."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from ssl import SSLContext

import anyio
import httpcore
import httpx

from core.ports import Fetched, RefusalCode, Refused, TakeTurn
from core.settings import Settings
from providers.web.decoding import too_large, unpacked
from providers.web.pinned_network import GatedNetwork, Lookup, Resolve
from providers.web.politeness import LocalTurns, Queues
from providers.web.responses import REDIRECTS, broken, judged, media_type_judged
from providers.web.robots import HostUnavailable, Robots
from providers.web.ssrf_guard import Gate, host_and_port, port_of, readable

MOST_REDIRECTS = 5
BACKOFF_SECONDS, LONGEST_PAUSE = 0.5, 20.0
"""Before the second attempt, twice that before the third; what a server may ask for instead."""
IDLE_SECONDS = 15.0
"""For which an unused connection is kept."""
REST_BYTES = 64 * 1024
"""Of an unwanted body that are read to keep its connection."""
WRITE_BYTES = 512 * 1024

Receive = Callable[[Fetched, AsyncIterator[bytes]], Awaitable[Fetched]]
"""Takes an answer's body; called anew for each attempt."""


@dataclass(frozen=True)
class Asked:
    """A request as callers mean it."""

    url: str
    limit: int
    accept: tuple[str, ...] = ()
    etag: str | None = None
    modified: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    robots: bool = True
    encoding: str = "gzip"


@cache
def trusted() -> SSLContext:
    """Believes what the authorities that are known to `certifi` have signed; reading them takes a while."""
    return httpcore.default_ssl_context()


class WebFetcher:
    """`core.ports.Fetcher` over a pool of connections of its own; no proxy, no cookie, no credentials."""

    def __init__(
        self,
        settings: Settings,
        *,
        take_turn: TakeTurn | None = None,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: SSLContext | None = None,
    ) -> None:
        """`take_turn` shares turns at hosts with other processes; the rest stands in for the network."""
        self._settings = settings
        self._lookup = Lookup()
        gate = Gate(settings.crawl_allow, settings.crawl_deny)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or trusted(),
            max_connections=settings.crawl_concurrency,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GatedNetwork(gate, resolve or self._lookup, network or httpcore.AnyIOBackend()),
        )
        self._queues = Queues(
            settings.crawl_concurrency,
            settings.crawl_host_concurrency,
            settings.crawl_host_interval,
            take_turn or LocalTurns(),
        )
        agent = settings.crawl_user_agent.partition("/")[0].partition(" ")[0]
        self._robots = Robots(agent, self._robots_read)

    async def read(
        self,
        url: str,
        *,
        limit: int,
        accept: tuple[str, ...] = (),
        etag: str | None = None,
        modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
    ) -> Fetched:
        """The body is in `content`."""
        return await self._fetch(Asked(url, limit, accept, etag, modified, headers or {}, robots), _kept)

    async def download(
        self,
        url: str,
        path: Path,
        *,
        limit: int,
        accept: tuple[str, ...] = (),
        etag: str | None = None,
        modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
    ) -> Fetched:
        """The body is in the file, which is written beside its final name first."""
        asked = Asked(url, limit, accept, etag, modified, headers or {}, robots, encoding="identity")
        return await self._fetch(asked, partial(_filed, path))

    async def close(self) -> None:
        """Close the connections."""
        await self._robots.close()
        await self._pool.aclose()
        self._lookup.close()

    async def _robots_read(self, url: str, limit: int) -> Fetched:
        return await self._fetch(Asked(url, limit, robots=False), _kept)

    async def _fetch(self, asked: Asked, receive: Receive) -> Fetched:
        """Attempts, within one span of time for all of them; waiting for a turn does not count."""
        try:
            async with asyncio.timeout(self._settings.crawl_timeout) as deadline:
                for attempt in range(self._settings.crawl_retries):
                    try:
                        return await self._follow(asked, receive, deadline)
                    except HostUnavailable:
                        raise
                    except Refused as refusal:
                        if not refusal.passing or refusal.after > LONGEST_PAUSE:
                            raise
                        backoff = BACKOFF_SECONDS * 2**attempt * random.uniform(1, 1.5)
                        await asyncio.sleep(max(backoff, refusal.after))
                return await self._follow(asked, receive, deadline)
        except TimeoutError as error:
            raise Refused(RefusalCode.TIMED_OUT, "The server took too long.", passing=True) from error

    async def _follow(self, asked: Asked, receive: Receive, deadline: asyncio.Timeout) -> Fetched:
        address, seen = readable(asked.url), set[str]()
        while str(address) not in seen and len(seen) <= MOST_REDIRECTS:
            seen.add(str(address))
            async with self._turn(address, asked.robots, deadline):
                answer = await self._exchange(address, asked, receive)
            if isinstance(answer, Fetched):
                return answer
            if (answer.host, port_of(answer)) != (address.host, port_of(address)):
                asked = replace(asked, headers={})
            address = answer
        raise Refused(RefusalCode.TOO_MANY_REDIRECTS, "The server sends on and on.")

    @asynccontextmanager
    async def _turn(self, address: httpx.URL, robots: bool, deadline: asyncio.Timeout) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            with _unhurried(deadline):
                delay = await self._robots.admit(address) if robots else 0
                await stack.enter_async_context(self._queues.turn(host_and_port(address), delay))
            yield

    async def _exchange(self, address: httpx.URL, asked: Asked, receive: Receive) -> Fetched | httpx.URL:
        """One request: what it gave, or the address that it was sent on to."""
        silence = self._settings.crawl_silence
        request = httpcore.Request(
            b"GET",
            httpcore.URL(
                scheme=address.raw_scheme,
                host=address.raw_host,
                port=port_of(address),
                target=address.raw_path,
            ),
            headers=self._headers(address, asked),
            extensions={"timeout": {"connect": silence, "read": silence, "write": silence}},
        )
        try:
            response = await self._pool.handle_async_request(request)
            try:
                return await self._answered(address, response, asked, receive)
            finally:
                await response.aclose()
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise broken(error, address.host) from error

    def _headers(self, address: httpx.URL, asked: Asked) -> list[tuple[bytes, bytes]]:
        wanted = [f"{each}*" if each.endswith("/") else each for each in asked.accept]
        headers = {
            "Host": address.netloc.decode("ascii"),
            "User-Agent": self._settings.crawl_user_agent,
            "Accept": ", ".join([*wanted, "*/*;q=0.1"]),
            "Accept-Encoding": asked.encoding,
            **asked.headers,
        }
        if asked.etag:
            headers["If-None-Match"] = asked.etag
        if asked.modified:
            headers["If-Modified-Since"] = asked.modified
        return [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def _answered(
        self, address: httpx.URL, response: httpcore.Response, asked: Asked, receive: Receive
    ) -> Fetched | httpx.URL:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
        }
        fetched = Fetched(str(address), response.status, headers)
        chunks = aiter(response.aiter_stream())
        if response.status in REDIRECTS and "location" in headers:
            await _rest(chunks)
            return readable(_joined(address, headers["location"]))
        if fetched.unchanged and (asked.etag or asked.modified):
            await _rest(chunks)
            return fetched
        try:
            judged(fetched)
        except Refused as refusal:
            await _rest(chunks)
            if refusal.after:
                self._queues.pause(host_and_port(address), min(refusal.after, LONGEST_PAUSE))
            raise
        media_type_judged(fetched, asked.accept)
        if int(headers.get("content-length", "0")) > asked.limit:
            raise too_large(asked.limit)
        encoding = headers.get("content-encoding", "").strip().lower()
        return await receive(fetched, unpacked(chunks, encoding, asked.limit))


@contextmanager
def _unhurried(deadline: asyncio.Timeout) -> Iterator[None]:
    """What happens in here takes as long as it takes; the deadline moves along."""
    loop, end = asyncio.get_running_loop(), deadline.when()
    began = loop.time()
    deadline.reschedule(None)
    try:
        yield
    finally:
        deadline.reschedule(None if end is None else end + loop.time() - began)


def _joined(address: httpx.URL, location: str) -> str:
    try:
        return str(address.join(location))
    except httpx.InvalidURL as error:
        raise Refused(RefusalCode.BAD_ADDRESS, "The server sends on to what is no address.") from error


async def _rest(chunks: AsyncIterator[bytes]) -> None:
    """Take a small body out of the way, so that its connection can be used again."""
    size = 0
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        async for chunk in chunks:
            size += len(chunk)
            if size > REST_BYTES:
                return


async def _kept(fetched: Fetched, chunks: AsyncIterator[bytes]) -> Fetched:
    content = b"".join([chunk async for chunk in chunks])
    return replace(fetched, size=len(content), content=content)


async def _filed(path: Path, fetched: Fetched, chunks: AsyncIterator[bytes]) -> Fetched:
    draft = anyio.Path(path.with_name(f"{path.name}.partial"))
    size, waiting = 0, bytearray()
    try:
        async with await draft.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                waiting += chunk
                if len(waiting) >= WRITE_BYTES:
                    await file.write(bytes(waiting))
                    waiting.clear()
            await file.write(bytes(waiting))
        await draft.replace(path)
    finally:
        with anyio.CancelScope(shield=True):
            await draft.unlink(missing_ok=True)
    return replace(fetched, size=size)
