"""Faults of a connection that a test plants: at the statement, BEGIN, COMMIT or ROLLBACK of one unit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from db.engines import ScopedConnection

PLACES = ("prepare", "BEGIN", "COMMIT", "ROLLBACK")


@dataclass
class Fault:
    """A fault at a place, which strikes once."""

    place: str
    strike: "Strike"
    struck: bool = False


Strike = Callable[[Any], Awaitable[None]]

PLANTED: ContextVar[Fault | None] = ContextVar("planted", default=None)


async def lose(driver: Any) -> None:
    """The connection is gone."""
    driver.terminate()


async def occupy(driver: Any) -> None:
    """Another operation still runs on the connection, which nobody waits for."""
    task = asyncio.ensure_future(ScopedConnection.fetch(driver, "SELECT pg_sleep(0.01)"))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.sleep(0)


async def time_out(driver: Any) -> None:
    """The statement gets no answer."""
    raise TimeoutError


async def confuse(driver: Any) -> None:
    """The driver is in a state of its own."""
    raise asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")


async def deny(driver: Any) -> None:
    """The server refuses the statement."""
    raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")


async def cancel(driver: Any) -> None:
    """The caller is cancelled while the statement runs."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


STRIKES: tuple[Strike, ...] = (lose, occupy, time_out, confuse, deny, cancel)


async def strike(driver: Any, statement: str) -> None:
    """Lets a planted fault strike if this is its place."""
    planted = PLANTED.get()
    if planted is not None and not planted.struck and statement.startswith(planted.place):
        planted.struck = True
        await planted.strike(driver)


class FaultyConnection(ScopedConnection):
    """Strikes before it does what it is asked."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Executes a statement, such as BEGIN."""
        await strike(self, query)
        return await super().execute(query, *args, **options)

    async def prepare(self, query: str, **options: Any) -> Any:
        """Prepares a statement."""
        await strike(self, "prepare")
        return await super().prepare(query, **options)

    async def begin(self, *, read_only: bool) -> None:
        """Begins a transaction of the driver alone."""
        await strike(self, "BEGIN")
        await super().begin(read_only=read_only)

    async def begin_and_fetch(self, query: str, arguments: Sequence[Any]) -> list[Any]:
        """Begins it with its first statement."""
        await strike(self, "BEGIN")
        await strike(self, "prepare")
        return await super().begin_and_fetch(query, arguments)

    async def commit(self) -> None:
        """Commits it."""
        await strike(self, "COMMIT")
        await super().commit()

    async def rollback(self) -> None:
        """Rolls it back."""
        await strike(self, "ROLLBACK")
        await super().rollback()

    async def fetch_rows(self, query: str, arguments: Sequence[Any]) -> list[Any]:
        """Runs a statement that is compiled for the driver."""
        await strike(self, "prepare")
        return await super().fetch_rows(query, arguments)


@pytest.fixture
def faulty_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that are made during the test have connections in which faults strike."""
    monkeypatch.setattr("db.engines.ScopedConnection", FaultyConnection)
