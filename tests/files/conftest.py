"""A company with a member, a folder of objects, and the file routes over both."""

import asyncio
import hashlib
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, insert, select, update
from starlette.applications import Starlette

from core.ports import ObjectStore
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import Company, Member, RoleName, Tenant, Upload
from db.placement import Placement
from providers.storage import open_store
from resolvers import files
from resolvers.access import Viewer
from resolvers.files import LinkSigner
from server.http.files import FileServices, routes

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 2000
LARGEST = 300 * 1024 * 1024
DAY = timedelta(days=1)


@dataclass
class Office:
    """What a test works with."""

    database: Database
    store: ObjectStore
    folder: Path
    links: LinkSigner
    viewer: Viewer
    client: httpx.AsyncClient

    async def announce(self, content: bytes = PDF, **changes: Any) -> Upload:
        """Announce a file of this content."""
        wanted: dict[str, Any] = {
            "filename": "plan.pdf",
            "mime_type": "application/pdf",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "max_size": LARGEST,
            "ttl": DAY,
        }
        async with self.database.tenant(self.viewer.company_id, self.viewer.user_id) as uow:
            return await files.create(uow, self.viewer, **{**wanted, **changes})

    def address(self, row: Upload) -> str:
        """Where the bytes of an announced upload are sent, while the link lasts."""
        return self.links.upload_url(self.viewer.company_id, row.id, self.links.clock() + DAY)

    def objects(self) -> list[str]:
        """Every file of the store, also unfinished ones."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in found)

    async def uploads(self) -> list[Upload]:
        """Every upload of the company."""
        async with self.database.tenant(self.viewer.company_id, read_only=True) as uow:
            return list(await uow.all(select(Upload).order_by(Upload.id)))

    async def expire(self, id: UUID, ago: timedelta = timedelta(seconds=1)) -> None:
        """Let an upload have expired so long ago."""
        async with self.database.tenant(self.viewer.company_id) as uow:
            await uow.execute(update(Upload).where(Upload.id == id).values(expires_at=func.now() - ago))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; raises `TimeoutError` where it does not within ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it watches a folder, which tells nobody
            await asyncio.sleep(0.01)


@contextmanager
def disk_full(limit: int) -> Iterator[None]:
    """Files of this process cannot grow beyond `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def a_viewer(database: Database, company_id: UUID | None = None) -> Viewer:
    """A member of the company, or of a new one."""
    user_id = new_id()
    if company_id is None:
        company_id = new_id()
        async with database.platform() as uow:
            await uow.execute(insert(Company).values(id=company_id, name=f"Company {company_id}"))
        async with database.tenant(company_id) as uow:
            await uow.execute(insert(Tenant))
    async with database.tenant(company_id) as uow:
        await uow.execute(insert(Member).values(id=user_id))
    return Viewer(user_id, company_id, RoleName.USER, frozenset({"files:create"}))


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url))
    yield database
    await database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest_asyncio.fixture
async def office(database: Database, folder: Path, settings: Settings) -> AsyncIterator[Office]:
    store = open_store(folder.as_uri())
    links = LinkSigner(settings.secret(), timedelta(hours=1))
    wiring = FileServices(database, store, links)
    transport = httpx.ASGITransport(Starlette(routes=routes(lambda: wiring)))
    async with httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client:
        yield Office(database, store, folder, links, await a_viewer(database), client)
