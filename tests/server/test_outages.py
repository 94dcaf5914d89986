"""The application while its embedded database is killed: it answers again, and hears of changes again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from core.settings import Settings
from db import migrate
from db.database import Database
from db.errors import is_transient
from db.events import Events, publish
from db.listener import Listener
from db.placement import Placement
from db.provision import provision
from server import installation
from server.app import create_app
from server.embedded.postgres import EmbeddedPostgres, running_postmaster, with_embedded_database
from server.embedded.process import run_server

HEAL_SECONDS = 5.0
ONE = text("SELECT 1")
SLEEP = text("SELECT pg_sleep(30)")
REFRESH = """mutation { tokenRefresh(input: {refreshToken: "unknown"}) { errors { code } } }"""


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of the test's own, without a table."""
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with run_server(server):
        urls = with_embedded_database(Settings(data=tmp_path))
        assert urls.database_url is not None
        assert urls.database_admin_url is not None
        await provision(urls.database_admin_url, urls.database_url)
        yield server


def kill(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)


async def test_units_in_flight_fail_as_transient_and_later_ones_succeed(server: EmbeddedPostgres) -> None:
    settings = with_embedded_database(Settings(data=server.data))
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))

    async def ask(statement: object) -> object:
        async with database.platform(read_only=True) as uow:
            return await uow.scalar(statement)  # type: ignore[arg-type]

    assert await asyncio.gather(*(ask(ONE) for _ in range(8))) == [1] * 8
    asleep = [asyncio.create_task(ask(SLEEP)) for _ in range(4)]
    await asyncio.sleep(0.3)
    kill(server)

    for failed in await asyncio.gather(*asleep, return_exceptions=True):
        assert isinstance(failed, Exception)
        assert is_transient(failed), repr(failed)
    async with asyncio.timeout(HEAL_SECONDS):
        while True:
            [failed] = await asyncio.gather(ask(ONE), return_exceptions=True)
            if not isinstance(failed, Exception):
                break
            assert is_transient(failed), repr(failed)
            await asyncio.sleep(0.02)
    assert await asyncio.gather(*(ask(ONE) for _ in range(8))) == [1] * 8
    await database.close()


async def test_every_failure_to_connect_is_transient(tmp_path: Path) -> None:
    settings = with_embedded_database(Settings(data=tmp_path))
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))
    with pytest.raises(ConnectionError) as missing:
        async with database.platform() as uow:
            await uow.scalar(ONE)
    await database.close()

    assert is_transient(missing.value)


async def test_a_listener_hears_of_changes_again(server: EmbeddedPostgres) -> None:
    settings = with_embedded_database(Settings(data=server.data))
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))
    async with Listener(database.placement.listen_url) as listener, Events(listener) as events:
        changes = events.listen("topic")
        await anext(changes)
        kill(server)

        async with asyncio.timeout(HEAL_SECONDS):
            await anext(changes)  # changes may have been missed
        async with database.platform() as uow:
            await publish(uow, "topic")
        async with asyncio.timeout(HEAL_SECONDS):
            await anext(changes)
        await changes.aclose()
    await database.close()


async def test_the_application_answers_again(server: EmbeddedPostgres) -> None:
    settings = with_embedded_database(Settings(data=server.data, worker=False))
    assert settings.database_admin_url is not None
    await asyncio.to_thread(migrate.upgrade, settings.database_admin_url)
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client,
    ):
        refused = (await client.post("/graphql", json={"query": REFRESH})).json()
        for _ in range(2):
            killed = server.pid
            kill(server)

            async with asyncio.timeout(HEAL_SECONDS):  # backends outlive their postmaster for a moment
                while True:
                    ready = await client.get("/readyz")
                    if server.pid not in (None, killed) and ready.status_code == 200:
                        break
                    await asyncio.sleep(0.02)
                answer = await client.post("/graphql", json={"query": REFRESH})
            assert answer.json() == refused


async def test_a_start_goes_on_after_the_database_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []

    async def prepare(settings: Settings, use: str, *, embedded: bool) -> None:
        prepared.append(use)
        if len(prepared) == 1:
            os.kill(int(running_postmaster(tmp_path / "postgres")[0]), signal.SIGKILL)
            raise ConnectionRefusedError

    monkeypatch.setattr(installation, "prepare", prepare)

    async with installation.open_installation(Settings(data=tmp_path)):
        assert len(running_postmaster(tmp_path / "postgres")) == 3

    assert prepared == ["own", "own"]
    with pytest.raises(ConnectionRefusedError):
        await fail(tmp_path, monkeypatch)


async def fail(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preparation that fails while its database runs."""

    async def prepare(settings: Settings, use: str, *, embedded: bool) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(installation, "prepare", prepare)
    async with installation.open_installation(Settings(data=data)):
        pass
