"""Companies of the shared database and companies with their own, over engines that are closed for others."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from core.settings import Settings
from db.database import Database
from db.models import Company
from db.placement import Place, Placement
from db.ready_connections import connections_in_use
from schema.framework.context import Services
from tests.isolation.chaos import KINDS, PEOPLE, PROJECTS, SESSIONS, Chaos, populate
from tests.onlooker import Onlooker

REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "1000"))
CONTROL_REQUESTS = 300
POOLED, DEDICATED = 20, 5


@pytest_asyncio.fixture
async def few_engines(services: Services, settings: Settings) -> AsyncIterator[Database]:
    """A database that keeps the connections to two companies' own databases."""
    assert settings.database_url is not None
    few = settings.model_copy(update={"db_dedicated_engines": 2})
    database = Database(Placement(few, settings.database_url, application="isolation"))
    yield database
    await database.close()


async def test_no_request_sees_or_touches_another_company(few_engines: Database, onlooker: Onlooker) -> None:
    world = await populate(few_engines, pooled=POOLED, dedicated=DEDICATED)
    places = [await few_engines.placement.locate(tenant.id) for tenant in world]
    assert (places.count(None), len(set(places) - {None})) == (POOLED, DEDICATED)
    chaos = Chaos(few_engines, world, onlooker)

    await chaos.run(REQUESTS)

    assert chaos.leaks == Counter()
    assert sum(chaos.outcomes.values()) == REQUESTS
    assert {kind for kind, _ in chaos.outcomes} == set(KINDS)
    assert not {outcome for _, outcome in chaos.outcomes} & {"CrossPlaneStatement", "AssertionError"}
    expected = PEOPLE * PROJECTS * SESSIONS
    assert await chaos.stored() == {
        tenant.id: [str(tenant.id)] * (expected + chaos.written[tenant.id]) for tenant in world
    }
    assert set(map(connections_in_use, few_engines.placement.engines)) == {0}
    assert len(few_engines.placement.engines) == 2 + 2


async def test_control_an_engine_of_another_company_is_noticed(
    few_engines: Database, onlooker: Onlooker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await populate(few_engines, 2, dedicated=3)
    own = [place for tenant in world if (place := await few_engines.placement.locate(tenant.id))]
    open_engine = few_engines.placement.open

    async def confuse(place: Place) -> Any:
        return await open_engine(own[(own.index(place) + 1) % len(own)])

    monkeypatch.setattr(few_engines.placement, "open", confuse)
    chaos = Chaos(few_engines, world, onlooker)
    await chaos.run(CONTROL_REQUESTS)

    assert {"read", "mixed", "everything"} <= set(chaos.leaks)


async def test_control_a_directory_that_takes_companies_for_pooled_is_noticed(
    few_engines: Database, onlooker: Onlooker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await populate(few_engines, 2, dedicated=3)

    async def locate(company_id: Any) -> None:
        return None

    monkeypatch.setattr(few_engines.placement, "locate", locate)
    monkeypatch.setattr(few_engines.placement, "is_pooled", lambda company_id: True)
    chaos = Chaos(few_engines, world, onlooker)
    await chaos.run(CONTROL_REQUESTS)

    assert {"read", "mixed", "everything"} <= set(chaos.leaks)


async def test_the_platform_is_not_in_the_database_of_a_company(few_engines: Database) -> None:
    """Statements that go to the wrong database fail, rather than find nothing."""
    (tenant,) = await populate(few_engines, 0, dedicated=1)
    async with few_engines.tenant(tenant.id, read_only=True) as uow:
        own = await uow.own()  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="permission denied for table companies"):
            await own.execute(Company.__table__.select())
