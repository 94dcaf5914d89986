"""Change notifications with LISTEN and NOTIFY, over one listening connection per process and database.

A notification has a topic, such as `job:<id>`, `session:<id>` or `company:<id>`, and no data: subscribers
read the tables.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy import text

from db.company_listeners import CompanyListeners
from db.listener import Listener
from db.placement import Placement
from db.uow import UnitOfWork

CHANNEL = "seshat"
PUBLISH = text(f"SELECT pg_notify('{CHANNEL}', topic) FROM unnest(CAST(:topics AS text[])) AS topic")
OnChange = Callable[[], None]


async def publish(uow: UnitOfWork, *topics: str) -> None:
    """Publishes a change of these topics at commit."""
    await uow.execute(PUBLISH, {"topics": list(topics)})


class Events:
    """Subscribers of topics in this process. It listens in the database of a company while it has some."""

    def __init__(self, listener: Listener, placement: Placement | None = None) -> None:
        self.listener = listener
        self._companies: CompanyListeners | None = None
        if placement is not None:
            self._companies = CompanyListeners(
                placement, CHANNEL, self._on_notification, self._on_company_reconnect
            )
        self._subscribers: dict[str, dict[OnChange, None]] = {}
        self._company_of: dict[str, UUID | None] = {}

    async def __aenter__(self) -> Self:
        await self.listener.add(CHANNEL, self._on_notification, self._on_reconnect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.remove(CHANNEL, self._on_notification)
        if self._companies is not None:
            await self._companies.close()

    def subscribe(
        self, topic: str, on_change: OnChange, company_id: UUID | None = None
    ) -> Callable[[], None]:
        """Calls `on_change` after each change, and when one may have been missed. Returns what ends that.

        `company_id` is the company that the topic is of.
        """
        self._subscribers.setdefault(topic, {})[on_change] = None
        self._company_of[topic] = company_id
        if self._companies is not None and company_id is not None:
            self._companies.follow(company_id)

        def unsubscribe() -> None:
            subscribers = self._subscribers.get(topic, {})
            subscribers.pop(on_change, None)
            if not subscribers:
                self._subscribers.pop(topic, None)
                self._company_of.pop(topic, None)
            if self._companies is not None and company_id is not None:
                self._companies.unfollow(company_id)

        return unsubscribe

    async def listen(self, topic: str, company_id: UUID | None = None) -> AsyncGenerator[None, None]:
        """Yields immediately and after each change. Changes are coalesced.

        The subscriber is registered before the first yield, so that reads after a yield miss no change.
        """
        changed = asyncio.Event()
        unsubscribe = self.subscribe(topic, changed.set, company_id)
        try:
            while True:
                changed.clear()
                yield
                await changed.wait()
        finally:
            unsubscribe()

    def _on_notification(self, topic: str) -> None:
        for on_change in list(self._subscribers.get(topic, ())):
            on_change()

    def _on_reconnect(self) -> None:
        for topic in list(self._subscribers):
            self._on_notification(topic)

    def _on_company_reconnect(self, company_id: UUID) -> None:
        for topic in [topic for topic, company in self._company_of.items() if company == company_id]:
            self._on_notification(topic)
