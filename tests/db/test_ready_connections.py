"""Connections that stay ready for the next unit of work: how many, for how long, and how they are found."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import event, func, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from core.settings import Settings, driverless_url
from db.checkouts import Checkout
from db.database import Database
from db.engines import NO_SCOPE
from db.placement import Placement
from db.ready_connections import READY, READY_SECONDS, connections_in_use, ready_connections
from db.statements import Statement
from db.uow import FINISHING
from tests.conftest import Postgres
from tests.db.test_checkouts import SCOPE, STATE, State, fetch

Make = Callable[[int], Placement]
PID = Statement(select(func.pg_backend_pid()))
SLOW_PID = Statement(select(func.pg_backend_pid(), func.pg_sleep(literal(0.002))))


@pytest_asyncio.fixture
async def make(settings: Settings) -> AsyncIterator[Make]:
    """Makes pools of so many connections, for which nobody waits longer than five seconds."""
    made: list[Placement] = []

    def make(size: int) -> Placement:
        assert settings.database_url is not None
        limits = {"db_pool_size": size, "db_max_overflow": 0, "db_pool_timeout": 5.0}
        placement = Placement(settings.model_copy(update=limits), settings.database_url, application="ready")
        made.append(placement)
        return placement

    yield make
    for placement in made:
        await placement.close()


async def check_out(engine: AsyncEngine, *, read_only: bool = True) -> Checkout:
    return await Checkout.of(engine, SCOPE.sql(), read_only=read_only)


async def state_of(checkout: Checkout) -> State:
    return State._make(await fetch(checkout))


async def use(engine: AsyncEngine, count: int = 1) -> list[Any]:
    """The driver's connections that so many units use at once."""
    checkouts = [await check_out(engine) for _ in range(count)]
    for checkout in checkouts:
        await fetch(checkout)
    for checkout in checkouts:
        await checkout.close()
    return [checkout._driver for checkout in checkouts]


def count_of_checkouts(engine: AsyncEngine) -> list[Any]:
    """Grows with each connection that the pool gives out."""
    checkouts: list[Any] = []
    event.listen(engine.sync_engine, "checkout", lambda connection, record, proxy: checkouts.append(record))
    return checkouts


@pytest.mark.parametrize(("size", "kept"), [(1, 0), (2, 1), (3, 1), (5, 2), (7, 3), (8, 4), (20, 4)])
async def test_no_more_than_a_few_are_kept(make: Make, size: int, kept: int) -> None:
    engine = make(size).primary
    for _ in range(2):
        await use(engine, min(size, 6))

        assert len(ready_connections(engine)) == kept <= READY
        assert engine.pool.checkedout() == kept  # type: ignore[attr-defined]
        assert connections_in_use(engine) == 0


async def test_the_next_unit_does_not_ask_the_pool(make: Make) -> None:
    engine = make(4).primary
    (driver,) = await use(engine)
    checkouts = count_of_checkouts(engine)

    assert [await use(engine) for _ in range(3)] == [[driver]] * 3
    assert checkouts == []
    checkout = await check_out(engine)
    assert (connections_in_use(engine), len(ready_connections(engine))) == (1, 0)
    await checkout.close()


async def test_the_last_one_is_the_next(make: Make) -> None:
    engine = make(4).primary
    first, last = await use(engine, 2)

    assert await use(engine) == [last]
    assert await use(engine, 2) == [last, first]


async def test_a_connection_of_sqlalchemy_goes_back_to_the_pool(make: Make) -> None:
    engine = make(4).primary
    checkout = await check_out(engine)
    assert checkout.connection.closed is False
    await checkout.close()

    assert (len(ready_connections(engine)), connections_in_use(engine)) == (0, 0)


async def wait_for_unit(engine: AsyncEngine) -> int:
    checkout = await check_out(engine)
    state = await state_of(checkout)
    await checkout.close()
    return state.pid


async def wait_for_connection(engine: AsyncEngine) -> int:
    """As the queue does."""
    async with engine.connect() as connection:
        return State._make((await connection.exec_driver_sql(STATE)).one()).pid


Wait = Callable[[AsyncEngine], Awaitable[int]]


