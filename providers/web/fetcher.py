"""HTTP fetcher with rate limits, robots.txt, retries, size limits and an SSRF guard."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from ssl import SSLContext

import anyio.to_thread
import httpcore
import httpx

from core.ports import FetchError, FetchErrorCode, FetchResponse, ReserveSlot
from core.settings import Settings
from providers.web.cookies import CookieJars
from providers.web.decoding import decode, too_large
from providers.web.image_signatures import SIGNATURE_BYTES, is_image_signature
from providers.web.pinned_network import DnsResolver, PinnedNetwork, Resolve
from providers.web.politeness import MAX_WAIT_SECONDS, HostLimiter, LocalRateLimit
from providers.web.responses import (
    REDIRECT_STATUSES,
    check_media_type,
    is_accepted,
    raise_for_status,
    transport_error,
)
from providers.web.robots import HostUnavailable, RobotsCache
from providers.web.ssrf_guard import SsrfGuard, host_and_port, parse_url, port_of

MAX_REDIRECTS = 5
BACKOFF_SECONDS = 0.5
"""Wait before the first retry, doubled for each further one."""
KEEPALIVE_SECONDS = 15.0
"""Time for which an idle connection is kept open."""
MAX_DRAIN_BYTES = 64 * 1024
"""Bytes of an unused body that are read so that the connection can be reused."""
WRITE_BUFFER_BYTES = 512 * 1024
IMAGE_TYPES = "image/"
"""The prefix of the media types of images."""

BodyReader = Callable[[FetchResponse, AsyncIterator[bytes]], Awaitable[FetchResponse]]
"""Reads a response body. It is called once per attempt."""


@dataclass(frozen=True)
class FetchRequest:
    """The arguments of `Fetcher.read` and `Fetcher.download`."""

    url: str
    limit: int
    accept: tuple[str, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    robots: bool = True
    session: str = ""
    referer: str | None = None
    encoding: str = "gzip"


@cache
def default_tls_context() -> SSLContext:
    """TLS context with the certificate authorities of `certifi`; cached, as loading them is slow."""
    return httpcore.default_ssl_context()


class WebFetcher:
    """`core.ports.Fetcher` over a connection pool, without proxy or credentials."""

    def __init__(
        self,
        settings: Settings,
        *,
        reserve_slot: ReserveSlot | None = None,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: SSLContext | None = None,
    ) -> None:
        """`reserve_slot` shares the rate limit with other processes; the other arguments are for tests."""
        self._settings = settings
        self._resolver = DnsResolver()
        guard = SsrfGuard(settings.crawl_allow, settings.crawl_deny)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or default_tls_context(),
            max_connections=settings.crawl_concurrency,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=PinnedNetwork(
                guard, resolve or self._resolver, network or httpcore.AnyIOBackend()
            ),
        )
        self._limiter = HostLimiter(
            settings.crawl_concurrency,
            settings.crawl_host_concurrency,
            settings.crawl_host_interval,
            reserve_slot or LocalRateLimit(),
        )
        agent = settings.crawl_user_agent.partition("/")[0].partition(" ")[0]
        self._robots = RobotsCache(agent, self._read_robots)
        self._cookies = CookieJars()

    async def read(
        self,
        url: str,
        *,
        limit: int,
        accept: tuple[str, ...] = (),
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
        session: str = "",
        referer: str | None = None,
    ) -> FetchResponse:
        """Fetches into `content`."""
        request = FetchRequest(
            url, limit, accept, etag, last_modified, headers or {}, robots, session, referer
        )
        return await self._fetch(request, read_content)

    async def download(
        self,
        url: str,
        path: Path,
        *,
        limit: int,
        accept: tuple[str, ...] = (),
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
        session: str = "",
        referer: str | None = None,
    ) -> FetchResponse:
        """Fetches into a file, which is written under a temporary name and then renamed."""
        request = FetchRequest(
            url, limit, accept, etag, last_modified, headers or {}, robots, session, referer, "identity"
        )
        receive = partial(write_image if IMAGE_TYPES in accept else write_file, path)
        return await self._fetch(request, receive)

    async def close(self) -> None:
        """Closes the connections."""
        await self._robots.close()
        await self._pool.aclose()
        self._resolver.close()

    async def _read_robots(self, url: str, limit: int) -> FetchResponse:
        return await self._fetch(FetchRequest(url, limit, robots=False), read_content)

    async def _fetch(self, request: FetchRequest, receive: BodyReader) -> FetchResponse:
        """All attempts share one deadline, which excludes the wait for rate limits."""
        try:
            async with asyncio.timeout(self._settings.crawl_timeout) as deadline:
                for attempt in range(self._settings.crawl_retries):
                    try:
                        return await self._follow_redirects(request, receive, deadline)
                    except HostUnavailable:
                        raise
                    except FetchError as error:
                        if not error.is_transient or error.retry_after > MAX_WAIT_SECONDS:
                            raise
                        backoff = BACKOFF_SECONDS * 2**attempt * random.uniform(1, 1.5)
                        await asyncio.sleep(max(backoff, error.retry_after))
                return await self._follow_redirects(request, receive, deadline)
        except TimeoutError as error:
            raise FetchError(
                FetchErrorCode.TIMED_OUT, "The server did not respond in time.", is_transient=True
            ) from error

    async def _follow_redirects(
        self, request: FetchRequest, receive: BodyReader, deadline: asyncio.Timeout
    ) -> FetchResponse:
        address, visited = parse_url(request.url), set[str]()
        while str(address) not in visited and len(visited) <= MAX_REDIRECTS:
            visited.add(str(address))
            async with self._host_slot(address, request.robots, deadline):
                response = await self._send(address, request, receive)
            if isinstance(response, FetchResponse):
                return response
            if (response.host, port_of(response)) != (address.host, port_of(address)):
                request = replace(request, headers={})
            address = response
        raise FetchError(FetchErrorCode.TOO_MANY_REDIRECTS, "The server redirects too many times.")

    @asynccontextmanager
    async def _host_slot(
        self, address: httpx.URL, robots: bool, deadline: asyncio.Timeout
    ) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            with without_deadline(deadline):
                delay = await self._robots.crawl_delay(address) if robots else 0
                await stack.enter_async_context(self._limiter.slot(host_and_port(address), delay))
            yield

    async def _send(
        self, address: httpx.URL, request: FetchRequest, receive: BodyReader
    ) -> FetchResponse | httpx.URL:
        """Sends one request. Returns the response, or the target of a redirect."""
        timeout = self._settings.crawl_silence
        raw_request = httpcore.Request(
            b"GET",
            httpcore.URL(
                scheme=address.raw_scheme,
                host=address.raw_host,
                port=port_of(address),
                target=address.raw_path,
            ),
            headers=self._headers(address, request),
            extensions={"timeout": {"connect": timeout, "read": timeout, "write": timeout}},
        )
        try:
            response = await self._pool.handle_async_request(raw_request)
            try:
                return await self._receive(address, response, request, receive)
            finally:
                await response.aclose()
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise transport_error(error, address.host) from error

    def _headers(self, address: httpx.URL, request: FetchRequest) -> list[tuple[bytes, bytes]]:
        accepted = [
            f"{media_type}*" if media_type.endswith("/") else media_type for media_type in request.accept
        ]
        headers = {
            "Host": address.netloc.decode("ascii"),
            "User-Agent": self._settings.crawl_user_agent,
            "Accept": ", ".join([*accepted, "*/*;q=0.1"]),
            "Accept-Encoding": request.encoding,
            **request.headers,
        }
        if referer := referer_for(request.referer, address):
            headers["Referer"] = referer
        if cookie := self._cookies.header(request.session, origin_of(address)):
            headers["Cookie"] = cookie
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        return [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def _receive(
        self, address: httpx.URL, response: httpcore.Response, request: FetchRequest, receive: BodyReader
    ) -> FetchResponse | httpx.URL:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
        }
        fetched = FetchResponse(str(address), response.status, headers)
        if "set-cookie" in headers:
            lines = [
                value.decode("latin-1") for name, value in response.headers if name.lower() == b"set-cookie"
            ]
            self._cookies.store(request.session, origin_of(address), lines)
        chunks = aiter(response.aiter_stream())
        if response.status in REDIRECT_STATUSES and "location" in headers:
            await drain(chunks)
            return parse_url(resolve_location(address, headers["location"]))
        if fetched.is_not_modified and (request.etag or request.last_modified):
            await drain(chunks)
            return fetched
        try:
            raise_for_status(fetched)
        except FetchError as error:
            await drain(chunks)
            if error.retry_after:
                self._limiter.pause(host_and_port(address), error.retry_after)
            raise
        if IMAGE_TYPES not in request.accept:
            check_media_type(fetched, request.accept)
        if int(headers.get("content-length", "0")) > request.limit:
            raise too_large(request.limit)
        encoding = headers.get("content-encoding", "").strip().lower()
        return await receive(fetched, decode(chunks, encoding, request.limit))


@contextmanager
def without_deadline(deadline: asyncio.Timeout) -> Iterator[None]:
    """Suspends the deadline, and extends it by the time spent in the block."""
    loop, end = asyncio.get_running_loop(), deadline.when()
    began = loop.time()
    deadline.reschedule(None)
    try:
        yield
    finally:
        deadline.reschedule(None if end is None else end + loop.time() - began)


def origin_of(address: httpx.URL) -> str:
    """Scheme, host and port of a URL: who may read its cookies."""
    return f"{address.scheme}://{host_and_port(address)}"


def referer_for(page: str | None, address: httpx.URL) -> str | None:
    """The `Referer` of a request, as browsers send it: to other hosts without its path, and not from HTTPS to
    HTTP.
    """
    if not page:
        return None
    try:
        source = parse_url(page)
    except FetchError:
        return None
    if source.scheme == "https" and address.scheme == "http":
        return None
    if origin_of(source) == origin_of(address):
        return str(source)
    return f"{source.scheme}://{source.netloc.decode('ascii')}/"


def resolve_location(address: httpx.URL, location: str) -> str:
    try:
        return str(address.join(location))
    except httpx.InvalidURL as error:
        raise FetchError(FetchErrorCode.BAD_ADDRESS, "The server redirects to an invalid URL.") from error


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Reads a small body to its end, so that the connection can be reused."""
    size = 0
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_DRAIN_BYTES:
                return


