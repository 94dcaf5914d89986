"""Benchmark of time to first token: from `messageSend` to the first `MessageDelta` at a WebSocket client.

Run as `python -m benchmarks.first_delta [--questions 30]`.

A server of its own answers from 1,000 chunks with the embedded model, in another process, on loopback.
Prints a table of the parts, and exits with 1 if the bound is missed.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psutil
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from rich.table import Table
from sqlalchemy import insert, select
from strawberry.relay import GlobalID

from benchmarks.bounds import Limit, console, verdict
from benchmarks.processes import serve
from core.ports import VectorChunk
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import (
    ConversationEvent,
    ConversationEventKind,
    Document,
    DocumentChunk,
    DocumentScope,
    ProcessingJob,
    ProcessingStatus,
)
from db.placement import Placement
from providers.embeddings import MiniLM
from server.embedded.postgres import embedded_url
from server.provider_factory import open_vectors

DOCUMENTS, CHUNKS_EACH = 20, 50
SENTENCES = 24
"""Sentences per chunk: about 500 tokens."""
WARM_UP = 5
MAX_FIRST_DELTA_MS = 300
"""Maximum median."""

PLACES = (
    "harbour",
    "bakery",
    "library",
    "quarry",
    "orchard",
    "foundry",
    "museum",
    "garrison",
    "mill",
    "pier",
)
THINGS = ("budget", "opening", "capacity", "rent", "height", "staff", "insurance", "lease", "tariff", "yield")
FILLER = "several further remarks about {} were read by the committee, which thanked everybody for the {}."

REGISTER = """mutation ($input: UserRegisterInput!) { payload: userRegister(input: $input) {
  accessToken user { id company { id } } errors { message } } }"""
CONVERSE = """mutation { payload: conversationCreate(input: {title: "Questions"}) {
  conversation { id } errors { message } } }"""
SEND = """mutation ($input: MessageSendInput!) { payload: messageSend(input: $input) {
  answer { id } errors { message } } }"""
WATCH = """subscription ($id: ID!) { event: conversationEvents(id: $id) { kind: __typename
  ... on MessageDelta { messageId text }
  ... on MessageCompleted { message { id model } }
  ... on MessageFailed { messageId reason } } }"""

PARTS = ("queue", "begin", "retrieval", "answer", "delivery", "first delta", "mutation", "whole")
"""From the question's commit to the job's start, to the search's, to its end, to the first piece's being
stored, to its arrival. Then from `messageSend` to the first piece, to its own answer, and to the end."""


@dataclass(frozen=True)
class Times:
    """Times of the request, its response, the first delta and the complete answer."""

    sent: datetime
    received: datetime
    first: datetime
    last: datetime


async def fill(database: Database, settings: Settings, user_id: UUID, company_id: UUID) -> list[str]:
    """Stores 1,000 chunks, and returns a question for each.

    Each is embedded by its first sentence alone, which takes seconds in place of minutes.
    """
    chance, embedder, questions = random.Random(7), MiniLM(), []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(embedder.close)
        store = open_vectors(settings, stack).of(embedder.model, embedder.dimension)
        for _ in range(DOCUMENTS):
            document, texts = new_id(), []
            rows: list[dict[str, Any]] = []
            for index in range(CHUNKS_EACH):
                request, text = random_document(chance)
                questions.append(request)
                texts.append(text)
                chunk = {"id": new_id(), "document_id": document, "chunk_index": index, "content": text}
                rows.append({**chunk, "chunk_metadata": {"start": 0}})
            await store_documents(database, user_id, company_id, document, rows)
            vectors = await embedder.embed([text.partition(".")[0] for text in texts], "passage")
            chunks = [
                VectorChunk(row["id"], document, user_id, "company", row["content"], [vector])
                for row, vector in zip(rows, vectors, strict=True)
            ]
            await store.upsert(company_id, chunks)
    chance.shuffle(questions)
    return questions


async def store_documents(
    database: Database, user_id: UUID, company_id: UUID, document: UUID, rows: list[dict[str, Any]]
) -> None:
    """Stores one searchable document."""
    name = f"Minutes {document}"
    about = {"title": name, "filename": name, "original_filename": name, "file_path": str(document)}
    state = {
        "scope": DocumentScope.COMPANY,
        "processing_status": ProcessingStatus.COMPLETED,
        "chunk_count": len(rows),
    }
    async with database.tenant(company_id) as uow:
        values = {"id": document, "uploaded_by_id": user_id, **about, **state}
        await uow.execute(insert(Document).values(values))
        await uow.execute(insert(DocumentChunk), rows)


def random_document(chance: random.Random) -> tuple[str, str]:
    """A question, and a chunk whose first sentence answers it."""
    place, thing, number = chance.choice(PLACES), chance.choice(THINGS), chance.randint(100, 9_999)
    town = "".join(chance.choice("bdfgklmnprstv") + chance.choice("aeiou") for _ in range(3)).title()
    rest = " ".join(
        FILLER.format(chance.choice(THINGS), chance.choice(PLACES)).capitalize() for _ in range(SENTENCES)
    )
    first = f"The {thing} of the {place} in {town} is {number} this year."
    return f"What is the {thing} of the {place} in {town}?", f"{first} {rest}"


async def measure_question(
    session: AsyncClientSession, events: AsyncIterator[Any], conversation: str, text: str
) -> tuple[UUID, Times]:
    """Sends a question and measures the streamed answer."""
    sent = datetime.now(UTC)
    asking = asyncio.create_task(send_question(session, conversation, text))
    first = None
    async for result in events:
        kind = result["event"]["kind"]
        if kind == "MessageDelta" and first is None:
            first = datetime.now(UTC)
        if kind == "MessageFailed":
            raise RuntimeError(result["event"]["reason"])
        if kind == "MessageCompleted":
            break
    last = datetime.now(UTC)
    answer, instant = await asking
    assert first is not None
    return answer, Times(sent, instant, first, last)


async def send_question(session: AsyncClientSession, conversation: str, text: str) -> tuple[UUID, datetime]:
    """Sends a question. Returns the answer's ID and the response time."""
    answer = await payload(session, SEND, input={"conversationId": conversation, "content": text})
    return key(answer["answer"]["id"]), datetime.now(UTC)


