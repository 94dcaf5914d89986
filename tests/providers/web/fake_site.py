"""Web sites on this machine: pages, images, and servers that misbehave in every way that crawls meet.

`python -m tests.providers.web.fake_site` serves a gallery until it is stopped.
"""

import argparse
import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from io import BytesIO
from ssl import SSLContext

import numpy as np
from PIL import Image

TYPES = {
    "html": "text/html; charset=utf-8",
    "xml": "application/xml",
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}
"""What files are served as, by the ends of their names."""
LONGEST_HEAD = 64 * 1024
PIECE = 16 * 1024


@dataclass(frozen=True)
class Ask:
    """A request as it came in, header names in lower case; `at` is the event loop's time."""

    path: str
    headers: Mapping[str, str]
    at: float


@dataclass(frozen=True)
class Reply:
    """An answer; its length is announced unless `headers` announce another."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Behaviour = Callable[[Ask, asyncio.StreamWriter], Awaitable[Reply | None]]
"""Answers, or writes what it wants by itself; then the connection is closed."""


class Site:
    """What is served at one host and port, and what was asked for."""

    def __init__(self, latency: float = 0) -> None:
        """`latency` seconds pass before every answer."""
        self.url = ""
        self.requests: list[Ask] = []
        self.connections = 0
        self.busiest = 0
        """Requests that were answered at the same time, at most."""
        self._latency = latency
        self._answers: dict[str, Reply | Behaviour] = {}
        self._busy = 0
        self._open: set[asyncio.Task[None]] = set()

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [ask.path for ask in self.requests]

    def put(self, path: str, answer: bytes | str | Reply | Behaviour, type: str | None = None) -> str:
        """Serve this at `path`, by its name's type unless told otherwise; its whole address."""
        if isinstance(answer, str):
            answer = answer.encode()
        if isinstance(answer, bytes):
            ending = path.partition("?")[0].rpartition(".")[2]
            answer = Reply(answer, headers={"Content-Type": type or TYPES.get(ending, TYPES["html"])})
        self._answers[path] = answer
        return self.url + path

    @asynccontextmanager
    async def serving(
        self, host: str = "127.0.0.1", port: int = 0, tls: SSLContext | None = None
    ) -> AsyncIterator["Site"]:
        """Open at this address, which may be any in 127.0.0.0/8; port 0 is a free one."""
        server = await asyncio.start_server(self._connected, host, port, limit=LONGEST_HEAD, ssl=tls)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://" + "{}:{}".format(*server.sockets[0].getsockname())
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._converse(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(await read_request(reader), writer):
                pass
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # who asked is gone
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, ask: Ask, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(ask)
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            await asyncio.sleep(self._latency)
            answer = self._answers.get(ask.path) or self._answers.get("*") or Reply(b"Nothing here.", 404)
            reply = answer if isinstance(answer, Reply) else await answer(ask, writer)
            if reply is None:
                return False
            writer.write(encode_reply(reply))
            await writer.drain()
            return True
        finally:
            self._busy -= 1


async def read_request(reader: asyncio.StreamReader) -> Ask:
    """The next request. Raises `EOFError` where there is none."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    named = (line.partition(":") for line in lines[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in named}
    return Ask(lines[0].split(" ")[1], headers, asyncio.get_running_loop().time())


def encode_reply(reply: Reply) -> bytes:
    """As bytes of HTTP/1.1."""
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
    return (
        (head + "".join(f"{name}: {value}\r\n" for name, value in headers.items())).encode("latin-1")
        + b"\r\n"
        + reply.body
    )


def redirect(to: str, status: int = 302) -> Reply:
    """Sends on to another address."""
    return Reply(status=status, headers={"Location": to})


def gzip_reply(content: bytes, type: str = TYPES["html"]) -> Reply:
    """Compressed with gzip."""
    return Reply(gzip.compress(content), headers={"Content-Type": type, "Content-Encoding": "gzip"})


def etag_reply(content: bytes, etag: str, type: str = TYPES["jpg"]) -> Behaviour:
    """Not sent again to who has it."""
    modified = "Sun, 01 Nov 2026 08:00:00 GMT"
    headers = {"ETag": etag, "Last-Modified": modified, "Content-Type": type}

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        known = ask.headers.get("if-none-match")
        same = known == etag if known else ask.headers.get("if-modified-since") == modified
        return Reply(b"" if same else content, 304 if same else 200, headers)

    return answer


def fail_first(first: Reply, times: int, then: Reply) -> Behaviour:
    """The first reply so many times, then the other."""
    left = [first] * times

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        return left.pop() if left else then

    return answer


def break_connection(content: bytes, times: int, type: str = TYPES["jpg"]) -> Behaviour:
    """Cuts the connection in the middle of the content so many times, then sends all of it."""
    left = times

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply | None:
        nonlocal left
        left -= 1
        reply = Reply(content, headers={"Content-Type": type})
        if left < 0:
            return reply
        writer.write(encode_reply(reply)[: -(len(content) // 2)])
        await writer.drain()
        return None

    return answer


def slow(content: bytes, seconds: float, type: str = TYPES["html"]) -> Behaviour:
    """Answers after so many seconds."""

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        await asyncio.sleep(seconds)
        return Reply(content, headers={"Content-Type": type})

    return answer


async def endless(ask: Ask, writer: asyncio.StreamWriter) -> None:
    """Sends an image that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff")
    while True:
        writer.write(bytes(PIECE))
        await writer.drain()


async def slow_body(ask: Ask, writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")
    while True:
        writer.write(b"\xff")
        await writer.drain()
        await asyncio.sleep(0.02)


async def overlong_body(ask: Ask, writer: asyncio.StreamWriter) -> None:
    """Sends headers that never end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + bytes(PIECE).replace(b"\0", b"x") + b"\r\n")
        await writer.drain()


async def stalled_body(ask: Ask, writer: asyncio.StreamWriter) -> None:
    """Announces an answer, again and again."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await writer.drain()


async def silent(ask: Ask, writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.Event().wait()


async def endless_headers(ask: Ask, writer: asyncio.StreamWriter) -> None:
    """Does not speak HTTP."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


def bomb(size: int, type: str = TYPES["html"]) -> Reply:
    """A thousandth of so many bytes, which becomes them when it is unpacked."""
    return gzip_reply(bytes(size), type)


def picture(number: int, *, width: int = 320, height: int = 240, format: str = "JPEG") -> bytes:
    """An image of soft patches, another one for each number, as a file."""
    patches = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC).save(file, format)
    return file.getvalue()


def a_page(title: str, body: str, head: str = "") -> str:
    """A page of HTML."""
    return f"<!doctype html><html><head><title>{escape(title)}</title>{head}</head><body>{body}</body></html>"


def gallery(site: Site, images: Mapping[str, bytes], per_page: int = 50) -> str:
    """Serve images by name on pages that are linked from a first one, whose address it is."""
    names = list(images)
    for name, content in images.items():
        site.put(f"/images/{name}", content)
    pages = [names[start : start + per_page] for start in range(0, len(names), per_page)]
    links = "".join(f'<a href="/page/{number}">Page {number}</a> ' for number in range(1, len(pages) + 1))
    for number, shown in enumerate(pages, 1):
        site.put(f"/page/{number}", a_page(f"Page {number}", links + figures(shown)))
    site.put("/robots.txt", "User-agent: *\nDisallow: /private/\n")
    return site.put("/", a_page("Gallery", links))


def figures(names: Sequence[str]) -> str:
    """Images of a gallery, each with a caption."""
    return "".join(
        f'<figure><img src="/images/{escape(name)}" alt="Picture {escape(name)}"></figure>' for name in names
    )


@asynccontextmanager
async def sites(count: int, latency: float = 0) -> AsyncIterator[list[Site]]:
    """So many hosts, 127.0.0.1 and upwards."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Site(latency).serving(f"127.0.0.{number}"))
            for number in range(1, count + 1)
        ]


async def main() -> None:
    """Serve a gallery of drawn images."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--width", type=int, default=320, help="of the images, in pixels")
    values = parser.parse_args()
    async with Site().serving(port=values.port) as site:
        size = {"width": values.width, "height": values.width * 3 // 4}
        images = {f"{number}.jpg": picture(number, **size) for number in range(values.images)}
        print(gallery(site, images), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
