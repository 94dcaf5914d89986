"""Units of work over connections that do what a test says: what is sent, kept, retried and given back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from core.json_values import read_column, write_column
from core.settings import Settings
from db import engines, uow
from db.database import Database
from db.engines import NO_SCOPE, ScopedConnection
from db.placement import Placement
from db.ready_connections import ReadyPool
from db.statements import Statement
from db.uow import Scope, TransactionLost, UnitOfWork, UnitOfWorkClosed, UnsafeRole, is_interruption

COMPANY, PERSON = UUID(int=1), UUID(int=2)
SCOPE = Scope(COMPANY, PERSON)
STATEMENT = text("SELECT 1")
COMPILED = Statement(select(bindparam("a", None, type_=Integer(), required=False)))
LOST = ConnectionResetError("lost")
WRONG = ValueError("wrong")


class Result:
    """Two rows, or what the test says."""

    def __init__(self, name: str) -> None:
        self.name = name

    def all(self) -> str:
        return f"all of {self.name}"

    def one(self) -> str:
        return f"one of {self.name}"

    def first(self) -> str:
        return f"first of {self.name}"

    def scalar(self) -> str:
        return f"scalar of {self.name}"


class Checkout:
    """Raises the engine's next error for each statement and commit."""

    def __init__(self, engine: "Engine", number: int, options: tuple[str, bool]) -> None:
        self.engine, self.number = engine, number
        self.scope_sql, self.read_only = options

    @classmethod
    async def of(cls, engine: "Engine", scope_sql: str, *, read_only: bool) -> "Checkout":
        if engine.connect_errors and (error := engine.connect_errors.pop(0)):
            raise error
        engine.checkouts.append(cls(engine, len(engine.checkouts) + 1, (scope_sql, read_only)))
        return engine.checkouts[-1]

    @staticmethod
    async def close_ready(engine: "Engine") -> None:
        """None is ready."""

    async def _step(self, step: str) -> Result:
        self.engine.steps.append(f"{self.number} {step}")
        await asyncio.sleep(0)
        outcome = self.engine.outcomes.pop(0) if self.engine.outcomes else None
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
        elif outcome is not None:
            raise outcome
        return Result(step)

    async def execute(self, statement: Any, parameters: Any) -> Result:
        return await self._step(f"{statement} {parameters}")

    async def driver_sql(self, statement: str, parameters: Any) -> Result:
        return await self._step(f"{statement} {parameters}")

    async def fetch(self, sql: str, arguments: list[Any]) -> str:
        return (await self._step(f"{sql} {arguments}")).all()

    async def commit(self) -> None:
        await self._step("commit")

    def linger(self) -> bool:
        if self.engine.keeps:
            self.engine.steps.append(f"{self.number} linger")
        return self.engine.keeps

    async def close(self, *, invalidate: bool = False) -> None:
        self.engine.steps.append(f"{self.number} {'invalidate' if invalidate else 'close'}")


class Engine:
    """Hands out checkouts, which are numbered from 1, and remembers all that is done with them."""

    def __init__(self, *outcomes: BaseException | asyncio.Event | None) -> None:
        self.outcomes = list(outcomes)
        self.steps: list[str] = []
        self.checkouts: list[Checkout] = []
        self.connect_errors: list[BaseException | None] = []
        self.listeners: list[Callable[..., None]] = []
        self.keeps = False
        """Whether connections of read-only units stay ready."""
        self.sync_engine = SimpleNamespace(dispatch=SimpleNamespace(before_cursor_execute=self.listeners))

    def unit(self, *, read_only: bool = False) -> UnitOfWork:
        engine: Any = self
        return UnitOfWork(engine, SCOPE, read_only=read_only)


class Way(NamedTuple):
    """A way to run a statement: on SQLAlchemy's connection or on the driver."""

    sql: str
    run: Callable[[UnitOfWork, int], Awaitable[Any]]

    def __str__(self) -> str:
        return self.run.__name__

    def step(self, number: int, value: int = 0) -> str:
        """What the checkout of this number remembers of the statement."""
        return f"{number} {self.sql} [{value}]"


