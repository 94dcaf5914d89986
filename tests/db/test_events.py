"""Subscribers of topics, and the connection that listens for them."""

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from db import events
from db import listener as listening
from db.events import Events, publish
from db.listener import Listener
from schema.framework.context import Services


async def test_a_quiet_topic_wakes_nobody(services: Services) -> None:
    async with aclosing(services.events.listen("quiet")) as changes:
        await anext(changes)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(changes), 0.3)


async def test_every_subscriber_of_a_topic_learns_of_a_change(services: Services) -> None:
    calls: list[int] = []
    ends = [services.events.subscribe("topic", partial(calls.append, number)) for number in (1, 2)]
    heard = services.events.subscribe("last", partial(calls.append, 3))
    ends[0]()
    async with services.database.platform() as uow:
        await publish(uow, "topic", "other", "last")
    async with asyncio.timeout(10):
        while 3 not in calls:  # noqa: ASYNC110  # nothing else tells of it
            await asyncio.sleep(0.01)
    ends[1]()
    heard()

    assert calls == [2, 3]
    assert services.events._subscribers == {}


async def test_a_subscriber_that_ends_is_forgotten(services: Services) -> None:
    subscribers = Events(services.events.listener)
    async with aclosing(subscribers.listen("short")) as changes:
        await anext(changes)
        assert list(subscribers._subscribers) == ["short"]

    assert subscribers._subscribers == {}


async def test_a_connection_that_does_not_notify_is_replaced(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(listening, "TIMEOUT_SECONDS", 0.5)
    async with Listener(services.database.placement.listen_url) as opened:
        listener: Any = opened
        first = listener._connection
        await asyncio.sleep(0.3)
        assert listener._connection is first  # its heartbeats arrive

        async with listener._lock:
            for channel in list(first._listeners):
                if channel != events.CHANNEL:
                    await first.execute(f"UNLISTEN {channel}")
        async with asyncio.timeout(10):
            while listener._connection in (first, None):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_what_was_missed_while_the_connection_was_lost_is_read(services: Services) -> None:
    missed = asyncio.Event()
    async with Listener(services.database.placement.listen_url) as listener, Events(listener) as own:
        own.subscribe("missed", missed.set)
        assert listener._connection is not None
        listener._connection.terminate()
        await asyncio.wait_for(missed.wait(), 10)
