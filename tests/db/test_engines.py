"""When a connection counts as idle, and what becomes of one that does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from core.settings.placement import DatabaseServer
from db.engines import NO_SCOPE, connect_options
from db.placement import Place, Placement
from db.uow import Scope
from tests.conftest import Postgres


@pytest_asyncio.fixture
async def placement(settings: Settings) -> AsyncIterator[Placement]:
    """A pool of one connection."""
    assert settings.database_url is not None
    small = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0, "prepared_statements": True})
    placement = Placement(small, settings.database_url, application="engines")
    yield placement
    await placement.close()


async def test_a_connection_is_idle_outside_transactions_and_operations(placement: Placement) -> None:
    async with placement.primary.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        assert driver.is_idle() is True
        await driver.execute("BEGIN;")
        assert driver.is_idle() is False
        await driver.execute("ROLLBACK;")
        assert driver.is_idle() is True
        driver._top_xact = object()
        assert driver.is_idle() is False
        driver._top_xact = None
        running = asyncio.ensure_future(driver.fetch("SELECT pg_sleep(0.2)"))
        await asyncio.sleep(0)
        assert driver.is_idle() is False
        await running
        assert driver.is_idle() is True
        await driver.close()
        assert driver.is_idle() is False
        await connection.invalidate()


@pytest.mark.parametrize("is_idle", [True, False])
async def test_only_an_idle_connection_stays_in_the_pool(placement: Placement, is_idle: bool) -> None:
    pool: Any = placement.primary.pool
    async with placement.primary.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        driver.scope_sql = "something else"
        if not is_idle:
            driver._top_xact = object()

    assert driver.is_closed() is not is_idle
    assert driver.scope_sql == (NO_SCOPE if is_idle else "something else")
    async with placement.primary.connect() as connection:
        following: Any = (await connection.get_raw_connection()).driver_connection
        assert (following is driver) is is_idle
    assert pool.checkedout() == 0


async def test_a_connection_that_is_no_longer_idle_is_not_handed_out(placement: Placement) -> None:
    async with placement.primary.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    driver._top_xact = object()

    async with placement.primary.connect() as connection:
        following: Any = (await connection.get_raw_connection()).driver_connection

    assert following is not driver
    with suppress(asyncpg.InterfaceError):
        driver.terminate()


GENERIC = """SELECT generic_plans, custom_plans FROM pg_prepared_statements
WHERE statement LIKE 'SELECT id FROM tenant.messages%'"""


async def test_a_statement_is_planned_for_the_company_that_asks(placement: Placement) -> None:
    """A plan that a connection kept would be that of the company it served first."""
    statement = text("SELECT id FROM tenant.messages ORDER BY created_at, id LIMIT :size")
    for company_id in (uuid4(), uuid4()):
        for _ in range(10):
            async with placement.primary.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                driver.scope_sql = Scope(company_id).sql()
                assert (await connection.execute(statement, {"size": 26})).all() == []

    async with placement.primary.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert tuple(await driver.fetchrow(GENERIC)) == (0, 20)


async def test_the_role_plans_alike_where_a_pooler_ignores_parameters(postgres: Postgres) -> None:
    connection = await asyncpg.connect(driverless_url(postgres.application))
    assert await connection.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
    await connection.close()


async def test_without_prepared_statements_a_connection_keeps_none(settings: Settings) -> None:
    assert settings.database_url is not None
    unprepared = settings.model_copy(update={"prepared_statements": False, "db_pool_size": 1})
    placement = Placement(unprepared, settings.database_url, application="unprepared")
    for _ in range(3):
        async with placement.primary.connect() as connection:
            assert await connection.scalar(text("SELECT CAST(:n AS int)"), {"n": 7}) == 7
            driver: Any = (await connection.get_raw_connection()).driver_connection
            assert await driver.fetchval("SELECT $1::int", 7) == 7
            assert await driver.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
    await placement.close()


def test_a_pooler_gets_no_parameter_that_it_refuses() -> None:
    assert connect_options("seshat", prepared=False)["server_settings"] == {"application_name": "seshat"}


def test_listeners_connect_past_the_pooler(settings: Settings) -> None:
    assert settings.database_url is not None
    servers = {
        "eu": {"url": "postgresql://app_rw@eu-pool/x", "listen_url": "postgresql://app_rw@eu/x"},
        "us": {"url": "postgresql://app_rw@us/x"},
    }
    direct = "postgresql+asyncpg://app_rw@db/seshat"
    pooled = Settings(
        data=settings.data, database_url="postgresql://app_rw@pool/seshat", database_listen_url=direct
    )
    placement = Placement(
        pooled.model_copy(
            update={"database_servers": {name: DatabaseServer(**urls) for name, urls in servers.items()}}
        ),
        pooled.database_url or "",
    )

    assert placement.listen_url == make_url(direct)
    assert [placement.listen_url_of(Place(name, "own")) for name in ("primary", "eu", "us")] == [
        make_url(f"postgresql+asyncpg://app_rw@{host}/own") for host in ("db", "eu", "us")
    ]
    unpooled = settings.model_copy(update={"database_listen_url": None})
    assert Placement(unpooled, settings.database_url).listen_url == make_url(settings.database_url)