def execute(unit: UnitOfWork, value: int = 0) -> Awaitable[Any]:
    return unit.execute(STATEMENT, [value])


def fetch(unit: UnitOfWork, value: int = 0) -> Awaitable[Any]:
    return unit.fetch(COMPILED, {"a": value})


EXECUTE, FETCH = Way("SELECT 1", execute), Way("SELECT $1::INTEGER AS anon_1", fetch)


@pytest.fixture(params=[EXECUTE, FETCH], ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture(params=[EXECUTE, FETCH], ids=str)
def other(request: pytest.FixtureRequest) -> Way:
    """The way of the statements before or after."""
    found: Way = request.param
    return found


@pytest.fixture(autouse=True)
def fake_checkouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uow, "Checkout", Checkout)


def dbapi_error(error: BaseException, *, invalidated: bool = False) -> DBAPIError:
    """An error as SQLAlchemy raises it."""
    original = Exception("of the adapter")
    original.__cause__ = error
    return DBAPIError("SELECT 1", None, original, connection_invalidated=invalidated)


@pytest.mark.parametrize(
    ("scope", "sql"),
    [
        (
            Scope(COMPANY, PERSON, "self"),
            f" SELECT WHERE num_nulls(set_config('app.company_id','{COMPANY}',true),"
            f"set_config('app.user_id','{PERSON}',true),"
            "set_config('app.scope','self',true))>0;",
        ),
        (
            Scope(),
            " SELECT WHERE num_nulls(set_config('app.company_id','',true),set_config('app.user_id','',true),"
            "set_config('app.scope','company',true))>0;",
        ),
    ],
)
def test_the_scope_is_sent_with_begin(scope: Scope, sql: str) -> None:
    assert scope.sql() == sql


@pytest.mark.parametrize("kind", ["company", "self", "platform"])
def test_scopes_are_of_three_kinds(kind: Any) -> None:
    assert f"'app.scope','{kind}'" in Scope(kind=kind).sql()


@pytest.mark.parametrize("scope", [{"kind": "all"}, {"kind": ""}, {"kind": "self'"}])
def test_another_kind_is_refused(scope: Any) -> None:
    with pytest.raises(ValueError, match=f"^{scope['kind']}$"):
        Scope(**scope).sql()


@pytest.mark.parametrize(
    "scope", [{"company_id": "x"}, {"user_id": "x'"}, {"company_id": COMPANY, "user_id": 1}]
)
def test_what_is_no_uuid_is_not_sent(scope: Any) -> None:
    with pytest.raises(TypeError, match=r"not a UUID"):
        Scope(**scope).sql()


def test_a_unit_without_a_company_has_none() -> None:
    engine: Any = Engine()

    assert engine.unit().company_id == COMPANY
    with pytest.raises(UnitOfWorkClosed):
        _ = UnitOfWork(engine, Scope(), read_only=False).company_id


@pytest.mark.parametrize("read_only", [True, False])
async def test_only_a_reading_unit_is_read_only_for_the_database(way: Way, read_only: bool) -> None:
    engine = Engine()
    unit = engine.unit(read_only=read_only)
    await way.run(unit, 1)

    assert [(each.scope_sql, each.read_only) for each in engine.checkouts] == [(SCOPE.sql(), read_only)]


