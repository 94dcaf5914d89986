"""Servers on a Unix socket whose folder has colons in its name, as the proxy of Cloud SQL makes them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db.database import Database
from db.events import CHANNEL
from db.listener import Listener
from db.placement import Placement
from server.cli import parser
from server.commands.migrate import init_database, migrate_databases
from server.embedded.postgres import socket_folder
from server.installation import open_installation
from tests.conftest import Postgres
from tests.server.conftest import free_port, kill, start

INSTANCE = "project:europe-west1:instance"


@pytest.fixture
def folder(empty_postgres: Postgres) -> Iterator[Path]:
    """The sockets of the server, in a folder as the proxy of Cloud SQL names it."""
    with TemporaryDirectory(prefix="c", dir="/tmp") as above:
        folder = Path(above) / INSTANCE
        folder.symlink_to(socket_folder(empty_postgres.data))
        yield folder


@pytest_asyncio.fixture
async def settings(empty_postgres: Postgres, folder: Path, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings with URLs in the form that Cloud SQL documents, of a database that does not exist."""
    name = f"test_{uuid4().hex}"
    yield Settings(
        data=tmp_path,
        database_url=f"postgresql://app_rw:p%40ss@/{name}?host={folder}",
        database_admin_url=f"postgresql://postgres:p%40ss@/postgres?host={folder}&port=5432",
        database_listen_url=f"postgresql://app_rw:p%40ss@localhost/{name}?host={folder}/.s.PGSQL.5432",
        secret_key="a secret that only the tests know of",
    )
    admin = await asyncpg.connect(driverless_url(empty_postgres.admin))
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()


async def test_a_database_on_a_socket_is_made_and_used(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.database_url is not None
    heard = asyncio.Event()

    assert await init_database(settings) == 0
    assert await migrate_databases(settings, parser().parse_args(["migrate", "upgrade"])) == 0
    assert await migrate_databases(settings, parser().parse_args(["migrate", "check"])) == 0
    async with open_installation(settings) as ready:
        placement = Placement(ready, settings.database_url)
        database = Database(placement)
        async with Listener(placement.listen_url) as listener:
            await listener.add(CHANNEL, lambda _: heard.set(), heard.clear)
            async with database.platform() as uow:
                assert await uow.scalar(text("SELECT current_user")) == "app_rw"
                assert await uow.scalar(text("SELECT inet_server_addr()")) is None
                await uow.execute(text(f"SELECT pg_notify('{CHANNEL}', 'job:1')"))
            await asyncio.wait_for(heard.wait(), 10)
        await database.close()

    assert "FAILED" not in capsys.readouterr().out


async def test_processes_get_the_url_by_their_environment(settings: Settings) -> None:
    """`serve --workers` passes it on to its children."""
    await init_database(settings)
    await migrate_databases(settings, parser().parse_args(["migrate", "upgrade"]))
    port = free_port()
    process = start(
        *("serve", "--data", str(settings.data), "--port", str(port), "--workers", "2"),
        DATABASE_URL=driverless_url(settings.database_url or ""),
        DATABASE_LISTEN_URL=driverless_url(settings.database_listen_url or ""),
        SECRET_KEY=settings.secret(),
        WORKER="false",
        DEMO="false",
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.timeout(120):
            while await status(client) != 200:
                assert process.poll() is None
                await asyncio.sleep(0.1)
    finally:
        process.terminate()
        _, errors = await asyncio.to_thread(kill, process)
    assert "p@ss" not in errors
    assert "p%40ss" not in errors


async def status(client: httpx.AsyncClient) -> int:
    """The status of the readiness probe; 0 if nobody answers."""
    try:
        return (await client.get("/readyz")).status_code
    except httpx.TransportError:
        return 0


async def test_a_missing_socket_is_an_outage(tmp_path: Path) -> None:
    nowhere = f"postgresql://app_rw@/seshat?host={tmp_path}/{INSTANCE}"
    lost = Settings(data=tmp_path, database_url=nowhere)
    database = Database(Placement(lost, lost.database_url or ""))

    with pytest.raises(ConnectionRefusedError, match="the database does not run"):
        async with database.platform() as uow:
            await uow.scalar(text("SELECT 1"))
    await database.close()


def test_other_databases_of_the_server_keep_the_socket(folder: Path) -> None:
    url = make_url(f"postgresql+asyncpg://app_rw@/seshat?host={folder}").set(database="other")

    assert url.render_as_string().endswith(
        f"/other?host={str(folder).replace('/', '%2F').replace(':', '%3A')}"
    )
