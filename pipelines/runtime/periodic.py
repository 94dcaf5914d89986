"""What is done now and then, whatever anybody asks: by one process of all, once in a period."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from db.queue import leases
from pipelines.runtime.handlers import Services

Chore = Callable[[Services], Awaitable[None]]


@dataclass(frozen=True)
class PeriodicTask:
    """A chore and its period."""

    every: timedelta
    chore: Chore


PERIODIC_TASKS: dict[str, PeriodicTask] = {}


def periodic(name: str, every: timedelta) -> Callable[[Chore], Chore]:
    """The decorated coroutine function is called once in each period. It must be safe to repeat."""

    def register(chore: Chore) -> Chore:
        if name in PERIODIC_TASKS:
            raise TypeError(f"two chores are called {name}")
        PERIODIC_TASKS[name] = PeriodicTask(every, chore)
        return chore

    return register


@periodic("lost entries", timedelta(seconds=5))
async def requeue_lost_jobs(services: Services) -> None:
    """Jobs whose entry is gone get another."""
    await leases.requeue_lost(services.database, timedelta(seconds=services.settings.job_stale))


@periodic("queue log", timedelta(hours=1))
async def purge_queue(services: Services) -> None:
    """What the queue remembers of entries that are gone."""
    await leases.purge(services.database)