@pytest.mark.parametrize("wait", [wait_for_unit, wait_for_connection])
@pytest.mark.parametrize("waiters", [1, 2])
async def test_none_is_kept_while_somebody_waits(make: Make, wait: Wait, waiters: int) -> None:
    """Who finishes passes its connection to who waits, although others are still busy."""
    engine = make(4).primary
    busy = [await check_out(engine) for _ in range(4)]
    pids = [(await state_of(checkout)).pid for checkout in busy]
    waiting = [asyncio.ensure_future(wait(engine)) for _ in range(waiters)]
    await asyncio.sleep(0.05)
    assert ready_connections(engine).waiting == waiters
    for checkout in busy[:waiters]:
        await checkout.close()

    assert set(await asyncio.gather(*waiting)) <= set(pids[:waiters])
    assert ready_connections(engine).waiting == 0
    for checkout in busy[waiters:]:
        await checkout.close()
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (2, 0)


async def test_the_pool_takes_a_ready_connection_back_if_it_has_none_left(make: Make) -> None:
    engine = make(2).primary
    busy = await check_out(engine)
    (driver,) = await use(engine)
    assert len(ready_connections(engine)) == 1

    assert await wait_for_connection(engine) == driver.get_server_pid()
    assert len(ready_connections(engine)) == 0
    await busy.close()


async def test_who_gives_up_waits_no_longer(make: Make) -> None:
    engine = make(2).primary
    busy = [await check_out(engine) for _ in range(2)]
    waiting = asyncio.ensure_future(wait_for_unit(engine))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait({waiting})
    for checkout in busy:
        await checkout.close()

    assert (ready_connections(engine).waiting, len(ready_connections(engine))) == (0, 1)
    assert connections_in_use(engine) == 0


async def begin(driver: Any) -> None:
    await driver.execute("BEGIN;")


async def occupy(driver: Any) -> None:
    running = asyncio.ensure_future(driver.fetch("SELECT pg_sleep(30)"))
    running.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.sleep(0.01)


async def lose(driver: Any) -> None:
    driver.terminate()


@pytest.mark.parametrize("disturb", [begin, occupy, lose])
async def test_only_an_idle_connection_is_kept(make: Make, disturb: Callable[[Any], Awaitable[None]]) -> None:
    engine = make(4).primary
    checkout = await check_out(engine)
    await disturb(checkout._driver)
    await checkout.close()

    assert (len(ready_connections(engine)), connections_in_use(engine)) == (0, 0)
    assert checkout._driver.is_closed()
    (other,) = await use(engine)
    assert other is not checkout._driver


@pytest.mark.parametrize("disturb", [begin, occupy, lose])
@pytest.mark.parametrize("all_of_them", [True, False])
async def test_only_an_idle_connection_is_taken(
    make: Make, disturb: Callable[[Any], Awaitable[None]], all_of_them: bool
) -> None:
    engine = make(6).primary
    drivers = await use(engine, 3)
    disturbed = drivers if all_of_them else drivers[-1:]
    for driver in disturbed:
        await disturb(driver)

    found = await use(engine, 3)
    assert set(found).isdisjoint(disturbed)
    assert (set(drivers) - set(disturbed)) <= set(found)
    assert all(driver.is_closed() for driver in disturbed)
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (3, 0)


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 0), (READY_SECONDS, 0), (READY_SECONDS + 1, 1)])
async def test_none_is_taken_that_was_ready_for_too_long(
    make: Make, monkeypatch: pytest.MonkeyPatch, seconds: float, expected: int
) -> None:
    now = 1000.0
    monkeypatch.setattr("db.ready_connections.monotonic", lambda: now)
    engine = make(4).primary
    drivers = await use(engine, 2)
    checkouts = count_of_checkouts(engine)
    now += seconds
    (driver,) = await use(engine)

    assert driver is drivers[-1 if expected == 0 else 0]
    assert len(checkouts) == expected
    assert not any(one.is_closed() for one in drivers)
    assert connections_in_use(engine) == 0


async def test_all_are_closed_with_their_engine(make: Make) -> None:
    engine = make(8).primary
    used = await use(engine, 6)
    late = await check_out(engine)
    await fetch(late)
    await engine.dispose()

    assert [driver for driver in used if not driver.is_closed()] == [late._driver]
    await late.close()
    assert late._driver.is_closed()
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (0, 0)
    (driver,) = await use(engine)
    assert driver not in used
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (1, 0)