@pytest.mark.parametrize("read_only", [True, False])
async def test_one_connection_serves_all_statements_and_returns(read_only: bool) -> None:
    engine = Engine()
    unit = engine.unit(read_only=read_only)

    assert engine.checkouts == []
    assert await unit.all(STATEMENT, {"a": 1}) == "all of SELECT 1 {'a': 1}"
    assert await unit.one(STATEMENT, 2) == "one of SELECT 1 2"
    assert await unit.first(STATEMENT) == "first of SELECT 1 None"
    assert await unit.scalar(STATEMENT, 3) == "scalar of SELECT 1 3"
    fetched: Any = await unit.fetch(COMPILED, {"a": 4, "b": 5})
    assert fetched == "all of SELECT $1::INTEGER AS anon_1 [4]"
    assert (await unit.driver_sql("NOTIFY", ("x",))).name == "NOTIFY ('x',)"  # type: ignore[attr-defined]
    assert (await unit.driver_sql("NOTIFY")).name == "NOTIFY None"  # type: ignore[attr-defined]
    assert len(engine.checkouts) == 1
    await unit.finish(commit=True)

    assert engine.steps[-2:] == ["1 commit", "1 close"]
    assert len(engine.steps) == 9
    for call in (unit.execute(STATEMENT), unit.driver_sql("NOTIFY"), unit.fetch(COMPILED, {})):
        with pytest.raises(UnitOfWorkClosed):
            await call
    assert len(engine.steps) == 9


async def test_statements_on_the_driver_are_heard_before_they_run() -> None:
    engine = Engine(LOST)
    heard: list[Any] = []
    engine.listeners += [lambda *said: heard.append((said, list(engine.steps)))] * 2

    await engine.unit().fetch(COMPILED, {"a": 4})

    said = (None, None, "SELECT $1::INTEGER AS anon_1", [4], None, False)
    assert heard == [(said, [])] * 2
    assert engine.steps[::2] == [FETCH.step(1, 4), FETCH.step(2, 4)]


async def test_statements_run_one_at_a_time(way: Way, other: Way) -> None:
    gate = asyncio.Event()
    engine = Engine(gate)
    unit = engine.unit()
    first, second = asyncio.ensure_future(way.run(unit, 1)), asyncio.ensure_future(other.run(unit, 2))
    for _ in range(5):
        await asyncio.sleep(0)
    before = list(engine.steps)
    gate.set()
    await asyncio.gather(first, second)

    assert (before, engine.steps) == ([way.step(1, 1)], [way.step(1, 1), other.step(1, 2)])


async def test_a_unit_that_did_nothing_has_nothing_to_end() -> None:
    engine = Engine()
    for commit in (True, False):
        await engine.unit().finish(commit=commit)

    assert (engine.steps, engine.checkouts) == ([], [])


async def test_a_unit_that_is_rolled_back_is_not_committed(way: Way) -> None:
    engine = Engine()
    unit = engine.unit()
    await way.run(unit, 0)
    await unit.finish(commit=False)

    assert engine.steps == [way.step(1), "1 close"]


@pytest.mark.parametrize("error", [LOST, dbapi_error(LOST), dbapi_error(WRONG, invalidated=True)])
@pytest.mark.parametrize("read_only", [True, False])
async def test_a_first_statement_on_a_lost_connection_is_tried_once_more(
    way: Way, other: Way, error: Exception, read_only: bool
) -> None:
    engine = Engine(error)
    unit = engine.unit(read_only=read_only)

    expected = f"{way.sql} [7]"
    found = await way.run(unit, 7)
    assert found == f"all of {expected}" if way is FETCH else found.name == expected
    await other.run(unit, 8)
    await unit.finish(commit=True)

    assert engine.steps == [
        *(way.step(1, 7), "1 invalidate"),
        *(way.step(2, 7), other.step(2, 8), "2 commit", "2 close"),
    ]
    assert [(each.scope_sql, each.read_only) for each in engine.checkouts] == [(SCOPE.sql(), read_only)] * 2


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_second_loss_is_an_error(way: Way, other: Way, read_only: bool) -> None:
    engine = Engine(LOST, LOST)
    unit = engine.unit(read_only=read_only)

    with pytest.raises(ConnectionResetError):
        await way.run(unit, 0)
    assert engine.steps == [way.step(1), "1 invalidate", way.step(2), "2 invalidate"]
    if read_only:
        await other.run(unit, 0)
        assert engine.steps[-1] == other.step(3)
    else:
        with pytest.raises(TransactionLost):
            await other.run(unit, 0)


@pytest.mark.parametrize("read_only", [True, False])
async def test_connecting_is_tried_once_more(way: Way, read_only: bool) -> None:
    engine = Engine()
    engine.connect_errors = [LOST]
    unit = engine.unit(read_only=read_only)
    await way.run(unit, 0)

    assert engine.steps == [way.step(1)]


