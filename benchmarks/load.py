"""Clients of a load test: HTTP/1.1 over asyncio streams, with as little work as possible between requests."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

HEAD = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HALF_OPEN = (HEAD, HEAD + b"Content-Length: 999\r\n\r\n{")
"""Beginnings of requests: a part of the headers, and a part of the body."""
REOPEN_SECONDS = 1
STREAM_BYTES = 2**24
"""What a client receives ahead of what it has read."""
RETRY_SECONDS = 1
"""What the server's `Retry-After` says."""


def operation_request(
    document: str, variables: Mapping[str, object], name: str | None = None, token: str | None = None
) -> bytes:
    """The bytes of an operation, signed in with a token."""
    body = json.dumps({"query": document, "operationName": name, "variables": variables}).encode()
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return HEAD + f"{authorization}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Outcomes:
    """What clients were answered: seconds of good answers and of coded refusals, and everything else."""

    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    abandoned: int = 0

    def __iadd__(self, other: "Outcomes") -> "Outcomes":
        self.good += other.good
        self.refused += other.refused
        self.wrong += other.wrong
        self.abandoned += other.abandoned
        return self


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed; 0 without values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


class Client:
    """Sends requests in turn, each when the last one is answered, or abandoned after `patience` seconds.

    After a refusal it waits as `Retry-After` says.
    """

    def __init__(
        self,
        port: int,
        requests: Sequence[bytes],
        outcomes: Outcomes,
        *,
        start: int,
        patience: float | None = None,
    ) -> None:
        self.port, self.requests, self.outcomes = port, requests, outcomes
        self.turn, self.patience = start, patience
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def run(self, until: float) -> None:
        """Sends requests until this time of `perf_counter`."""
        try:
            while perf_counter() < until:
                if await self.send_next() == 503:
                    await asyncio.sleep(min(RETRY_SECONDS, max(0, until - perf_counter())))
        finally:
            self.close()

    async def run_shared(self, turns: Iterator[object]) -> None:
        """Sends a request for each turn that it takes; several clients share the turns."""
        try:
            for _ in turns:
                await self.send_next()
        finally:
            self.close()

    async def send_next(self) -> int | None:
        """Sends the next request and counts what comes of it. Returns the status of the answer."""
        begin = perf_counter()
        try:
            async with asyncio.timeout(self.patience):
                status, body = await self.exchange()
        except TimeoutError:
            self.outcomes.abandoned += 1
        except (OSError, asyncio.IncompleteReadError) as error:
            self.outcomes.wrong.append(type(error).__name__)
        else:
            self.count(status, body, perf_counter() - begin)
            return status
        self.close()
        return None

    async def exchange(self) -> tuple[int, bytes]:
        """The status and body of the next request's response."""
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(
                "127.0.0.1", self.port, limit=STREAM_BYTES
            )
        self.turn += 1
        self.writer.write(self.requests[self.turn % len(self.requests)])
        head = await self.reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await self.reader.readexactly(length)
        if b"connection: close" in lower:
            self.close()
        return int(head[9:12]), body

    def count(self, status: int, body: bytes, seconds: float) -> None:
        """Counts an answer."""
        if status == 200 and b'"errors":[{' not in body:
            self.outcomes.good.append(seconds)
        elif status == 503 and b'"UNAVAILABLE"' in body:
            self.outcomes.refused.append(seconds)
        else:
            self.outcomes.wrong.append(f"{status} {body[:200]!r}")

    def close(self) -> None:
        """Closes the connection at once."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


async def send_exactly(port: int, requests: Sequence[bytes], count: int, clients: int) -> Outcomes:
    """Sends `count` of the requests in turn from so many clients, and waits for every answer."""
    outcomes, turns = Outcomes(), iter(range(count))
    crowd = [Client(port, requests, outcomes, start=number) for number in range(clients)]
    await asyncio.gather(*(client.run_shared(turns) for client in crowd))
    return outcomes


class HalfOpen:
    """Connections that begin a request and never complete it; one that the server closes is opened again."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.count = port, count
        self.tasks: list[asyncio.Task[None]] = []
        self.open = 0

    async def __aenter__(self) -> "HalfOpen":
        self.tasks = [asyncio.create_task(self.hold(number)) for number in range(self.count)]
        async with asyncio.timeout(60):
            while self.open < self.count:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def hold(self, number: int) -> None:
        """One connection."""
        await asyncio.sleep(number / 1_000)
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(HALF_OPEN[number % len(HALF_OPEN)])
                self.open += 1
                try:
                    await reader.read()
                finally:
                    self.open -= 1
                    writer.transport.abort()
            await asyncio.sleep(REOPEN_SECONDS)


def run_impatient(
    port: int, requests: Sequence[bytes], clients: int, patience: float, seconds: float
) -> Outcomes:
    """Runs clients that abandon requests, in a process of their own so that they slow no others down."""
    outcomes = Outcomes()

    async def run() -> None:
        until = perf_counter() + seconds
        crowd = [Client(port, requests, outcomes, start=5 * n, patience=patience) for n in range(clients)]
        await asyncio.gather(*(client.run(until) for client in crowd))

    asyncio.run(run())
    return outcomes
