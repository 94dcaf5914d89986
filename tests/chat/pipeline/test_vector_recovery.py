"""Damaged files of the embedded vector store are set aside and stored again. In a database of its own."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db import migrate
from db.models import JobStatus, ProcessingJob
from db.provision import provision
from pipelines.knowledge import cleanup
from resolvers.identity import roles
from resolvers.knowledge.vector_recovery import RecoverVectors
from schema.contract import Contract
from schema.framework.context import Services
from server.app import open_services
from server.embedded.vectors import EmbeddedVectors
from server.provider_factory import worker_services
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker, somebody
from tests.conftest import Postgres
from tests.graphql_client import Client

DATABASE = "seshat_vector_recovery"
TEXTS = (
    "The girder spans nine metres and carries the roof.",
    "Doors on the second floor are fire rated for ninety minutes.",
    "The boiler room has a floor drain and a sump pump.",
)


@dataclass
class Installation:
    """Services with a vector store of their own, and somebody who has documents."""

    services: Services
    vectors: EmbeddedVectors
    person: Person

    @property
    def folder(self) -> Path:
        """The files of the store."""
        return self.vectors.data / "vectors"

    @property
    def collection(self) -> Path:
        """The files of its only collection."""
        [found] = [path for path in self.folder.iterdir() if path.name.startswith("seshat-")]
        return found

    async def restart(self, damage: Callable[[Path], None]) -> None:
        """Stop the store, damage its collection and start it."""
        await asyncio.to_thread(self.vectors.stop)
        damage(self.collection)
        self.vectors = EmbeddedVectors(self.vectors.data)
        await asyncio.to_thread(self.vectors.start)

    async def hits(self) -> list[Any] | None:
        """What a search finds, with scores; None if it is unavailable."""
        result = await self.person.graphql.send(operations.SEARCH, query="fire rated doors")
        if result.errors:
            [error] = result.errors
            assert (error.extensions or {})["code"] == "UNAVAILABLE", error
            return None
        assert result.data is not None
        found: list[Any] = result.data["documentSearch"]
        return found

    async def hits_again(self) -> list[Any]:
        """What a search finds once it is available."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.hits()) is None:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        return found

    async def jobs(self) -> list[JobStatus]:
        """The recoveries of the company."""
        async with self.services.database.tenant(self.person.user.company.id, read_only=True) as uow:
            jobs = select(ProcessingJob.status).where(ProcessingJob.task == RecoverVectors.__name__)
            return [row.status for row in await uow.all(jobs)]

    def damaged(self) -> int:
        """How many collections were set aside."""
        return len(list((self.folder / ".damaged").glob("*")))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(
    postgres: Postgres, contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    application, migrator = (
        make_url(url).set(database=DATABASE).render_as_string(hide_password=False)
        for url in (postgres.application, postgres.migrator)
    )
    await provision(postgres.admin, application)
    try:
        await asyncio.to_thread(migrate.upgrade, migrator)
        async with AsyncExitStack() as stack:
            settings = Settings(
                data=tmp_path_factory.mktemp("recovery"),
                database_url=application,
                secret_key="a secret that only the tests know of",
                worker=False,
            )
            vectors = EmbeddedVectors(settings.data)
            await asyncio.to_thread(vectors.start)
            services = await open_services(settings, stack)
            async with services.database.platform() as uow:
                await roles.seed(uow)
            async with a_worker(services):
                person = await somebody(Client(services, contract))
                opened = Installation(services, vectors, person)
                for text in TEXTS:
                    await person.added(text)
                yield opened
                await asyncio.to_thread(opened.vectors.stop)
    finally:
        connection = await asyncpg.connect(driverless_url(postgres.admin))
        await connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        await connection.close()


def largest(collection: Path) -> Path:
    """The file of the collection's vectors."""
    return max(collection.rglob("vectors/chunk_0.mmap"), key=lambda path: path.stat().st_size)


def truncate(collection: Path) -> None:
    for path in [path for path in collection.rglob("*") if path.is_file()]:
        os.truncate(path, path.stat().st_size // 2)


def randomize(collection: Path) -> None:
    with largest(collection).open("r+b") as file:
        file.write(os.urandom(64))


def delete(collection: Path) -> None:
    largest(collection).unlink()


@pytest.mark.parametrize("damage", [truncate, randomize, delete, shutil.rmtree])
async def test_damaged_files_are_set_aside_and_rebuilt(
    installation: Installation, damage: Callable[[Path], None]
) -> None:
    before = await installation.hits_again()
    assert len(before) == len(TEXTS)
    damaged, jobs = installation.damaged(), len(await installation.jobs())

    await installation.restart(damage)

    assert await installation.hits() is None
    assert installation.damaged() == damaged + (damage is not shutil.rmtree)
    assert await installation.hits_again() == before
    assert await installation.jobs() == [JobStatus.COMPLETED] * (jobs + 1)


async def test_whole_files_are_kept_through_kills_and_restarts(installation: Installation) -> None:
    before, damaged = await installation.hits_again(), installation.damaged()
    for _ in range(2):
        killed = installation.vectors.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert await installation.hits() == before
    await installation.restart(lambda collection: None)

    assert await installation.hits() == before
    assert installation.damaged() == damaged


async def test_a_store_that_was_emptied_is_filled(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await installation.hits_again()
    jobs = len(await installation.jobs())
    monkeypatch.setattr(cleanup, "RECOVERY_INTERVAL", timedelta(0))
    await installation.restart(lambda collection: shutil.rmtree(collection.parent))
    opened = installation.services
    services = worker_services(
        *(opened.database, opened.settings, opened.store, opened.embedders, opened.vectors, opened.sources)
    )

    await cleanup.recover_lost_vectors(services, installation.person.user.company.id)

    async with asyncio.timeout(PATIENCE):
        while await installation.jobs() != [JobStatus.COMPLETED] * (jobs + 1):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
    assert await installation.hits() == before