async def test_its_pool_logs_as_those_of_sqlalchemy(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    engine = make(2).primary
    with caplog.at_level(logging.INFO):
        await use(engine, 2)
        await engine.dispose()

    assert caplog.messages == []


async def commit(checkout: Checkout) -> None:
    await checkout.commit()


async def roll_back(checkout: Checkout) -> None:
    """`close` does it."""


async def fail(checkout: Checkout) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await fetch(checkout, "SELECT 1 / 0")


@pytest.mark.parametrize("end", [commit, roll_back, fail])
@pytest.mark.parametrize("read_only", [True, False])
async def test_nothing_of_a_unit_is_left_for_the_next(
    make: Make, end: Callable[[Checkout], Awaitable[None]], read_only: bool
) -> None:
    """Not even a scope that was set for the session."""
    engine = make(2).primary
    checkout = await check_out(engine, read_only=read_only)
    before = await state_of(checkout)
    await fetch(checkout, "SELECT set_config('app.company_id', gen_random_uuid()::text, false)")
    await end(checkout)
    await checkout.close()
    following = await Checkout.of(engine, NO_SCOPE, read_only=not read_only)
    after = await state_of(following)
    await following.close()

    assert before[2:] == ("on" if read_only else "off", str(SCOPE.company_id), str(SCOPE.user_id), "self")
    assert after[2:] == ("off" if read_only else "on", "", "", "")
    assert (after.pid, after.began_at != before.began_at) == (before.pid, True)
    async with engine.connect() as connection:
        raw: Any = await connection.get_raw_connection()
        assert (raw.driver_connection.scope_sql, raw.dbapi_connection.readonly) == (NO_SCOPE, False)
        assert raw.driver_connection is following._driver


async def test_a_connection_whose_transaction_did_not_begin_is_not_kept(make: Make) -> None:
    engine = make(2).primary
    checkout = await Checkout.of(engine, " SELECT 1 / 0;", read_only=True)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await fetch(checkout)
    await checkout.close()

    assert (len(ready_connections(engine)), connections_in_use(engine)) == (0, 0)
    assert checkout._driver.is_closed()


async def pid_of(database: Database, statement: Statement = PID) -> int:
    async with database.platform(read_only=True) as uow:
        ((pid, *_),) = await uow.fetch(statement, {})
    return int(pid)


@pytest.mark.parametrize("killed", [1, 4])
async def test_killed_connections_are_replaced_without_an_error(
    make: Make, postgres: Postgres, killed: int
) -> None:
    database = Database(make(8))
    engine = database.placement.primary
    drivers = await use(engine, 4)
    pids = [driver.get_server_pid() for driver in drivers]
    admin = await asyncpg.connect(driverless_url(postgres.admin))
    await admin.fetch("SELECT pg_terminate_backend(pid, 5000) FROM unnest($1::int[]) pid", pids[-killed:])
    await admin.close()

    found = await asyncio.gather(*(pid_of(database) for _ in range(4)))
    assert set(found).isdisjoint(pids[-killed:])
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (min(len(set(found)), 4), 0)


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_units_share_a_small_pool(make: Make, size: int) -> None:
    database = Database(make(size))
    engine = database.placement.primary
    found = await asyncio.gather(*(pid_of(database, SLOW_PID) for _ in range(50)))

    assert len(set(found)) == size
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (size // 2, 0)


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_units_that_are_cancelled_leave_a_small_pool_whole(make: Make, size: int) -> None:
    database = Database(make(size))
    engine = database.placement.primary
    for moment in range(10):
        units = [asyncio.ensure_future(pid_of(database, SLOW_PID)) for _ in range(20)]
        await asyncio.sleep(0.002 * moment)
        for unit in units:
            unit.cancel()
        await asyncio.wait(units)
        while FINISHING:
            await asyncio.wait(set(FINISHING))
        assert (ready_connections(engine).waiting, connections_in_use(engine)) == (0, 0)

    found = await asyncio.gather(*(pid_of(database, SLOW_PID) for _ in range(20)))
    assert len(set(found)) == size