async def read_content(fetched: FetchResponse, chunks: AsyncIterator[bytes]) -> FetchResponse:
    content = b"".join([chunk async for chunk in chunks])
    return replace(fetched, size=len(content), content=content)


async def write_image(path: Path, fetched: FetchResponse, chunks: AsyncIterator[bytes]) -> FetchResponse:
    """Writes a file whose media type or first bytes are those of an image. Raises `FetchError` for others."""
    head = bytearray()
    if not is_accepted(fetched, (IMAGE_TYPES,)):
        async for chunk in chunks:
            head += chunk
            if len(head) >= SIGNATURE_BYTES:
                break
        if not is_image_signature(bytes(head)):
            check_media_type(fetched, (IMAGE_TYPES,))
    return await write_file(path, fetched, chain(bytes(head), chunks))


async def chain(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for chunk in chunks:
        yield chunk


async def write_file(path: Path, fetched: FetchResponse, chunks: AsyncIterator[bytes]) -> FetchResponse:
    draft = path.with_name(f"{path.name}.partial")
    size, buffer = 0, bytearray()
    try:
        async for chunk in chunks:
            size += len(chunk)
            buffer += chunk
            if len(buffer) >= WRITE_BUFFER_BYTES:
                await anyio.to_thread.run_sync(append, draft, bytes(buffer))
                buffer.clear()
        await anyio.to_thread.run_sync(append, draft, bytes(buffer), path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return replace(fetched, size=size)


def append(draft: Path, content: bytes, complete: Path | None = None) -> None:
    """Appends to a file, which gets its name when it is complete."""
    with draft.open("ab") as file:
        file.write(content)
    if complete is not None:
        draft.replace(complete)