async def payload(session: AsyncClientSession, document: str, **variables: Any) -> Any:
    """The payload of a mutation. Raises an error if it has errors."""
    data = await session.execute(GraphQLRequest(document, variable_values=variables))
    assert not data["payload"]["errors"], data["payload"]["errors"]
    return data["payload"]


async def measure_first_delta(questions: int, data: Path) -> list[Limit]:
    """Starts a server, stores documents and sends questions."""
    with serve({"DATA": str(data), "DEMO": "false", "LOG_LEVEL": "WARNING"}) as (process, port):
        url = f"http://127.0.0.1:{port}"
        async with Client(transport=HTTPXAsyncTransport(f"{url}/graphql")) as session:
            person = {"email": "bench@example.com", "password": "a-long-enough-password"}
            registered = await payload(session, REGISTER, input=person)
        user_id, company_id = key(registered["user"]["id"]), key(registered["user"]["company"]["id"])
        settings = Settings(data=data, database_url=embedded_url(data, "app_rw"))
        database = Database(Placement(settings, embedded_url(data, "app_rw")))
        try:
            texts = await fill(database, settings, user_id, company_id)
            authorization = {"Authorization": f"Bearer {registered['accessToken']}"}
            return await send_questions(database, company_id, url, authorization, texts[:questions], process)
        finally:
            await database.close()


