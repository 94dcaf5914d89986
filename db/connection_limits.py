"""Limits of the connections of a process to a database server."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout

Connect = Callable[..., Awaitable[asyncpg.Connection]]


class ConnectionLimit:
    """Counts the open connections to a server. One more waits until another is closed.

    `make_room` closes those that nobody uses.
    """

    def __init__(self, limit: int, patience: float, make_room: Callable[[], Awaitable[None]]) -> None:
        self._limit, self._patience, self._make_room = limit, patience, make_room
        self.open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def apply(self, connect: Connect) -> Connect:
        """`connect`, which raises SQLAlchemy's `TimeoutError` while too many connections are open."""

        async def limited(*arguments: Any, **options: Any) -> asyncpg.Connection:
            await self._acquire()
            try:
                connection = await connect(*arguments, **options)
            except BaseException:
                self._release()
                raise
            connection.add_termination_listener(lambda _: self._release())
            return connection

        return limited

    async def _acquire(self) -> None:
        if self.open >= self._limit:
            await self._make_room()
        try:
            async with asyncio.timeout(self._patience):
                while self.open >= self._limit:
                    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.append(closed)
                    await closed
        except TimeoutError:
            raise PoolTimeout(f"{self.open} connections to the database server are in use") from None
        self.open += 1

    def _release(self) -> None:
        self.open -= 1
        while self._waiting:
            closed = self._waiting.popleft()
            if not closed.done():
                closed.set_result(None)
                return
