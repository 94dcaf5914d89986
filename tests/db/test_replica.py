"""A read replica: queries use it while it has what their company has written, and the primary otherwise."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text

from core.settings import Settings, driverless_url
from db import migrate
from db.database import Database
from db.listener import Listener
from db.models import ActivityLog, Company, Tenant
from db.placement import Placement
from db.uow import Scope
from server.embedded.postgres import EmbeddedPostgres, embedded_url, socket_folder
from server.embedded.process import run_server
from tests.conftest import run_postgres
from tests.waiting import LOOK_SECONDS

IN_RECOVERY = text("SELECT pg_is_in_recovery()")


class Pair(NamedTuple):
    """A primary and its replica."""

    database: Database
    companies: tuple[Scope, Scope]
    replica_admin: asyncpg.Connection
    settings: Settings


async def make_replica(primary: Path, folder: Path) -> None:
    """Copies the files of a primary that runs."""
    admin = await asyncpg.connect(driverless_url(embedded_url(primary, "postgres")))
    await admin.execute("SELECT pg_backup_start('replica', true)")
    cluster = folder / "postgres"
    ignored = shutil.ignore_patterns("postmaster.pid", "postmaster.opts")
    await asyncio.to_thread(shutil.copytree, primary / "postgres", cluster, ignore=ignored)
    label = await admin.fetchval("SELECT labelfile FROM pg_backup_stop(false)")
    await admin.close()
    (cluster / "backup_label").write_text(label)
    (cluster / "standby.signal").touch()
    with (cluster / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = 'host={socket_folder(primary)} user=postgres'\n")
    own = (primary / "postgres").stat()
    for path in (folder, cluster, *cluster.rglob("*")):
        shutil.chown(path, own.st_uid, own.st_gid)
    cluster.chmod(0o700)


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        one, other = (Path(stack.enter_context(TemporaryDirectory(prefix="replica-"))) for _ in range(2))
        postgres = await stack.enter_async_context(run_postgres(one))
        await asyncio.to_thread(migrate.upgrade, postgres.migrator)
        await make_replica(one, other)
        await stack.enter_async_context(run_server(EmbeddedPostgres(other, durable=False)))
        settings = Settings(
            data=one, database_url=postgres.application, database_read_url=embedded_url(other, "app_rw")
        )
        admin = await asyncpg.connect(driverless_url(embedded_url(other, "postgres")))
        stack.push_async_callback(admin.close)
        assert settings.database_url is not None
        database = Database(Placement(settings, settings.database_url))
        stack.push_async_callback(database.close)
        listener = await stack.enter_async_context(Listener(database.placement.listen_url))
        await stack.enter_async_context(database.placement.watch(listener))
        scopes = []
        for name in ("one", "two"):
            async with database.platform() as uow:
                company = await uow.one(insert(Company).values(name=name).returning(Company.id))
            async with database.tenant(company.id) as uow:
                await uow.execute(insert(Tenant).values(company_id=company.id))
            scopes.append(Scope(company.id))
        yield Pair(database, (scopes[0], scopes[1]), admin, settings)


async def reads_from_replica(database: Database, scope: Scope) -> bool:
    """Where a query of the company runs."""
    assert scope.company_id is not None
    await database.placement.locate(scope.company_id)
    unit = database.query_unit(scope)
    is_replica: bool = await unit.scalar(IN_RECOVERY)
    await unit.finish(commit=False)
    return is_replica


async def until_replica(database: Database, scope: Scope) -> None:
    async with asyncio.timeout(20):
        while not await reads_from_replica(database, scope):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS / 10)


async def test_queries_read_their_own_writes(pair: Pair) -> None:
    database, (own, other) = pair.database, pair.companies
    assert own.company_id is not None
    await until_replica(database, own)
    await until_replica(database, other)
    second = Database(Placement(pair.settings, str(pair.settings.database_url)))
    async with Listener(second.placement.listen_url) as listener, second.placement.watch(listener):
        await until_replica(second, own)

        await pair.replica_admin.execute("SELECT pg_wal_replay_pause()")
        async with database.tenant(own.company_id) as uow:
            await uow.execute(insert(ActivityLog).values(action="NEW"))
        unit = database.query_unit(own)
        actions = [row.action for row in await unit.all(select(ActivityLog.action))]
        await unit.finish(commit=False)
        assert actions == ["NEW"]
        assert not await reads_from_replica(database, own)
        assert await reads_from_replica(database, other)
        await asyncio.sleep(LOOK_SECONDS)
        assert not await reads_from_replica(second, own)

        await pair.replica_admin.execute("SELECT pg_wal_replay_resume()")
        await until_replica(database, own)
        await until_replica(second, own)
        unit = second.query_unit(own)
        assert [row.action for row in await unit.all(select(ActivityLog.action))] == ["NEW"]
        await unit.finish(commit=False)
    await second.close()


async def test_without_the_replica_or_its_news_queries_read_the_primary(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, (own, _) = pair.database, pair.companies
    await until_replica(database, own)

    replica = database.placement.replica
    assert replica is not None
    with monkeypatch.context() as outage:
        outage.setattr(replica, "_listener", None)
        assert not await reads_from_replica(database, own)
    await until_replica(database, own)
    replica._on_reconnect()
    assert not await reads_from_replica(database, own)
    await until_replica(database, own)
    with monkeypatch.context() as outage:
        outage.setattr("db.replica.MAX_AGE_SECONDS", -1.0)
        assert not await reads_from_replica(database, own)