@pytest.mark.parametrize("errors", [[LOST, dbapi_error(LOST)], [WRONG], [TimeoutError()]])
@pytest.mark.parametrize("read_only", [True, False])
async def test_a_unit_that_did_not_connect_may_still(
    way: Way, errors: list[BaseException], read_only: bool
) -> None:
    engine = Engine()
    engine.connect_errors = [*errors]
    unit = engine.unit(read_only=read_only)
    with pytest.raises(type(errors[-1])):
        await way.run(unit, 0)
    await way.run(unit, 1)
    await unit.finish(commit=True)

    assert engine.steps == [way.step(1, 1), "1 commit", "1 close"]


@pytest.mark.parametrize("error", [LOST, TimeoutError(), asyncio.CancelledError()])
async def test_a_writing_unit_that_was_interrupted_is_lost(
    way: Way, other: Way, error: BaseException
) -> None:
    engine = Engine(None, error)
    unit = engine.unit()
    await other.run(unit, 0)
    with pytest.raises(type(error)):
        await way.run(unit, 0)

    assert engine.steps == [other.step(1), way.step(1), "1 invalidate"]
    for _ in range(2):
        with pytest.raises(
            TransactionLost, match=r"^an earlier statement of this transaction was interrupted$"
        ):
            await other.run(unit, 0)
    with pytest.raises(TransactionLost, match=r"^the transaction was interrupted$"):
        await unit.finish(commit=True)
    assert len(engine.checkouts) == 1


async def test_a_lost_unit_is_rolled_back_silently(way: Way) -> None:
    engine = Engine(None, LOST)
    unit = engine.unit()
    await way.run(unit, 0)
    with suppress(ConnectionResetError):
        await way.run(unit, 0)

    await unit.finish(commit=False)

    with pytest.raises(UnitOfWorkClosed):
        await way.run(unit, 0)


@pytest.mark.parametrize("error", [TimeoutError(), asyncio.CancelledError(), KeyboardInterrupt()])
async def test_an_interruption_of_the_first_statement_is_not_retried(way: Way, error: BaseException) -> None:
    engine = Engine(error)
    unit = engine.unit()
    with pytest.raises(type(error)):
        await way.run(unit, 0)

    assert engine.steps == [way.step(1), "1 invalidate"]
    with pytest.raises(TransactionLost):
        await way.run(unit, 0)


@pytest.mark.parametrize("error", [LOST, TimeoutError(), asyncio.CancelledError(), WRONG, dbapi_error(WRONG)])
async def test_a_reading_unit_goes_on_in_a_new_transaction(
    way: Way, other: Way, error: BaseException
) -> None:
    engine = Engine(None, error)
    unit = engine.unit(read_only=True)
    await other.run(unit, 1)
    with pytest.raises(type(error)):
        await way.run(unit, 2)
    await other.run(unit, 3)
    await unit.finish(commit=True)

    assert engine.steps == [
        *(other.step(1, 1), way.step(1, 2), "1 invalidate" if is_interruption(error) else "1 close"),
        *(other.step(2, 3), "2 commit", "2 close"),
    ]


@pytest.mark.parametrize("error", [WRONG, dbapi_error(WRONG)])
async def test_a_writing_unit_keeps_its_transaction_after_an_error_of_a_statement(
    way: Way, other: Way, error: Exception
) -> None:
    engine = Engine(error, error)
    unit = engine.unit()
    for _ in range(2):
        with pytest.raises(type(error)):
            await way.run(unit, 0)
    await other.run(unit, 0)
    await unit.finish(commit=False)

    assert engine.steps == [way.step(1), way.step(1), other.step(1), "1 close"]


