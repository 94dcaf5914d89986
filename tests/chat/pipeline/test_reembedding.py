"""Another embedding model takes over, while the one before it serves. In a database of its own."""

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update
from sqlalchemy.engine import make_url
from strawberry.relay import GlobalID

from core.settings import Settings, driverless_url
from db import migrate
from db.ids import new_id
from db.models import (
    Company,
    CompanyKind,
    EmbeddingModel,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
    RoleName,
    TokenUsage,
)
from db.provision import provision
from pipelines.knowledge import cleanup
from providers.embeddings import MiniLM
from resolvers.identity import roles
from resolvers.knowledge import model_rollout
from schema.contract import Contract
from schema.framework.context import Services
from server.app import open_services
from server.embedded.vectors import EmbeddedVectors
from server.provider_factory import worker_services
from server.worker import Worker
from tests import factories
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker
from tests.conftest import Postgres
from tests.factories import a_company, a_user
from tests.factories.knowledge import a_chunk, a_document
from tests.graphql_client import Client
from tests.providers.fake_openai import Endpoint, Reply, error_reply

DATABASE = "anew"
SIZES = {"text-embedding-3-small": 16, "text-embedding-3-large": 24}
ACTIVATE = """mutation ($id: ID!) { embeddingModelActivate(id: $id) {
  embeddingModel { name isActive } errors { code path } } }"""
LOANS = "The minimum credit score of the programme is 660."
HARBOUR = "The harbour master closes the northern lock at nine."


@dataclass
class Embeddings(Endpoint):
    """An endpoint that embeds any text by its words, once its `gate` is open; `refusals` come first."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    refusals: int = 0
    read: Counter[str] = field(default_factory=Counter)

    async def send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        payload = self.requests[-1]
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            return await super().send(error_reply(503), writer)
        self.read.update(payload["input"])
        rows = [vector(text, SIZES[payload["model"]]) for text in payload["input"]]
        data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
        tokens = 10 * len(rows)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        answer = {"object": "list", "data": data, "model": payload["model"], "usage": usage}
        return await super().send(Reply(body=answer), writer)


def vector(text: str, size: int) -> list[float]:
    """How often words stand in it, whatever their order."""
    counted = [1.0] * size
    for word in text.lower().split():
        counted[zlib.crc32(word.encode()) % size] += 1
    return counted


@dataclass(frozen=True)
class House:
    """An installation with people of the platform and of a company, and an endpoint beside the model."""

    services: Services
    endpoint: Embeddings
    contract: Contract
    platform: Person

    async def somebody(self) -> Person:
        """Somebody in a company of their own."""
        user = a_user(a_company(), RoleName.USER)
        await factories.save(self.services.database, user)
        return Person(user, Client(self.services, self.contract, user_id=user.id))

    async def activate(self, name: str) -> UUID:
        """Activate the model of this name; its key."""
        async with self.services.database.platform(read_only=True) as uow:
            id: UUID = await uow.scalar(select(EmbeddingModel.id).where(EmbeddingModel.name == name))
        await self.platform(ACTIVATE, id=gid_of(id))
        return id

    async def searched_by(self, person: Person) -> str | None:
        """The name of the model that the person's company is searched by."""
        async with self.services.database.platform(read_only=True) as uow:
            own = Company.embedding_model_id == EmbeddingModel.id
            name = select(EmbeddingModel.name).join(Company, own).where(Company.id == person.user.company.id)
            found: str | None = await uow.scalar(name)
            return found

    async def jobs(self, person: Person) -> list[JobStatus]:
        """How the company's jobs of embedding anew stand, oldest first."""
        async with self.services.database.tenant(person.user.company.id, read_only=True) as uow:
            jobs = select(ProcessingJob.status).where(
                ProcessingJob.job_type == ProcessingJobType.RE_EMBEDDING
            )
            return [row.status for row in await uow.all(jobs.order_by(ProcessingJob.created_at))]

    async def usage(self, person: Person) -> list[tuple[str | None, int, float | None]]:
        """What the company used of embedding models: model, tokens, dollars; oldest first."""
        async with self.services.database.tenant(person.user.company.id, read_only=True) as uow:
            used = select(TokenUsage.model_name, TokenUsage.total_tokens, TokenUsage.estimated_cost)
            used = used.where(TokenUsage.operation_type == "embedding").order_by(TokenUsage.created_at)
            return [tuple(row) for row in await uow.all(used)]

    async def count(self, person: Person, model: str, dimension: int) -> int:
        """How many chunks of the company the model's store holds."""
        return await self.services.vectors.of(model, dimension).count(person.user.company.id)


