"""Waiting for what the database tells of."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from db.events import CHANNEL
from db.listener import Listener

LOOK_SECONDS = 0.5
"""Between two looks where no change is told."""


async def until(
    listener: Listener, look: Callable[[], Awaitable[Any]], condition: Callable[[Any], Any], patience: float
) -> Any:
    """What `look` finds, once the condition holds for it; it looks again whenever a change is told."""
    notifications = asyncio.Event()

    def heard(topic: str) -> None:
        notifications.set()

    async with asyncio.timeout(patience):
        await listener.add(CHANNEL, heard, notifications.set)
        try:
            while not condition(found := await look()):
                with suppress(TimeoutError):
                    await asyncio.wait_for(notifications.wait(), LOOK_SECONDS)
                notifications.clear()
        finally:
            listener.remove(CHANNEL, heard)
    return found
