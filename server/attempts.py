"""Attempts of jobs: running the handler, and recording what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, repeat
from typing import TypeVar
from uuid import uuid4

import structlog

from db.errors import is_outage
from db.queue import (
    Attempt,
    CancellationRequested,
    CompletionHook,
    FanOut,
    Fault,
    LostLease,
    is_transient,
)
from pipelines.handler_modules import handler_of
from pipelines.runtime.faults import fault_of, message_for_users
from pipelines.runtime.handlers import Run, Services
from pipelines.runtime.process_pool import ProcessPool

log = structlog.get_logger(__name__)

T = TypeVar("T")

WRITE_RETRY_DELAYS = (0.1, 0.5, 1.0, 2.0)
MAX_WRITE_RETRY_DELAY = 4.0
"""Seconds before each retry of writing a job's outcome, and before all further ones."""

MAX_CONTENTION_RETRIES = 8
"""Retries of an outcome that locks or conflicts keep from being written, before the attempt has failed."""


@dataclass(frozen=True)
class RecordedOutcome:
    """An outcome that another process has recorded, with the delay before the next attempt, if any."""

    delay: timedelta | None


Result = CompletionHook | FanOut | RecordedOutcome | None


class RunningJob:
    """A job attempt and the task of its handler."""

    def __init__(self, attempt: Attempt, task: asyncio.Task[Result]) -> None:
        self.attempt, self.task = attempt, task
        self.interrupted = False

    def interrupt(self) -> None:
        """Cancels the handler and its computations."""
        self.interrupted = True
        self.task.cancel()


async def run_handler(attempt: Attempt, services: Services, processes: ProcessPool) -> Result:
    """Runs the job's handler in this process."""
    with structlog.contextvars.bound_contextvars(
        job=str(attempt.id), task=attempt.job.task, company=str(attempt.company_id)
    ):
        run = Run(attempt, services, processes)
        try:
            handler = await handler_of(type(attempt.job))
            return await handler(attempt.job, run)
        finally:
            await run.close()


async def record_outcome(running: RunningJob) -> timedelta | None:
    """Writes the outcome of an attempt. Returns the delay before the next attempt, if there is one."""
    attempt, task = running.attempt, running.task
    try:
        if task.cancelled() and running.interrupted:
            return await _settle(attempt)
        try:
            if task.cancelled():
                raise RuntimeError("the handler cancelled itself")
            result = task.result()
            if isinstance(result, RecordedOutcome):
                return result.delay
            if isinstance(result, FanOut):
                await retry_transient(lambda: attempt.fan_out(result))
            else:
                await retry_transient(lambda: attempt.complete(result))
            return None
        except CancellationRequested:
            return await _settle(attempt)
        except Exception as error:
            return await _record_failure(attempt, error)
    except LostLease:
        log.warning("job_lease_lost", job=str(attempt.id), epoch=attempt.epoch)
        return None


async def _settle(attempt: Attempt) -> timedelta | None:
    return timedelta(0) if await retry_transient(attempt.settle) else None


async def _record_failure(attempt: Attempt, error: Exception) -> timedelta | None:
    fault = fault_of(error)
    if fault is None or (attempt.is_last if fault.is_transient else attempt.is_last_failure):
        reason = failure_reason(error, fault, attempt)
        await retry_transient(lambda: attempt.fail(reason))
        return None
    log.warning("job_attempt_failed", job=str(attempt.id), error=error)
    try:
        return await retry_transient(lambda: attempt.postpone(fault))
    except CancellationRequested:
        return await _settle(attempt)


async def retry_transient(write: Callable[[], Awaitable[T]]) -> T:
    """Writes to the database, with retries after transient errors: for as long as it is unavailable."""
    contentions = 0
    for delay in chain(WRITE_RETRY_DELAYS, repeat(MAX_WRITE_RETRY_DELAY)):
        try:
            return await write()
        except Exception as error:
            contentions += not is_outage(error)
            if not is_transient(error) or contentions > MAX_CONTENTION_RETRIES:
                raise
            log.warning("job_outcome_write_failed", error=error)
        await asyncio.sleep(delay)
    raise AssertionError("unreachable")


def failure_reason(error: Exception, fault: Fault | None, attempt: Attempt) -> str:
    """The error message of the job's row: the message for users if there is one, else a logged error ID."""
    if reason := fault.reason if fault is not None else message_for_users(error):
        return reason
    id = uuid4().hex[:12]
    log.error("job_failed", job=str(attempt.id), error_id=id, exc_info=error)
    return f"Internal error (id {id})."