def gid_of(model_id: UUID) -> str:
    """An embedding model's global id."""
    return str(GlobalID("EmbeddingModel", str(model_id)))


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.03)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(
    postgres: Postgres, contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    application, migrator = (
        make_url(url).set(database=DATABASE).render_as_string(hide_password=False)
        for url in (postgres.application, postgres.migrator)
    )
    await provision(postgres.admin, application)
    try:
        await asyncio.to_thread(migrate.upgrade, migrator)
        async with AsyncExitStack() as stack:
            endpoint = Embeddings("", [Reply()])
            server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            secret: Any = "a secret that only the tests know of"
            settings = Settings(
                data=tmp_path_factory.mktemp("anew"),
                database_url=application,
                secret_key=secret,
                worker=False,
                embedding_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1",
                embedding_retries=0,
            )
            vectors = EmbeddedVectors(settings.data)
            await asyncio.to_thread(vectors.start)
            stack.push_async_callback(asyncio.to_thread, vectors.stop)
            services = await open_services(settings, stack)
            async with services.database.platform() as uow:
                await roles.seed(uow)
                for name, dimension, provider in (
                    (MiniLM.model, MiniLM.dimension, MiniLM.provider),
                    *((name, size, "openai") for name, size in SIZES.items()),
                ):
                    values = {"id": new_id(), "name": name, "dimension": dimension, "provider": provider}
                    values |= {"max_tokens": 256, "is_active": provider == MiniLM.provider}
                    await uow.execute(insert(EmbeddingModel).values(values))
            admin = a_user(a_company(kind=CompanyKind.PLATFORM), RoleName.SUPER_ADMIN)
            await factories.save(services.database, admin)
            platform = Person(admin, Client(services, contract, user_id=admin.id))
            yield House(services, endpoint, contract, platform)
    finally:
        connection = await asyncpg.connect(driverless_url(postgres.admin))
        await connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        await connection.close()


@pytest_asyncio.fixture(autouse=True)
async def at_the_start(house: House) -> AsyncIterator[None]:
    """The model that comes along is active, and every company is searched by it."""
    yield
    async with house.services.database.platform() as uow:
        await uow.execute(update(EmbeddingModel).values(is_active=False))
        first = EmbeddingModel.name == MiniLM.model
        await uow.execute(update(EmbeddingModel).where(first).values(is_active=True))
        await uow.execute(update(Company).values(embedding_model_id=None))
    house.endpoint.gate.clear()
    house.endpoint.read.clear()


@pytest_asyncio.fixture
async def worker(house: House) -> AsyncIterator[Worker]:
    async with a_worker(house.services, queue_slots={"chat": 2}, job_concurrency=4) as worker:
        yield worker


async def search_documents(person: Person, query: str) -> set[str]:
    """The ids of the documents in which something was found."""
    answer = await person(operations.SEARCH, query=query, filter=None)
    return {hit["chunk"]["document"]["id"] for hit in answer["documentSearch"]}


async def test_the_model_before_serves_until_every_document_is_embedded(house: House, worker: Worker) -> None:
    person, idle, new = await house.somebody(), await house.somebody(), "text-embedding-3-small"
    published = await house.platform.added("The lighthouse of Aalmouth is red.", scope="GLOBAL")
    first = await person.added(LOANS)
    question = "minimum credit score, harbour master and the lighthouse of Aalmouth"

    await house.activate(new)
    second = await person.added(HARBOUR)
    meanwhile = (
        await search_documents(person, question),
        await house.searched_by(person),
        await house.jobs(person),
    )
    house.endpoint.gate.set()
    await until(lambda: is_active(house, house.platform, new))
    await cleanup.enqueue_reembedding(working_services(house))
    await until(lambda: is_active(house, person, new))

    every = {published["id"], first["id"], second["id"]}
    assert meanwhile == (every, MiniLM.model, [])
    assert await search_documents(person, question) == every
    assert house.endpoint.read[question] == 1
    for document in (first, second):
        assert (await person.document(document["id"]))["embeddingModel"] == new
    assert await house.jobs(person) == [JobStatus.COMPLETED]
    assert await house.jobs(idle) == []
    assert await house.searched_by(idle) is None
    assert await search_documents(idle, question) == {published["id"]}
    assert await house.count(person, MiniLM.model, MiniLM.dimension) == 2

    await cleanup.purge_unused_vectors(working_services(house))

    assert await house.count(person, MiniLM.model, MiniLM.dimension) == 0
    assert await search_documents(person, question) == every
    await house.platform(operations.DELETE, id=published["id"])


async def is_active(house: House, person: Person, model: str) -> bool:
    """Whether the company is searched by the model, and all jobs for it have ended."""
    ended = await house.jobs(person)
    return await house.searched_by(person) == model and set(ended) <= {JobStatus.COMPLETED}


def working_services(house: House) -> Any:
    """What upkeep works with."""
    own = house.services
    return worker_services(own.database, own.settings, own.store, own.embedders, own.vectors, own.sources)


async def test_a_job_that_fails_goes_on_where_it_was(house: House, worker: Worker) -> None:
    person, texts = await house.somebody(), [f"The {word} is closed." for word in ("lock", "gate", "door")]
    documents = [await person.added(text) for text in texts]
    house.endpoint.gate.set()
    house.endpoint.refusals = 2

    await house.activate("text-embedding-3-large")
    await until(lambda: is_active(house, person, "text-embedding-3-large"))

    assert house.endpoint.refusals == 0
    assert [house.endpoint.read[text] for text in texts] == [1, 1, 1]
    assert await house.count(person, "text-embedding-3-large", 24) == len(documents)
    minilm, large = (await house.usage(person))[:3], (await house.usage(person))[3:]
    assert [(model, cost) for model, _, cost in minilm] == [(MiniLM.model, 0)] * 3
    assert large == [("text-embedding-3-large", 30, 0.0000039)]


async def test_another_activation_takes_the_place_of_one_that_runs(house: House, worker: Worker) -> None:
    person = await house.somebody()
    document = await person.added(LOANS)
    await house.platform.added(HARBOUR)

    await house.activate("text-embedding-3-small")
    await until(lambda: is_queued(house))
    await house.activate(MiniLM.model)
    house.endpoint.gate.set()
    await until(lambda: is_active(house, house.platform, MiniLM.model))

    assert await house.searched_by(person) == MiniLM.model
    assert await search_documents(person, "minimum credit score") == {document["id"]}
    assert (await person.document(document["id"]))["embeddingModel"] == MiniLM.model


async def is_queued(house: House) -> bool:
    """Whether the endpoint has been asked for the platform's document."""
    return any(HARBOUR in request["input"] for request in house.endpoint.requests)


async def test_what_was_embedded_before_is_not_embedded_again(house: House, worker: Worker) -> None:
    person, stranger, model = await house.somebody(), await house.somebody(), "text-embedding-3-small"
    house.endpoint.gate.set()
    await house.activate(model)
    await until(lambda: is_active(house, house.platform, model))

    first = await person.added(LOANS)
    await person(operations.REPROCESS, id=first["id"])
    await person.document(first["id"])
    copied = await person.added(LOANS)
    assert house.endpoint.read[LOANS] == 1
    await stranger.added(LOANS)

    assert house.endpoint.read[LOANS] == 2
    assert await search_documents(person, "credit score") == {first["id"], copied["id"]}
    spent = (model, 10, 0.0000002)
    assert await house.usage(person) == [spent, (model, 0, 0), (model, 0, 0), spent]
    assert await house.usage(stranger) == [spent]


async def test_documents_that_came_without_vectors_are_found_once_their_job_has_ended(
    house: House, worker: Worker
) -> None:
    person = await house.somebody()
    document = a_document(person.user, extracted_text=LOANS, processing_status=ProcessingStatus.COMPLETED)
    await factories.save(house.services.database, a_chunk(document, content=LOANS))

    jobs = []
    for _ in range(2):
        async with house.services.database.tenant(person.user.company.id) as uow:
            jobs.append(await model_rollout.enqueue_first(uow))
    await until(lambda: is_active(house, person, MiniLM.model))

    assert [job is not None for job in jobs] == [True, False]
    assert await search_documents(person, "lowest credit score") == {document.gid}
    assert (await person.document(document.gid))["embeddingModel"] == MiniLM.model


async def test_pieces_are_as_long_as_an_installation_says(house: House) -> None:
    person = await house.somebody()
    text = "The lock is closed at nine. The gate is opened at six. The tower is red. The bridge is long."

    async with a_worker(house.services, chunk_tokens=10, chunk_overlap=0):
        document = await person.added(text)

    assert [chunk["content"] for chunk in document["chunks"]["nodes"]] == [
        "The lock is closed at nine.",
        "The gate is opened at six.",
        "The tower is red.",
        "The bridge is long.",
    ]
