"""Periodic tasks: one worker of all runs each task, once in each period."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal, TypeVar, overload
from uuid import UUID

import structlog
from sqlalchemy import select

from db.models import Company
from db.queue import leases
from pipelines.runtime.handlers import Services

log = structlog.get_logger(__name__)

Task = Callable[[Services], Awaitable[None]]
CompanyTask = Callable[[Services, UUID], Awaitable[None]]
F = TypeVar("F", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True)
class PeriodicTask:
    """A task and its period."""

    every: timedelta
    run: Task


PERIODIC_TASKS: dict[str, PeriodicTask] = {}


@overload
def periodic(name: str, every: timedelta) -> Callable[[Task], Task]: ...
@overload
def periodic(
    name: str, every: timedelta, *, per_company: Literal[True]
) -> Callable[[CompanyTask], CompanyTask]: ...
def periodic(name: str, every: timedelta, *, per_company: bool = False) -> Any:
    """Registers the decorated coroutine function as a periodic task. It must be idempotent.

    With `per_company`, it is called for each company: an error for one company does not affect the others.
    """

    def register(function: F) -> F:
        if name in PERIODIC_TASKS:
            raise TypeError(f"duplicate periodic task {name}")
        task = partial(for_each_company, name, function) if per_company else function
        PERIODIC_TASKS[name] = PeriodicTask(every, task)
        return function

    return register


async def for_each_company(name: str, function: CompanyTask, services: Services) -> None:
    """Calls the function for each company; logs errors."""
    async with services.database.platform(read_only=True) as uow:
        companies = await uow.all(select(Company.id))
    for company in companies:
        try:
            await function(services, company.id)
        except Exception:
            log.exception("periodic_task_failed", name=name, company=str(company.id))


@periodic("lost entries", timedelta(seconds=5))
async def requeue_lost_jobs(services: Services) -> None:
    """Requeues jobs whose queue entry is lost."""
    await leases.requeue_lost(services.database, timedelta(seconds=services.settings.job_stale))


@periodic("queue log", timedelta(hours=1))
async def purge_queue(services: Services) -> None:
    """Deletes old log entries of the queue."""
    await leases.purge(services.database)