@pytest.mark.parametrize(("error", "is_gone"), [(WRONG, False), (LOST, True), (TimeoutError(), True)])
async def test_a_commit_that_fails_is_an_error_and_its_connection_goes(
    way: Way, error: Exception, is_gone: bool
) -> None:
    engine = Engine(None, error)
    unit = engine.unit()
    await way.run(unit, 0)
    with pytest.raises(type(error)):
        await unit.finish(commit=True)

    assert engine.steps[1:] == ["1 commit", "1 invalidate" if is_gone else "1 close"]


async def test_a_reading_unit_may_give_its_connection_back_early(way: Way, other: Way) -> None:
    engine = Engine()
    unit = engine.unit(read_only=True)
    await unit.release()
    await way.run(unit, 0)
    await unit.release()
    await unit.release()
    await other.run(unit, 0)

    assert engine.steps == [way.step(1), "1 close", other.step(2)]
    with pytest.raises(RuntimeError, match=r"read-only"):
        await engine.unit().release()


@pytest.mark.parametrize("commit", [True, False])
async def test_a_reading_unit_ends_at_once_if_its_connection_stays_ready(
    way: Way, other: Way, commit: bool
) -> None:
    engine = Engine()
    engine.keeps = True
    unit = engine.unit(read_only=True)
    await way.run(unit, 0)
    await unit.release()
    await other.run(unit, 0)
    finished = unit.finish(commit=commit)

    assert finished.done()
    assert engine.steps == [way.step(1), "1 linger", other.step(2), "2 linger"]
    assert set() == uow.FINISHING
    await finished
    with pytest.raises(UnitOfWorkClosed):
        await way.run(unit, 0)


async def test_a_writing_unit_does_not_linger(way: Way) -> None:
    engine = Engine()
    engine.keeps = True
    unit = engine.unit()
    await way.run(unit, 0)
    await unit.finish(commit=False)

    assert engine.steps == [way.step(1), "1 close"]


async def test_a_reading_unit_waits_for_its_last_statement(way: Way) -> None:
    gate = asyncio.Event()
    engine = Engine(gate)
    engine.keeps = True
    unit = engine.unit(read_only=True)
    running = asyncio.ensure_future(way.run(unit, 0))
    await asyncio.sleep(0)
    finished = unit.finish(commit=False)
    await asyncio.sleep(0)
    assert not finished.done()
    gate.set()
    await running
    await finished

    assert engine.steps == [way.step(1), "1 close"]


async def test_a_unit_whose_caller_is_cancelled_is_committed_and_returns(way: Way) -> None:
    gate = asyncio.Event()
    engine = Engine(None, gate)
    unit = engine.unit()
    await way.run(unit, 0)
    finishing = asyncio.ensure_future(unit.finish(commit=True))
    for _ in range(3):
        await asyncio.sleep(0)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert (len(uow.FINISHING), engine.steps) == (1, [way.step(1), "1 commit"])
    gate.set()
    await asyncio.gather(*uow.FINISHING)

    assert engine.steps == [way.step(1), "1 commit", "1 close"]
    await asyncio.sleep(0)
    assert set() == uow.FINISHING


@pytest.mark.parametrize(("commit", "steps"), [(True, ["1 commit", "1 close"]), (False, ["1 close"])])
async def test_a_unit_ends_if_its_caller_is_cancelled_before_it_begins(
    way: Way, commit: bool, steps: list[str]
) -> None:
    engine = Engine()
    unit = engine.unit()
    await way.run(unit, 0)
    finishing = asyncio.gather(unit.finish(commit=commit))
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    await asyncio.gather(*uow.FINISHING)

    assert engine.steps == [way.step(1), *steps]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncio.CancelledError(), True),
        (KeyboardInterrupt(), True),
        (TimeoutError(), True),
        (LOST, True),
        (dbapi_error(LOST), True),
        (dbapi_error(WRONG, invalidated=True), True),
        (asyncpg.InterfaceError("another operation is in progress"), True),
        (asyncpg.DataError("too long"), False),
        (WRONG, False),
        (dbapi_error(WRONG), False),
    ],
)
def test_what_interrupts_leaves_the_connection_unknown(error: BaseException, expected: bool) -> None:
    assert is_interruption(error) is expected


