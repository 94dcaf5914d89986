"""A server on loopback that speaks OpenAI's chat API, or is told to fail at it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

SECRET = "sk-echoed-0123456789"
"""What no message may repeat."""


@dataclass
class Reply:
    """A status with JSON, or the events of a stream, a pause in seconds, and the end unless it is `cut`."""

    status: int = 200
    body: Any = None
    events: Sequence[str] = ()
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    pause: float = 0


def chunk(text: str | None = None, reason: str | None = None, usage: dict[str, int] | None = None) -> str:
    """One chunk of an answer, as the API has it."""
    choices = [] if usage else [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]
    shape = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny-1"}
    return json.dumps({**shape, "choices": choices, "usage": usage})


def stream_reply(*texts: str, usage: bool = True) -> Reply:
    """A whole answer in these pieces."""
    counted = [chunk(usage={"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15})]
    return Reply(events=[*map(chunk, texts), chunk(reason="stop"), *(counted if usage else []), "[DONE]"])


def error_reply(status: int, code: str | None = None, **headers: str) -> Reply:
    """An error that repeats a secret."""
    return Reply(status, {"error": {"message": f"no: {SECRET}", "code": code, "type": code}}, headers=headers)


@dataclass
class Endpoint:
    """Where it listens, and the requests that came."""

    url: str
    replies: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            self.requests.append(json.loads(await reader.readexactly(length)))
            await self.send(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        kind = "text/event-stream" if reply.body is None else "application/json"
        headers = {"Content-Type": kind, "Connection": "close", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Reply", *(f"{name}: {value}" for name, value in headers.items())]
        chunked = reply.body is None
        lines += ["Transfer-Encoding: chunked"] if chunked else []
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        if not chunked:
            writer.write(json.dumps(reply.body).encode())
        for event in reply.events:
            data = f"data: {event}\n\n".encode()
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            await writer.drain()
        await asyncio.sleep(reply.pause)
        if chunked and not reply.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


@asynccontextmanager
async def endpoint(*replies: Reply) -> AsyncIterator[Endpoint]:
    """An endpoint that gives these replies in turn, and the last one ever after."""
    place = Endpoint("", list(replies))
    server = await asyncio.start_server(place.serve, "127.0.0.1", 0)
    place.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield place
