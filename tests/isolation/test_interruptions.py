"""A connection returns to its pool wherever the task that uses it is cancelled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Generator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import literal, select, text

from core.settings import Settings
from db.database import Database
from db.models import User
from db.placement import Placement
from db.ready_connections import connections_in_use
from db.statements import Statement
from db.uow import FINISHING
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.framework.context import Context, Services
from tests.conftest import People

STATEMENT = text("SELECT 1")
ON_THE_DRIVER = Statement(select(literal(1)))
MOMENTS = ("at once", "soon", "when ready")
"""When a task that begins to wait is cancelled: now, in the next round, or when its wait is over."""

Others = Collection[asyncio.Future[None]]
State = Callable[[Database], Awaitable[Others]]
"""Brings the pool into a state; what goes on beside the work is returned."""
Work = Callable[[Database], Coroutine[Any, Any, None]]


class Interruption:
    """Work whose task is cancelled when it waits for the time `at`; `reached` says whether it ever did."""

    def __init__(self, work: Coroutine[Any, Any, None], at: int, moment: str) -> None:
        self._work, self._at, self._moment = work, at, moment
        self.reached = False

    def __await__(self) -> Generator[Any, Any, None]:
        steps, waited = self._work.__await__(), 0
        error: BaseException | None = None
        while True:
            try:
                awaited = steps.send(None) if error is None else steps.throw(error)
            except StopIteration:
                return
            if waited == self._at:
                self._cancel(awaited)
            waited, error = waited + 1, None
            try:
                yield awaited
            except BaseException as thrown:
                error = thrown

    def _cancel(self, awaited: asyncio.Future[Any] | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.reached = True
        if self._moment == "at once":
            task.cancel()
        elif self._moment == "soon" or awaited is None:
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            awaited.add_done_callback(lambda _: task.cancel())


async def run(work: Interruption) -> None:
    with suppress(asyncio.CancelledError):
        await work


@pytest_asyncio.fixture
async def one(settings: Settings) -> AsyncIterator[Database]:
    """A database with a pool of one connection."""
    assert settings.database_url is not None
    small = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0, "db_pool_timeout": 5.0})
    database = Database(Placement(small, settings.database_url, application="pool of one"))
    yield database
    await database.close()


@pytest_asyncio.fixture
async def viewer(services: Services, people: People) -> Viewer:
    viewer = await accounts.load_viewer(services.database, people.user.id, None)
    assert viewer is not None
    return viewer


async def idle_connection(database: Database) -> Others:
    """The connection is as good as new."""
    return ()


async def no_connection(database: Database) -> Others:
    """There is no connection yet."""
    await database.placement.primary.dispose()
    return ()


async def closed_connection(database: Database) -> Others:
    """The connection was closed in the pool."""
    async with database.placement.primary.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    driver.terminate()
    return ()


async def occupied_connection(database: Database) -> Others:
    """The connection comes back a little later."""
    connection = await database.placement.primary.connect()

    async def give_back() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        await connection.close()

    return (asyncio.ensure_future(give_back()),)


async def read(database: Database) -> None:
    async with database.tenant(uuid4(), read_only=True) as uow:
        await uow.one(STATEMENT)
        await uow.release()
        await asyncio.gather(uow.one(STATEMENT), uow.one(STATEMENT))


async def read_on_the_driver(database: Database) -> None:
    async with database.tenant(uuid4(), read_only=True) as uow:
        await uow.fetch(ON_THE_DRIVER, {})
        await uow.release()
        await asyncio.gather(uow.fetch(ON_THE_DRIVER, {}), uow.one(STATEMENT), uow.fetch(ON_THE_DRIVER, {}))


async def write(database: Database) -> None:
    async with database.tenant(uuid4()) as uow:
        await uow.one(STATEMENT)
        await asyncio.gather(uow.one(STATEMENT), uow.fetch(ON_THE_DRIVER, {}))


async def fail(database: Database) -> None:
    with suppress(ZeroDivisionError):
        async with database.tenant(uuid4()) as uow:
            await uow.one(STATEMENT)
            raise ZeroDivisionError


async def without_unit(database: Database) -> None:
    async with database.placement.primary.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")


def checked_out(database: Database) -> int:
    return sum(map(connections_in_use, database.placement.engines))


async def losses(one: Database, state: State, work: Work, moment: str) -> list[int]:
    """The waits of the work at which a cancellation keeps the connection from its pool."""
    lost_at: list[int] = []
    for at in count():
        await without_unit(one)
        others = await state(one)
        interrupted = Interruption(work(one), at, moment)
        await asyncio.ensure_future(run(interrupted))
        await asyncio.gather(*others)
        while FINISHING:
            await asyncio.wait(set(FINISHING))
        if checked_out(one):
            lost_at.append(at)
            await one.placement.primary.dispose()
        if not interrupted.reached:
            break
    assert at >= 3
    return lost_at


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("work", [read, read_on_the_driver, write, fail, without_unit])
@pytest.mark.parametrize("state", [idle_connection, no_connection, closed_connection, occupied_connection])
async def test_no_connection_is_kept(one: Database, state: State, work: Work, moment: str) -> None:
    assert await losses(one, state, work, moment) == []


@pytest.mark.parametrize("moment", MOMENTS)
async def test_no_context_keeps_a_connection(
    one: Database, services: Services, viewer: Viewer, moment: str
) -> None:
    async def operation(database: Database) -> None:
        context = Context(replace(services, database=database), viewer)
        try:
            for _ in range(2):  # as the events of a subscription
                assert (await context.loaders.one(User, ("id",)).load(viewer.user_id)).id == viewer.user_id
                await context.release()
            await context.read().one(STATEMENT)
        finally:
            await context.close()

    assert await losses(one, idle_connection, operation, moment) == []