class Engines:
    """A placement of fake engines."""

    def __init__(self, *outcomes: BaseException | None) -> None:
        self.primary, self.own, self.secondary = Engine(), Engine(*outcomes), Engine()
        self.calls: list[Any] = []
        self.closings, self.replica = 0, None

    def is_pooled(self, company_id: UUID) -> bool:
        return False

    async def locate(self, company_id: UUID) -> str:
        self.calls.append(("locate", company_id))
        return "own"

    def engine_of(self, place: str) -> Engine:
        return self.own

    async def open(self, place: str) -> Engine:
        return self.own

    async def close_unused(self) -> None:
        self.closings += 1

    async def close(self) -> None:
        self.calls.append("close")


def database(placement: Any) -> Database:
    return Database(placement)


async def test_companies_have_engines_and_the_platform_has_the_first() -> None:
    placement = Engines()
    opened = database(placement)
    async with opened.tenant(COMPANY) as unit:
        await unit.execute(STATEMENT)
        assert (unit.scope, unit.read_only) == (Scope(COMPANY, None, "company"), False)
    async with opened.tenant(COMPANY, PERSON, kind="self", read_only=True) as unit:
        assert (unit.scope, unit.read_only) == (Scope(COMPANY, PERSON, "self"), True)
    async with opened.platform() as unit:
        await unit.execute(STATEMENT)
        assert (unit.scope, unit.read_only) == (Scope(None, None, "platform"), False)
    async with opened.platform(read_only=True) as unit:
        assert unit.read_only
    second = opened.secondary_unit(SCOPE)
    await second.execute(STATEMENT)

    assert (second.scope, second.read_only) == (SCOPE, True)
    assert placement.calls == [("locate", COMPANY), ("locate", COMPANY)]
    assert placement.own.steps == ["1 SELECT 1 None", "1 commit", "1 close", "2 SELECT 1 None"]
    assert placement.primary.steps == ["1 SELECT 1 None", "1 commit", "1 close"]
    assert placement.secondary.steps == []
    await opened.close()
    assert placement.calls[-1] == "close"


@pytest.mark.parametrize("error", [WRONG, asyncio.CancelledError(), KeyboardInterrupt()])
async def test_an_exception_rolls_back_and_goes_on(error: BaseException) -> None:
    placement = Engines()

    async def fail() -> None:
        async with database(placement).tenant(COMPANY) as unit:
            await unit.execute(STATEMENT)
            raise error

    with pytest.raises(type(error)):
        await fail()
    assert placement.own.steps == ["1 SELECT 1 None", "1 close"]


class Unit:
    """Answers the two statements that look for faults."""

    def __init__(self, role: dict[str, bool], holes: list[Any]) -> None:
        self.role, self.holes = role, holes

    async def one(self, statement: Any) -> Any:
        return type("Row", (), {"_mapping": self.role})

    async def all(self, statement: Any) -> Any:
        return self.holes


class Hole:
    relname, problem = "documents", "no policy"


@pytest.mark.parametrize(
    ("role", "holes", "message"),
    [
        ({"is_superuser": False, "bypasses_rls": False}, [], None),
        ({"is_superuser": False, "bypasses_rls": True}, [], "it bypasses rls"),
        ({"is_superuser": True, "bypasses_rls": True}, [Hole], "it is superuser, bypasses rls"),
        ({"is_superuser": False}, [Hole, Hole], "not isolated: documents: no policy; documents: no policy"),
    ],
)
async def test_an_unsafe_role_or_an_open_table_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, role: dict[str, bool], holes: list[Any], message: str | None
) -> None:
    calls: list[Any] = []

    class Opened:
        async def __aenter__(self) -> Unit:
            return Unit(role, holes)

        async def __aexit__(self, *error: Any) -> None:
            pass

    def platform(self: Database, *, read_only: bool = False) -> Opened:
        calls.append(read_only)
        return Opened()

    monkeypatch.setattr(Database, "platform", platform)
    verification = database(Engines()).verify_isolation()
    if message is None:
        await verification
    else:
        with pytest.raises(UnsafeRole, match=f"{message}$"):
            await verification
    assert calls == [True]


