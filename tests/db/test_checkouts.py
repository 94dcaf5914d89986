"""Connections in use by SQLAlchemy and by the driver at once: one transaction, and back to the pool idle."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import insert
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from core.settings import Settings
from db.checkouts import Checkout
from db.engines import NO_SCOPE
from db.errors import is_disconnect
from db.models import Project
from db.placement import Placement
from db.ready_connections import connections_in_use
from db.uow import Scope

SCOPE = Scope(UUID(int=1), UUID(int=2), "self")
STATE = """SELECT pg_backend_pid(), now(), current_setting('transaction_read_only'),
current_setting('app.company_id'), current_setting('app.user_id'), current_setting('app.scope')"""
TRANSACTION_ID = "SELECT pg_current_xact_id()::text"
OUTCOME = "SELECT pg_xact_status($1::text::xid8)"


class State(NamedTuple):
    """The transaction that a statement runs in, which has a beginning of its own."""

    pid: int
    began_at: Any
    read_only: str
    company_id: str
    user_id: str
    scope: str


async def fetch(checkout: Checkout, sql: str = STATE) -> Any:
    (row,) = await checkout.fetch(sql, [])
    return tuple(row)


async def execute(checkout: Checkout, sql: str = STATE) -> Any:
    return tuple((await checkout.connection.exec_driver_sql(sql)).one())


async def touch(checkout: Checkout, sql: str = STATE) -> None:
    """Asks for SQLAlchemy's connection, and runs nothing on it."""
    assert checkout.connection is checkout.connection


Step = Callable[..., Awaitable[Any]]
WAYS = [(fetch,), (execute,), (fetch, execute), (execute, fetch), (fetch, touch), (touch, fetch)]
"""How the two share a transaction."""


def names(steps: tuple[Step, ...]) -> str:
    return "-".join(step.__name__ for step in steps) or "nothing"


