"""Read-only transactions that are over and linger: the next one rolls them back, in its own first message."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.settings import Settings, driverless_url
from db.checkouts import Checkout
from db.engines import NO_SCOPE, ScopedConnection, messages_of
from db.placement import Placement
from db.ready_connections import LINGER_SECONDS, connections_in_use, ready_connections
from db.statements import Statement
from db.uow import Scope, UnitOfWork
from tests.conftest import Postgres
from tests.db.test_checkouts import STATE, State
from tests.db.test_ready_connections import Make, make

__all__ = ["make"]

SCOPES = (
    Scope(UUID(int=1), UUID(int=2), "self"),
    Scope(UUID(int=3), UUID(int=4)),
    Scope(UUID(int=3)),
    Scope(kind="platform"),
)
COMPILED = Statement(
    select(
        func.pg_backend_pid(),
        func.now(),
        *(
            func.current_setting(name)
            for name in ("transaction_read_only", "app.company_id", "app.user_id", "app.scope")
        ),
    )
)
NUMBER = Statement(select(bindparam("number", 1, BigInteger())))
BYTES = Statement(select(bindparam("bytes", b"", LargeBinary())))
TEXT = Statement(select(bindparam("text", "", Text())))
DIVISION = Statement(select(1 / bindparam("number", 1, BigInteger())))
KEEP = Statement(select(func.set_config("app.company_id", str(UUID(int=9)), False)))


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, scope: Scope, *, read_only: bool = True
) -> AsyncIterator[UnitOfWork]:
    """A unit of work in the shared database."""
    uow = UnitOfWork(engine, scope, read_only=read_only)
    try:
        yield uow
    finally:
        await uow.finish(commit=False)


async def state_in(engine: AsyncEngine, scope: Scope, *, read_only: bool = True) -> State:
    """The state that a unit finds, which runs one compiled statement."""
    async with transaction(engine, scope, read_only=read_only) as uow:
        (row,) = await uow.fetch(COMPILED, {})
    return State._make(row)


def values_of(scope: Scope, *, read_only: bool = True) -> tuple[str, ...]:
    return ("on" if read_only else "off", str(scope.company_id or ""), str(scope.user_id or ""), scope.kind)


def drivers(engine: AsyncEngine) -> list[Any]:
    return [pooled.driver_connection for pooled, _ in ready_connections(engine)._connections]


async def server_state(postgres: Postgres, pid: int) -> str | None:
    """What the server says of a connection."""
    connection = await asyncpg.connect(driverless_url(postgres.admin))
    state: str | None = await connection.fetchval("SELECT state FROM pg_stat_activity WHERE pid = $1", pid)
    await connection.close()
    return state


async def test_each_unit_has_its_own_scope_and_transaction_on_one_connection(make: Make) -> None:
    engine = make(2).primary
    found: list[State] = []
    for scope in SCOPES * 3:
        for read_only in (True, False, True):
            state = await state_in(engine, scope, read_only=read_only)
            assert state[2:] == values_of(scope, read_only=read_only)
            found.append(state)

    assert len({state.pid for state in found}) == 1
    assert len({state.began_at for state in found}) == len(found)


async def test_a_read_only_transaction_lingers_until_the_next_begins(
    make: Make, monkeypatch: pytest.MonkeyPatch, postgres: Postgres
) -> None:
    monkeypatch.setattr("db.ready_connections.LINGER_SECONDS", 60.0)
    engine = make(2).primary
    state = await state_in(engine, SCOPES[0])
    (driver,) = drivers(engine)
    assert driver.lingers
    assert connections_in_use(engine) == 0
    assert await server_state(postgres, state.pid) == "idle in transaction"

    await state_in(engine, SCOPES[1], read_only=False)
    assert not driver.lingers
    assert await server_state(postgres, state.pid) == "idle"


async def test_a_transaction_lingers_for_a_few_milliseconds_only(make: Make, postgres: Postgres) -> None:
    engine = make(8).primary
    states = await asyncio.gather(*(state_in(engine, SCOPES[0]) for _ in range(4)))
    kept = drivers(engine)
    assert any(driver.lingers for driver in kept)
    for _ in range(100):
        await asyncio.sleep(LINGER_SECONDS)
        if not ready_connections(engine)._ending and not any(driver.lingers for driver in kept):
            break

    assert {await server_state(postgres, state.pid) for state in states} == {"idle"}
    pooled = drivers(engine)
    assert set(pooled) >= set(kept), "another one may have been on its way back"
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (len(pooled), 0)
    assert ready_connections(engine)._timer is None


@pytest.mark.parametrize("seconds", [0.0, 60.0])
async def test_the_pool_gets_a_connection_without_a_transaction(
    make: Make, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr("db.ready_connections.LINGER_SECONDS", seconds)
    engine = make(2).primary
    state = await state_in(engine, SCOPES[0])
    busy = await Checkout.of(engine, NO_SCOPE, read_only=False)
    second = await state_in(engine, SCOPES[1])
    async with engine.connect() as connection:
        raw: Any = await connection.get_raw_connection()
        assert raw.driver_connection.scope_sql == NO_SCOPE
        assert raw.driver_connection.is_idle()
        assert not raw.driver_connection.lingers
        found = State._make((await connection.exec_driver_sql(STATE)).one())
    await busy.close()

    assert found[2:] == ("off", "", "", "")
    assert found.pid == second.pid != state.pid
    assert connections_in_use(engine) == 0


async def test_a_writing_transaction_may_begin_with_several_statements(make: Make) -> None:
    engine = make(2).primary
    fenced = SCOPES[1].sql() + "SELECT pg_backend_pid();"
    for _ in range(3):  # from the second time on, the statement is prepared
        checkout = await Checkout.of(engine, fenced, read_only=False)
        (row,) = await checkout.fetch(COMPILED.sql, COMPILED.arguments({}))
        await checkout.close()
        assert State._make(row)[2:] == values_of(SCOPES[1], read_only=False)


@pytest.mark.parametrize("read_only", [True, False])
async def test_sqlalchemy_begins_a_transaction_of_its_own(make: Make, read_only: bool) -> None:
    engine = make(2).primary
    first = await state_in(engine, SCOPES[0])
    async with transaction(engine, SCOPES[1], read_only=read_only) as uow:
        found = State._make(await uow.one(text(STATE)))
        (again,) = await uow.fetch(COMPILED, {})

    assert found[2:] == values_of(SCOPES[1], read_only=read_only)
    assert (found.pid, found.began_at != first.began_at) == (first.pid, True)
    assert State._make(again) == found


async def test_a_setting_of_the_session_ends_with_the_transaction(make: Make) -> None:
    engine = make(2).primary
    for _ in range(3):
        async with transaction(engine, SCOPES[0]) as uow:
            ((kept,),) = await uow.fetch(KEEP, {})
            assert kept == str(UUID(int=9))
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT current_setting('app.company_id')")) == ""


async def test_a_statement_that_fails_with_begin_is_not_the_end(make: Make) -> None:
    engine = make(2).primary
    for _ in range(2):  # the second time, it is prepared
        async with transaction(engine, SCOPES[0]) as uow:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await uow.fetch(DIVISION, {"number": 0})
            (row,) = await uow.fetch(COMPILED, {})
            assert State._make(row)[2:] == values_of(SCOPES[0])
    state = await state_in(engine, SCOPES[1])

    assert state[2:] == values_of(SCOPES[1])
    assert connections_in_use(engine) == 0


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (NUMBER, {"number": 2**70}),
        (BYTES, {"bytes": "Bytes"}),
        (TEXT, {"text": "\ud800"}),
        (TEXT, {"text": "\0"}),
    ],
    ids=["number", "bytes", "surrogate", "NUL"],
)
async def test_values_that_cannot_be_sent_do_no_harm(
    make: Make, postgres: Postgres, statement: Statement, values: dict[str, Any]
) -> None:
    engine = make(2).primary
    async with transaction(engine, SCOPES[0]) as uow:
        await uow.fetch(statement, {})
    async with transaction(engine, SCOPES[1]) as uow:
        with pytest.raises((asyncpg.DataError, UnicodeEncodeError)):
            await uow.fetch(statement, values)
    state = await state_in(engine, SCOPES[2])

    assert state[2:] == values_of(SCOPES[2])
    assert connections_in_use(engine) == 0


async def test_text_in_ascii_is_sent_with_begin(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make(2).primary
    sent: list[str] = []
    send = ScopedConnection.begin_and_fetch

    async def begin_and_fetch(self: ScopedConnection, query: str, arguments: Sequence[Any]) -> list[Any]:
        sent.extend(arguments)
        return await send(self, query, arguments)

    monkeypatch.setattr(ScopedConnection, "begin_and_fetch", begin_and_fetch)
    for value in ("DELETED", "DELETED", "gelöscht"):
        async with transaction(engine, SCOPES[0]) as uow:
            assert await uow.fetch(TEXT, {"text": value}) == [(value,)]

    assert sent == ["DELETED"], "once it is prepared"


async def test_nothing_runs_after_a_rollback_or_begin_that_fails(make: Make) -> None:
    engine = make(2).primary
    await state_in(engine, SCOPES[0])
    (driver,) = drivers(engine)
    driver._transport.write(messages_of("SELECT 1 / 0"))  # as a message that fails ahead of BEGIN
    with pytest.raises(asyncpg.DivisionByZeroError):
        await driver.begin_and_fetch(COMPILED.sql, COMPILED.arguments({}))

    assert not driver.is_idle()


async def test_a_lost_connection_is_replaced(make: Make, postgres: Postgres) -> None:
    engine = make(4).primary
    state = await state_in(engine, SCOPES[0])
    admin = await asyncpg.connect(driverless_url(postgres.admin))
    await admin.fetch("SELECT pg_terminate_backend($1, 5000)", state.pid)
    await admin.close()

    found = await state_in(engine, SCOPES[1])
    assert found.pid != state.pid
    assert connections_in_use(engine) == 0


async def test_one_that_is_lost_while_its_transaction_lingers_goes_back_closed(make: Make) -> None:
    engine = make(4).primary
    await state_in(engine, SCOPES[0])
    (driver,) = drivers(engine)
    driver.terminate()
    await asyncio.sleep(10 * LINGER_SECONDS)

    assert (len(ready_connections(engine)), connections_in_use(engine)) == (0, 0)


async def test_an_engine_that_is_disposed_of_closes_them(make: Make) -> None:
    engine = make(8).primary
    await asyncio.gather(*(state_in(engine, SCOPES[0]) for _ in range(4)))
    kept = drivers(engine)
    assert kept
    await engine.dispose()
    for _ in range(200):  # one whose transaction is being rolled back is closed after that
        if all(driver.is_closed() for driver in kept):
            break
        await asyncio.sleep(LINGER_SECONDS)

    assert all(driver.is_closed() for driver in kept)
    assert (len(ready_connections(engine)), connections_in_use(engine)) == (0, 0)


async def test_none_lingers_with_a_pooler(settings: Settings) -> None:
    """It would keep a connection of the server for it."""
    assert settings.database_url is not None
    unprepared = settings.model_copy(update={"prepared_statements": False, "db_pool_size": 2})
    placement = Placement(unprepared, settings.database_url)
    engine = placement.primary
    for scope in SCOPES:
        assert (await state_in(engine, scope))[2:] == values_of(scope)
        assert not any(driver.lingers for driver in drivers(engine))
    await placement.close()


async def test_units_that_are_cancelled_leave_no_transaction(make: Make, postgres: Postgres) -> None:
    engine = make(3).primary
    for moment in range(40):
        units = [
            asyncio.ensure_future(state_in(engine, Scope(uuid4()), read_only=bool(number % 3)))
            for number in range(6)
        ]
        await asyncio.sleep(0.0003 * moment)
        for unit in units[::2]:
            unit.cancel()
        found = await asyncio.gather(*units, return_exceptions=True)
        assert all(isinstance(each, State | asyncio.CancelledError) for each in found)
        scope = Scope(uuid4(), uuid4())
        assert (await state_in(engine, scope))[2:] == values_of(scope)
    await asyncio.sleep(10 * LINGER_SECONDS)
    assert connections_in_use(engine) == 0
    for driver in drivers(engine):
        assert await server_state(postgres, driver.get_server_pid()) == "idle"