class DriverlessConnection(ScopedConnection):
    """Without a driver."""

    def __init__(self) -> None:
        pass

    def __del__(self) -> None:
        pass


async def test_the_scope_goes_with_begin_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    async def execute(self: Any, query: str, *arguments: Any, timeout: Any = None) -> str:  # noqa: ASYNC109
        sent.append((query, arguments, timeout))
        return "done"

    monkeypatch.setattr(asyncpg.Connection, "execute", execute)
    connection: Any = DriverlessConnection()

    assert await connection.execute("BEGIN READ ONLY;") == "done"
    connection.scope_sql = SCOPE.sql()
    await connection.execute("BEGIN;", timeout=3)
    await connection.execute("BEGIN", 1)
    await connection.execute("SELECT 'BEGIN'")
    assert sent == [
        ("BEGIN READ ONLY;" + NO_SCOPE, (), None),
        ("BEGIN;" + SCOPE.sql(), (), 3),
        ("BEGIN", (1,), None),
        ("SELECT 'BEGIN'", (), None),
    ]
    assert NO_SCOPE == (
        " SELECT WHERE num_nulls(set_config('app.company_id','',true),set_config('app.user_id','',true),"
        "set_config('app.scope','',true))>0;"
    )


Connect = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (FileNotFoundError(2, "socket"), ConnectionRefusedError),
        (OSError(113, "no route"), ConnectionRefusedError),
        (ConnectionResetError(), ConnectionResetError),
        (TimeoutError(), TimeoutError),
        (asyncpg.CannotConnectNowError(), asyncpg.CannotConnectNowError),
    ],
)
async def test_a_database_that_is_not_there_is_a_refused_connection(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    async def fail(*arguments: Any, **options: Any) -> None:
        assert (arguments, options) == (("url",), {"timeout": 1})
        raise error

    monkeypatch.setattr(asyncpg, "connect", fail)
    with pytest.raises(raised) as refused:
        await engines.connect("url", timeout=1)

    assert type(refused.value) is raised
    assert getattr(refused.value, "errno", None) == getattr(error, "errno", None)


async def test_engines_have_the_pools_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[tuple[str, dict[str, Any]]] = []
    create = create_async_engine

    def remember(url: str, **options: Any) -> Any:
        made.append((url, options))
        return create(url, **options)

    monkeypatch.setattr(engines, "create_async_engine", remember)
    url = "postgresql+asyncpg://app_rw@127.0.0.1:9/none"
    settings = Settings(
        data=tmp_path, db_pool_size=5, db_max_overflow=2, db_pool_timeout=1.5, prepared_statements=True
    )
    placement = Placement(settings, url, application="tests")
    common = {
        "poolclass": ReadyPool,
        "pool_timeout": 1.5,
        "pool_recycle": 1800,
        "pool_use_lifo": True,
        "pool_pre_ping": False,
        "hide_parameters": True,
        "json_serializer": write_column,
        "json_deserializer": read_column,
        "connect_args": {
            "async_creator_fn": engines.connect,
            "connection_class": ScopedConnection,
            "timeout": 5.0,
            "command_timeout": 120.0,
            "server_settings": {
                "application_name": "tests",
                "client_connection_check_interval": "2s",
                "plan_cache_mode": "force_custom_plan",
            },
        },
    }

    assert made == [
        (url, common | {"pool_size": 5, "max_overflow": 2}),
        (url, common | {"pool_size": 4, "max_overflow": 0}),
    ]
    assert not placement.is_pooled(COMPANY)
    assert placement.engines == (placement.primary, placement.secondary)
    assert placement.primary is not placement.secondary
    pools = [engine.pool for engine in placement.engines]
    await placement.close()
    assert all(engine.pool is not pool for engine, pool in zip(placement.engines, pools, strict=True))
    named = Placement(settings, url)
    assert made[-1][1]["connect_args"]["server_settings"]["application_name"] == "seshat"
    await named.close()
