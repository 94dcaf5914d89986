"""What the installation talks to: an embeddings endpoint and a web site, both on loopback."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache

from tests.providers.fake_openai import Endpoint, Reply
from tests.providers.web.fake_site import Site, picture

MODELS = {"chaos-small": 24, "chaos-large": 40}
"""Embedding models and their dimensions."""
IMAGES = 12
"""Images of a crawl."""


def embed(text: str, dimension: int) -> list[float]:
    """A vector of the text's words."""
    numbers = [0.01] * dimension
    for word in text.lower().split():
        numbers[zlib.crc32(word.strip(".,?!").encode()) % dimension] += 1
    return numbers


class Embeddings(Endpoint):
    """An endpoint that embeds any text by its words."""

    async def send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        payload = self.requests.pop()
        rows = [embed(text, MODELS[payload["model"]]) for text in payload["input"]]
        data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
        usage = {"prompt_tokens": 10 * len(rows), "total_tokens": 10 * len(rows)}
        body = json.dumps({"object": "list", "data": data, "model": payload["model"], "usage": usage})
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()


@dataclass(frozen=True)
class Outside:
    """The addresses of both."""

    embedding_url: str
    image_urls: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Settings with which an installation uses them."""
        model, dimension = next(iter(MODELS.items()))
        return {
            "EMBEDDING_URL": self.embedding_url,
            "EMBEDDING_MODEL": model,
            "EMBEDDING_DIMENSION": str(dimension),
            "CRAWL_ALLOW": "127.0.0.0/8",
            "CRAWL_HOST_INTERVAL": "0.01",
        }


@cache
def images() -> tuple[bytes, ...]:
    """Distinct images."""
    return tuple(picture(number, width=96, height=72) for number in range(IMAGES))


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Serves both."""
    endpoint = Embeddings("", [Reply()])
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
        await stack.enter_async_context(server)
        site = await stack.enter_async_context(Site(latency=0.05).serving())
        urls = tuple(site.put(f"/{number}.jpg", content) for number, content in enumerate(images()))
        port = server.sockets[0].getsockname()[1]
        yield Outside(f"http://127.0.0.1:{port}/v1", urls)