@pytest_asyncio.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine with a pool of one connection."""
    assert settings.database_url is not None
    small = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0, "db_pool_timeout": 0.5})
    placement = Placement(small, settings.database_url, application="checkouts")
    yield placement.primary
    await placement.close()


async def check_out(engine: AsyncEngine, *, read_only: bool = False) -> Checkout:
    return await Checkout.of(engine, SCOPE.sql(), read_only=read_only)


async def require_idle(engine: AsyncEngine) -> int:
    """The process of the pooled connection, which is as good as new."""
    assert connections_in_use(engine) == 0
    async with engine.connect() as connection:
        raw: Any = await connection.get_raw_connection()
        assert (raw.driver_connection.scope_sql, raw.dbapi_connection.readonly) == (NO_SCOPE, False)
        found = State._make((await connection.exec_driver_sql(STATE)).one())
        assert found[2:] == ("off", "", "", "")
        return found.pid


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("steps", [way for way in WAYS if touch not in way], ids=names)
async def test_both_share_one_transaction_and_scope(
    engine: AsyncEngine, steps: tuple[Step, ...], read_only: bool
) -> None:
    checkout = await check_out(engine, read_only=read_only)
    found = [State._make(await step(checkout)) for step in steps * 2]
    await checkout.close()

    assert len(set(found)) == 1
    assert found[0][2:] == ("on" if read_only else "off", str(SCOPE.company_id), str(SCOPE.user_id), "self")


@pytest.mark.parametrize("step", [fetch, execute])
async def test_a_read_only_transaction_writes_nothing(engine: AsyncEngine, step: Step) -> None:
    checkout = await check_out(engine, read_only=True)
    with pytest.raises((DBAPIError, asyncpg.ReadOnlySQLTransactionError)) as error:
        await step(checkout, "CREATE TEMP TABLE written (id int)")
    await checkout.close()

    assert getattr(error.value, "orig", error.value).sqlstate == "25006"  # type: ignore[union-attr]
    await require_idle(engine)


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("steps", WAYS, ids=names)
async def test_both_end_together(engine: AsyncEngine, steps: tuple[Step, ...], commit: bool) -> None:
    checkout = await check_out(engine)
    found = [await step(checkout, TRANSACTION_ID) for step in steps]
    (id,) = {each[0] for each in found if each}
    if commit:
        await checkout.commit()
    await checkout.close()

    await require_idle(engine)
    async with engine.connect() as connection:
        outcome = (await connection.exec_driver_sql(OUTCOME, (id,))).scalar_one()
    assert outcome == ("committed" if commit else "aborted")


@pytest.mark.parametrize("invalidate", [False, True])
@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("steps", [(), (touch,), *WAYS], ids=names)
async def test_a_connection_returns_idle_or_not_at_all(
    engine: AsyncEngine, steps: tuple[Step, ...], read_only: bool, commit: bool, invalidate: bool
) -> None:
    pid = await require_idle(engine)
    checkout = await check_out(engine, read_only=read_only)
    for step in steps:
        await step(checkout)
    if commit:
        await checkout.commit()
    await checkout.close(invalidate=invalidate)

    assert (await require_idle(engine) == pid) is not invalidate


@pytest.mark.parametrize("invalidate", [False, True])
@pytest.mark.parametrize("fails", [fetch, execute])
@pytest.mark.parametrize("steps", [(), *WAYS], ids=names)
async def test_a_failed_transaction_returns_idle_as_well(
    engine: AsyncEngine, steps: tuple[Step, ...], fails: Step, invalidate: bool
) -> None:
    pid = await require_idle(engine)
    checkout = await check_out(engine)
    for step in steps:
        await step(checkout)
    with pytest.raises((DBAPIError, asyncpg.DivisionByZeroError)):
        await fails(checkout, "SELECT 1 / 0")
    with pytest.raises((DBAPIError, asyncpg.InFailedSQLTransactionError)):
        await fails(checkout)
    await checkout.close(invalidate=invalidate)

    assert (await require_idle(engine) == pid) is not invalidate


@pytest.mark.parametrize("steps", [(), *WAYS], ids=names)
async def test_a_statement_that_is_not_sent_does_not_end_the_transaction(
    engine: AsyncEngine, steps: tuple[Step, ...]
) -> None:
    checkout = await check_out(engine)
    with pytest.raises(CompileError, match="unknown"):
        await checkout.connection.execute(insert(Project).values(unknown=1))
    (id,) = await fetch(checkout, TRANSACTION_ID)
    for step in steps:
        await step(checkout)
    await checkout.commit()
    await checkout.close()

    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql(OUTCOME, (id,))).scalar_one() == "committed"


@pytest.mark.parametrize("invalidate", [False, True])
@pytest.mark.parametrize("steps", [(), *WAYS], ids=names)
async def test_a_lost_connection_is_replaced(
    engine: AsyncEngine, steps: tuple[Step, ...], invalidate: bool
) -> None:
    pid = await require_idle(engine)
    checkout = await check_out(engine)
    for step in steps:
        await step(checkout)
    checkout._driver.terminate()
    if steps and steps[-1] is execute:  # SQLAlchemy notices, and gives the connection up by itself
        with pytest.raises(DBAPIError):
            await execute(checkout)
        assert checkout.connection.invalidated
    await checkout.close(invalidate=invalidate)

    assert await require_idle(engine) != pid


@pytest.mark.parametrize("begun", [(), (fetch,), (execute,)], ids=names)
@pytest.mark.parametrize("step", [fetch, execute])
async def test_a_statement_on_a_closed_connection_is_a_disconnect(
    engine: AsyncEngine, begun: tuple[Step, ...], step: Step
) -> None:
    checkout = await check_out(engine)
    for one in begun:
        await one(checkout)
    checkout._driver.terminate()
    with pytest.raises(Exception) as error:  # noqa: PT011
        await step(checkout)
    await checkout.close(invalidate=True)

    assert is_disconnect(error.value)
    await require_idle(engine)


async def test_a_begin_that_fails_leaves_nothing_to_roll_back(engine: AsyncEngine) -> None:
    for step in (fetch, execute):
        pid = await require_idle(engine)
        checkout = await Checkout.of(engine, " SELECT 1 / 0;", read_only=False)
        with pytest.raises((DBAPIError, asyncpg.DivisionByZeroError)):
            await step(checkout)
        await checkout.close()

        assert await require_idle(engine) != pid


async def test_a_running_statement_ends_with_its_connection(engine: AsyncEngine) -> None:
    checkout = await check_out(engine)
    (pid, *_) = await fetch(checkout)
    running = asyncio.ensure_future(checkout.fetch("SELECT pg_sleep(30)", []))
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running})
    await checkout.close(invalidate=True)

    assert running.cancelled()
    assert await require_idle(engine) != pid


async def test_rows_are_those_of_the_driver(engine: AsyncEngine) -> None:
    checkout = await check_out(engine, read_only=True)
    rows = await checkout.fetch("SELECT n, $1::text AS word FROM generate_series(1, 2) n", ["é"])
    assert await checkout.fetch("SELECT 1 WHERE false", []) == []
    await checkout.close()

    assert [type(row) for row in rows] == [asyncpg.Record] * 2
    assert [tuple(row) for row in rows] == [(1, "é"), (2, "é")]


def kinds(error: BaseException | None) -> list[Any]:
    """The types of an error and its causes, and whether SQLAlchemy calls it a disconnect."""
    if error is None:
        return []
    original = getattr(error, "orig", None)
    invalidated = getattr(error, "connection_invalidated", None)
    return [(type(error), str(error), type(original), invalidated), *kinds(error.__cause__)]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        ConnectionResetError("reset"),
        FileNotFoundError(2, "no socket"),
        OSError(113, "no route"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("starts up"),
        asyncpg.TooManyConnectionsError("too many"),
        asyncpg.InvalidPasswordError("wrong"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got no answer"),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_errors_at_connecting_are_those_of_sqlalchemy(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    async def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", fail)
    with pytest.raises(BaseException) as expected:  # noqa: PT011
        await engine.connect()
    with pytest.raises(BaseException) as found:  # noqa: PT011
        await check_out(engine)

    assert kinds(found.value) == kinds(expected.value)
    assert len(kinds(found.value)) >= 1
    monkeypatch.undo()
    await require_idle(engine)


async def test_a_full_pool_is_the_same_error(engine: AsyncEngine) -> None:
    checkout = await check_out(engine)
    with pytest.raises(Exception, match="QueuePool limit") as expected:
        await engine.connect()
    with pytest.raises(Exception, match="QueuePool limit") as found:
        await check_out(engine)
    await checkout.close()

    assert kinds(found.value) == kinds(expected.value)
    await require_idle(engine)
