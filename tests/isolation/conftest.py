"""A database with the usual pool, apart from the session's, and ways to break it."""

import itertools
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest_asyncio

from core.settings import Settings
from db.database import Database
from db.models import RoleName
from db.placement import Placement
from schema.contract import Contract
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests import factories
from tests.factories import Fixture, a_company, a_user
from tests.factories.everything import everything
from tests.graphql_client import Client
from tests.isolation.generated_operations import Ids
from tests.isolation.internal_rows import store_internal_rows


@pytest_asyncio.fixture
async def database(services: Services, settings: Settings) -> AsyncIterator[Database]:
    """As the server opens it."""
    assert settings.database_url is not None
    database = Database(Placement(settings, settings.database_url, application="isolation"))
    yield database
    await database.close()


class Neighbours(NamedTuple):
    """A company that has one of everything, its viewer, and the administrator of another that has as much."""

    ids: Ids
    owner: Fixture
    viewer: Fixture
    stranger: Fixture
    theirs: Ids
    """What the stranger has."""


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def neighbours(
    services: Services, contract: Contract, platform: Fixture, stored_vectors: EmbeddedVectors
) -> Neighbours:
    owner, stranger = a_user(a_company()), a_user(a_company())
    viewer = a_user(owner.company, RoleName.VIEWER)
    mine, theirs = everything([owner]), everything([stranger])
    await factories.save(services.database, viewer, *itertools.chain(*mine.values(), *theirs.values()))
    for rows in (mine, theirs):
        await store_internal_rows(services.database, rows)
    client = Client(services, contract, user_id=platform.id)
    seeded = await client("{ roles { nodes { id } } permissions { nodes { id } } }")
    shared = {name: seeded[f"{name.lower()}s"]["nodes"][0]["id"] for name in ("Role", "Permission")}
    ids, others = ({name: rows[0].gid for name, rows in owned.items()} | shared for owned in (mine, theirs))
    return Neighbours(ids, owner, viewer, stranger, others)
