"""Periodic tasks: one worker of all runs each task, once in each period."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal, TypeVar, overload
from uuid import UUID

import structlog
from sqlalchemy import select

from db import outbox
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
    per_worker: bool = False
    """Whether each worker runs it, when it starts and in each period."""


PERIODIC_TASKS: dict[str, PeriodicTask] = {}


@overload
def periodic(name: str, every: timedelta, *, per_worker: bool = False) -> Callable[[Task], Task]: ...
@overload
def periodic(
    name: str, every: timedelta, *, per_company: Literal[True]
) -> Callable[[CompanyTask], CompanyTask]: ...
def periodic(name: str, every: timedelta, *, per_company: bool = False, per_worker: bool = False) -> Any:
    """Registers the decorated coroutine function as a periodic task. It must be idempotent.

    With `per_company`, it is called for each company: an error for one company does not affect the others.
    With `per_worker`, each worker runs it, such as what concerns the worker's host.
    """

    def register(function: F) -> F:
        if name in PERIODIC_TASKS:
            raise TypeError(f"duplicate periodic task {name}")
        task = partial(for_each_company, name, function) if per_company else function
        PERIODIC_TASKS[name] = PeriodicTask(every, task, per_worker)
        return function

    return register


async def for_each_company(name: str, function: CompanyTask, services: Services) -> None:
    """Calls the function for each company; logs errors."""
    for company_id in await company_ids(services):
        try:
            await function(services, company_id)
        except Exception:
            log.exception("periodic_task_failed", name=name, company=str(company_id))


async def company_ids(services: Services) -> list[UUID]:
    """The ids of all companies."""
    async with services.database.platform(read_only=True) as uow:
        return [company.id for company in await uow.all(select(Company.id))]


@periodic("lost entries", timedelta(seconds=5))
async def requeue_lost_jobs(services: Services) -> None:
    """Requeues jobs whose queue entry is lost."""
    await leases.requeue_lost(services.database, timedelta(seconds=services.settings.job_stale))


@periodic("outbox", timedelta(seconds=20))
async def relay_outbox(services: Services) -> None:
    """Delivers messages between databases that processes which have ended left behind."""
    await outbox.relay_all(services.database)


@periodic("lost entries of companies", timedelta(seconds=30), per_company=True)
async def requeue_lost_jobs_of_company(services: Services, company_id: UUID) -> None:
    """Requeues jobs, in a database of the company's own, whose queue entry is lost."""
    if await services.database.placement.locate(company_id) is not None:
        stale = timedelta(seconds=services.settings.job_stale)
        await leases.requeue_lost_of(services.database, company_id, stale)


@periodic("queue log", timedelta(hours=1))
async def purge_queue(services: Services) -> None:
    """Deletes old log entries of the queue."""
    await leases.purge(services.database)
