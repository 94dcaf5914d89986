"""A connection goes back to its pool only if the next unit of work finds it as good as new."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import Double, bindparam, func, select, text
from sqlalchemy.exc import DBAPIError

from core.settings import Settings
from db.database import Database
from db.errors import is_transient, outage
from db.placement import Placement
from db.ready_connections import connections_in_use
from db.statements import Statement
from db.uow import FINISHING, Scope, TransactionLost
from tests.isolation.faults import PLACES, PLANTED, STRIKES, Fault, faulty_connections
from tests.onlooker import Onlooker

__all__ = ["faulty_connections"]

ROUNDS = int(os.environ.get("ISOLATION_REQUESTS", "1500"))
POOL_SIZE = 3
CULPRITS = 6
SETTINGS = text(
    "SELECT current_setting('app.company_id') AS company, current_setting('app.user_id') AS person, "
    "current_setting('app.scope') AS kind, current_setting('transaction_read_only') AS read_only"
)
COMPILED = Statement(
    select(*(func.current_setting(name) for name in ("app.company_id", "app.user_id", "app.scope")))
)
SLEEP = Statement(select(func.pg_sleep(bindparam("pause", 0.0, Double()))))
STATES = "SELECT state, count(*) FROM pg_stat_activity WHERE application_name = 'pool of few' GROUP BY state"


@pytest_asyncio.fixture
async def few(settings: Settings, faulty_connections: None) -> AsyncIterator[Database]:
    """A database with a pool of three connections, in which planted faults strike."""
    assert settings.database_url is not None
    small = settings.model_copy(
        update={"db_pool_size": POOL_SIZE, "db_max_overflow": 0, "db_pool_timeout": 30.0}
    )
    database = Database(Placement(small, settings.database_url, application="pool of few"))
    yield database
    await database.close()


@pytest_asyncio.fixture
async def one(settings: Settings) -> AsyncIterator[Database]:
    """A database with a pool of one connection."""
    assert settings.database_url is not None
    small = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0, "db_pool_timeout": 5.0})
    database = Database(Placement(small, settings.database_url, application="pool of one"))
    yield database
    await database.close()


async def require_own_scope(database: Database, *, read_only: bool, on_driver: bool = False) -> None:
    """Opens an innocent unit, and asserts that it works and has its scope only."""
    company, person = uuid4(), uuid4()
    async with database.tenant(company, person, read_only=read_only) as uow:
        for _ in range(2):
            if on_driver:
                assert [*map(tuple, await uow.fetch(COMPILED, {}))] == [
                    (str(company), str(person), "company")
                ]
                continue
            assert tuple(await uow.one(SETTINGS)) == (
                *(str(company), str(person)),
                *("company", "on" if read_only else "off"),
            )
            assert [*map(tuple, await uow.fetch(COMPILED, {}))] == [(str(company), str(person), "company")]


async def wait_until_settled() -> None:
    """Returns when what goes on without its caller is done."""
    while FINISHING:
        await asyncio.wait(set(FINISHING))


def checked_out(database: Database) -> int:
    """Connections that are not in their pool."""
    return sum(map(connections_in_use, database.placement.engines))


async def test_a_connection_that_returns_busy_is_not_used_again(one: Database) -> None:
    engine = one.placement.primary
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        forgotten = asyncio.ensure_future(driver.fetch("SELECT pg_sleep(0.5)"))
        await asyncio.sleep(0.01)

    for _ in range(3):
        await require_own_scope(one, read_only=False)
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
        await forgotten


async def test_without_the_check_one_busy_connection_poisons_its_pool(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engines.ScopedConnection.is_idle", lambda driver: True)
    monkeypatch.setattr("db.uow.is_disconnect", lambda error: False)
    engine = one.placement.primary
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        forgotten = asyncio.ensure_future(driver.fetch("SELECT pg_sleep(0.2)"))
        await asyncio.sleep(0.01)

    with pytest.raises(DBAPIError, match="another operation is in progress"):
        await require_own_scope(one, read_only=False)
    await forgotten
    for _ in range(3):
        with pytest.raises(DBAPIError, match="SAVEPOINT can only be used in transaction blocks"):
            await require_own_scope(one, read_only=False)


async def test_a_connection_that_becomes_busy_in_the_pool_stays_there(one: Database) -> None:
    engine = one.placement.primary
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    forgotten = asyncio.ensure_future(driver.fetch("SELECT pg_sleep(0.5)"))
    await asyncio.sleep(0.01)

    for _ in range(3):
        await require_own_scope(one, read_only=True)
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
        await forgotten


async def test_a_connection_in_a_transaction_of_its_own_is_not_used_again(one: Database) -> None:
    async with one.placement.primary.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute("BEGIN;")

    await require_own_scope(one, read_only=False)


@pytest.mark.parametrize("on_driver", [False, True])
async def test_a_begin_that_fails_is_tried_on_another_connection(
    few: Database, onlooker: Onlooker, on_driver: bool
) -> None:
    for strike in STRIKES[:4]:
        planted = Fault("BEGIN", strike)
        token = PLANTED.set(planted)
        if strike.__name__ == "time_out":  # the server may have begun, and another would wait as long
            with pytest.raises(TimeoutError):
                await require_own_scope(few, read_only=False, on_driver=on_driver)
        else:
            await require_own_scope(few, read_only=False, on_driver=on_driver)
        assert planted.struck
        PLANTED.reset(token)
        await require_own_scope(few, read_only=False, on_driver=not on_driver)


async def test_the_siblings_of_a_cancelled_statement_go_on_in_a_read_only_unit(one: Database) -> None:
    company = uuid4()
    async with one.tenant(company, read_only=True) as uow:
        slow = asyncio.ensure_future(uow.execute(text("SELECT pg_sleep(30)")))
        await asyncio.sleep(0.05)
        sibling = asyncio.ensure_future(uow.one(SETTINGS))
        await asyncio.sleep(0)
        slow.cancel()

        assert (await sibling).company == str(company)
        with pytest.raises(asyncio.CancelledError):
            await slow


async def test_a_writing_unit_with_a_cancelled_statement_stores_nothing(one: Database) -> None:
    async def interrupted() -> None:
        async with one.tenant(uuid4()) as uow:
            await uow.one(SETTINGS)
            slow = asyncio.ensure_future(uow.execute(text("SELECT pg_sleep(30)")))
            await asyncio.sleep(0.05)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            with pytest.raises(TransactionLost):
                await uow.one(SETTINGS)

    with pytest.raises(TransactionLost) as lost:
        await interrupted()

    assert is_transient(lost.value)
    await require_own_scope(one, read_only=False)


async def test_a_unit_whose_end_is_cancelled_gives_its_connection_back(one: Database) -> None:
    for commit in (True, False):
        uow = one.unit(Scope(uuid4()), read_only=False)
        await uow.one(SETTINGS)
        sibling = asyncio.ensure_future(uow.execute(text("SELECT pg_sleep(0.3)")))
        await asyncio.sleep(0)
        finishing = asyncio.ensure_future(uow.finish(commit=commit))
        await asyncio.sleep(0)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        await sibling
        await wait_until_settled()
        assert checked_out(one) == 0


async def test_however_units_end_an_innocent_one_neither_fails_nor_sees_another_scope(
    few: Database, onlooker: Onlooker
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    choice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    rounds = iter(range(ROUNDS))

    async def misbehave(company: UUID, read_only: bool, pause: float) -> None:
        async with few.tenant(company, uuid4(), read_only=read_only) as uow:
            if choice.random() < 0.5:
                await uow.fetch(COMPILED, {})
            if choice.random() < 0.5:
                await uow.fetch(SLEEP, {"pause": pause})
                await asyncio.gather(uow.fetch(COMPILED, {}), uow.fetch(COMPILED, {}))
                return
            await uow.one(SETTINGS)
            await uow.execute(text("SELECT pg_sleep(:pause)"), {"pause": pause})
            await asyncio.gather(uow.one(SETTINGS), uow.fetch(COMPILED, {}))

    async def culprit() -> None:
        for _ in rounds:
            planted = Fault(choice.choice(PLACES), choice.choice(STRIKES))
            PLANTED.set(planted if choice.random() < 0.6 else None)
            unit = asyncio.ensure_future(misbehave(uuid4(), choice.random() < 0.5, choice.random() / 500))
            PLANTED.set(None)
            if choice.random() < 0.5:
                await asyncio.sleep(choice.choice([0, choice.random() / 200, choice.random() / 50]))
                unit.cancel()
                if choice.random() < 0.3:
                    await asyncio.sleep(0)
                    unit.cancel()
            [error] = await asyncio.gather(unit, return_exceptions=True)
            outcomes[type(error).__name__] += 1
            assert error is None or isinstance(error, asyncio.CancelledError) or outage(error)

    async def innocent() -> None:
        while any(not task.done() for task in culprits):
            kinds = {"read_only": choice.random() < 0.5, "on_driver": choice.random() < 0.5}
            await require_own_scope(few, **kinds)
            outcomes["innocent"] += 1

    culprits = [asyncio.ensure_future(culprit()) for _ in range(CULPRITS)]
    await asyncio.gather(innocent(), innocent(), *culprits)

    await wait_until_settled()
    print(outcomes)
    assert checked_out(few) == 0
    assert outcomes["innocent"] > ROUNDS // 20
    assert set(outcomes) > {"NoneType", "CancelledError", "TimeoutError", "InterfaceError"}, outcomes
    for _ in range(100):
        states = {row["state"]: row["count"] for row in await onlooker.fetch(STATES)}
        if set(states) <= {"idle"}:
            break
        await asyncio.sleep(0.05)
    assert set(states) <= {"idle"}
    assert states.get("idle", 0) <= POOL_SIZE
