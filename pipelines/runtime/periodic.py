"""What is done now and then, whatever anybody asks: by one process of all, once in a period."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from db.queue import leases
from pipelines.runtime.handlers import Services

Chore = Callable[[Services], Awaitable[None]]


@dataclass(frozen=True)
class Upkeep:
    """A chore and its period."""

    every: timedelta
    chore: Chore


UPKEEP: dict[str, Upkeep] = {}


def upkeep(name: str, every: timedelta) -> Callable[[Chore], Chore]:
    """The decorated coroutine function is called once in each period. It must be safe to repeat."""

    def register(chore: Chore) -> Chore:
        if name in UPKEEP:
            raise TypeError(f"two chores are called {name}")
        UPKEEP[name] = Upkeep(every, chore)
        return chore

    return register


@upkeep("lost entries", timedelta(seconds=5))
async def put_back_lost_entries(services: Services) -> None:
    """Jobs whose entry is gone get another."""
    await leases.put_back(services.database, timedelta(seconds=services.settings.job_stale))


@upkeep("queue log", timedelta(hours=1))
async def sweep_queue(services: Services) -> None:
    """What the queue remembers of entries that are gone."""
    await leases.sweep(services.database)