async def send_questions(
    database: Database,
    company_id: UUID,
    url: str,
    authorization: dict[str, str],
    texts: Sequence[str],
    process: psutil.Process,
) -> list[Limit]:
    """Sends questions one after another over one connection and one socket."""
    asking = Client(transport=HTTPXAsyncTransport(f"{url}/graphql", headers=authorization))
    watching = Client(
        transport=WebsocketsTransport(
            f"{url.replace('http', 'ws')}/graphql",
            init_payload=authorization,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
    )
    async with asking as session, watching as socket:
        conversation = (await payload(session, CONVERSE))["conversation"]["id"]
        watched = socket.subscribe(GraphQLRequest(WATCH, variable_values={"id": conversation}))
        answers = []
        async with aclosing(watched) as events:
            await asyncio.sleep(1)  # until it watches
            for number, text in enumerate(texts):
                if number == WARM_UP:
                    before = spent(process)
                answers.append(await measure_question(session, events, conversation, text))
        after = spent(process)
    counted = answers[WARM_UP:]
    rows = [await parts(database, company_id, answer, times) for answer, times in counted]
    first = rows_of(rows, await parts(database, company_id, *answers[0]))
    console.print(
        "CPU for each question: "
        + ", ".join(f"{name} {1000 * (after[name] - before[name]) / len(counted):.0f} ms" for name in after)
    )
    measured = f"{first:.0f} ms"
    return [
        Limit(
            "first delta after messageSend, p50",
            f"< {MAX_FIRST_DELTA_MS} ms",
            measured,
            first < MAX_FIRST_DELTA_MS,
        )
    ]


def spent(process: psutil.Process) -> dict[str, float]:
    """CPU seconds of the server, the vector store and PostgreSQL."""
    found = {"server": 0.0, "vectors": 0.0, "postgres": 0.0}
    for child in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # PostgreSQL's helpers come and go
            words = " ".join(child.cmdline())
            kind = "postgres" if "postgres" in words else "vectors" if "vectors" in words else "server"
            used = child.cpu_times()
            found[kind] += used.user + used.system
    return found


async def parts(database: Database, company_id: UUID, answer: UUID, times: Times) -> list[float]:
    """Milliseconds of each of `PARTS`, by the timestamps of events and job."""
    async with database.tenant(company_id, read_only=True) as uow:
        mine = select(ConversationEvent).where(ConversationEvent.message_id == answer)
        received = await uow.all(mine.order_by(ConversationEvent.sequence))
        started = await uow.scalar(select(ProcessingJob.started_at).where(ProcessingJob.id == answer))
    kinds: dict[ConversationEventKind, list[datetime]] = {}
    for event in received:
        kinds.setdefault(event.kind, []).append(event.created_at)
    begun = kinds[ConversationEventKind.MESSAGE_CREATED][0]
    searching, found = kinds[ConversationEventKind.RUN_STEP][:2]
    stored = kinds[ConversationEventKind.MESSAGE_DELTA][0]
    pairs = (
        (begun, started),
        (started, searching),
        (searching, found),
        (found, stored),
        (stored, times.first),
        (times.sent, times.first),
        (times.sent, times.received),
        (times.sent, times.last),
    )
    return [1000 * (end - begin).total_seconds() for begin, end in pairs]


def rows_of(rows: Sequence[Sequence[float]], cold: Sequence[float]) -> float:
    """Prints the parts. Returns the median time to the first delta."""
    table = Table(
        "part", "p50 ms", "p90 ms", "longest ms", "the very first ms", title="Until the first piece"
    )
    for name, values, once in zip(PARTS, zip(*rows, strict=True), cold, strict=True):
        figures = (median(values), quantiles(values, n=10)[-1], max(values), once)
        table.add_row(name, *(f"{figure:.0f}" for figure in figures))
    console.print(table)
    return median(row[PARTS.index("first delta")] for row in rows)


def key(id: str) -> UUID:
    """The key of a global ID."""
    return UUID(GlobalID.from_id(id).node_id)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=30)
    request = parser.parse_args().questions + WARM_UP
    with TemporaryDirectory(prefix="first-delta-") as folder:
        return verdict(asyncio.run(measure_first_delta(request, Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
