"""A database with the usual pool, apart from the session's, and ways to break it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from core.settings import Settings
from db.engines import Placement
from db.uow import Database
from schema.context import Services


@pytest_asyncio.fixture
async def database(services: Services, settings: Settings) -> AsyncIterator[Database]:
    """As the server opens it."""
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url, application="isolation"))
    yield database
    await database.close()
