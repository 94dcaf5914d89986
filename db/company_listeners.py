"""Listening in the databases of companies of their own, where somebody in this process listens."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

import structlog

from db.listener import Listener
from db.placement import Placement

log = structlog.get_logger(__name__)

LINGER_SECONDS = 10.0
"""Time for which a connection listens on after the last subscriber has left."""

RETRY_SECONDS = 1.0


class CompanyListeners:
    """One listening connection for each company that is followed and has a database of its own.

    Whenever a company moves, notifications may be missed: `on_reconnect` is called.
    """

    def __init__(
        self,
        placement: Placement,
        channel: str,
        on_notification: Callable[[str], None],
        on_reconnect: Callable[[UUID], None],
    ) -> None:
        self._placement, self._channel = placement, channel
        self._on_notification, self._on_reconnect = on_notification, on_reconnect
        self._followers: Counter[UUID] = Counter()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        placement.on_move.append(self._on_move)

    def follow(self, company_id: UUID) -> None:
        """Listens where the company is, until `unfollow` was called as often."""
        self._followers[company_id] += 1
        if company_id not in self._tasks and not self._placement.is_pooled(company_id):
            self._start(company_id)

    def unfollow(self, company_id: UUID) -> None:
        """Stops listening soon, unless somebody else follows the company."""
        self._followers[company_id] -= 1
        if self._followers[company_id] <= 0:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._stop_unused, company_id)

    def _stop_unused(self, company_id: UUID) -> None:
        if self._followers[company_id] <= 0:
            del self._followers[company_id]
            if task := self._tasks.pop(company_id, None):
                task.cancel()

    def _on_move(self, company_id: UUID) -> None:
        if self._followers[company_id] > 0:
            self._start(company_id, has_moved=True)

    def _start(self, company_id: UUID, *, has_moved: bool = False) -> None:
        if previous := self._tasks.pop(company_id, None):
            previous.cancel()
        self._tasks[company_id] = asyncio.create_task(self._listen(company_id, has_moved))

    async def _listen(self, company_id: UUID, has_moved: bool) -> None:
        while True:
            try:
                place = await self._placement.locate(company_id)
                break
            except Exception as error:
                log.warning("company_listener_failed", company=str(company_id), error=error)
                await asyncio.sleep(RETRY_SECONDS)
        if has_moved:
            self._on_reconnect(company_id)
        if place is None:
            return
        reconnected = partial(self._on_reconnect, company_id)
        url = self._placement.listen_url_of(place)
        async with Listener(url, application="seshat company listener") as listener:
            await listener.add(self._channel, self._on_notification, reconnected)
            reconnected()
            await asyncio.Event().wait()

    async def close(self) -> None:
        """Stops listening."""
        self._placement.on_move.remove(self._on_move)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        with suppress(ValueError):
            await asyncio.wait(tasks)
