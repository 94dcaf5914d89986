"""Jobs, as clients see them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay
from strawberry.scalars import JSON

from core.errors import Invalid
from db import models
from db.models import TERMINAL, JobStatus, ProcessingJobType
from db.paging import Order
from db.queue import KINDS, JobModel
from resolvers import jobs
from schema.framework.context import Info
from schema.framework.decorators import Typed, enumeration, input, interface, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, computed, mutation, subscription
from schema.framework.row_subscription import watch
from schema.lazy_types import DrawingSessionRef, UserRef

enumeration(JobStatus)
enumeration(ProcessingJobType)


@enumeration
class JobPhase(Enum):
    """Lifecycle state shared by all kinds of jobs."""

    QUEUED = "queued"
    """The job waits for a worker."""
    ACTIVE = "active"
    """A worker is running the job."""
    SUCCEEDED = "succeeded"
    """The job has completed."""
    FAILED = "failed"
    """The job has failed."""
    CANCELLED = "cancelled"
    """The job was cancelled."""


PHASES = {
    JobStatus.PENDING: JobPhase.QUEUED,
    JobStatus.RUNNING: JobPhase.ACTIVE,
    JobStatus.COMPLETED: JobPhase.SUCCEEDED,
    JobStatus.FAILED: JobPhase.FAILED,
    JobStatus.CANCELLED: JobPhase.CANCELLED,
}


@enumeration
class ProcessingJobOrder(Enum):
    """How to order jobs."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class ProcessingJobFilter:
    """Which jobs to list."""

    status: JobStatus | None = None
    """Only those that stand there."""

    job_type: ProcessingJobType | None = None
    """Only those that do this."""

    def where(self, job: Any) -> list[ColumnElement[bool]]:
        found = [job.status == self.status] if self.status else []
        return found + ([job.job_type == self.job_type] if self.job_type else [])


@interface
class Job(relay.Node):
    """Work done in the background."""

    status: JobStatus
    """Where it stands."""

    progress: int
    """From 0 to 100."""

    attempts: int
    """How often a worker has begun it since it was last started."""

    phase: JobPhase = computed(lambda job: PHASES[job.status], needs=("status",))
    """Where it stands, in words common to all kinds of jobs."""

    error_message: str | None
    """Why it failed."""

    started_at: datetime | None
    """When a worker first began it."""

    completed_at: datetime | None
    """When it ended, however it did."""

    created_at: datetime
    """When it was asked for."""


@node(models.ProcessingJob)
class ProcessingJob(Job):
    """One stage of a session's work, or other work of the company."""

    id: relay.NodeID[UUID]

    session: DrawingSessionRef | None = relation(models.ProcessingJob.session)
    """The drawing session that it works on, if it is about one."""

    requested_by: UserRef | None = relation(models.ProcessingJob.requested_by)
    """Who asked for it."""

    job_type: ProcessingJobType
    """What it does."""

    subject: str | None
    """What it works on, where that is no session."""

    job_metadata: JSON | None
    """More about it."""

    updated_at: datetime
    """When anything of this last changed."""


@output
class JobQueries:
    processing_job: ProcessingJob | None = lookup(models.ProcessingJob, "A processing job, by id.")

    processing_jobs: Connection[ProcessingJob] = connection(
        models.ProcessingJob, orders=ProcessingJobOrder, filter=ProcessingJobFilter
    )
    """The company's processing jobs, newest first."""


@output
class JobStartPayload(Payload):
    job: Job | None = None
    """The job as it is now."""


@output
class JobCancelPayload(Payload):
    job: Job | None = None
    """The job as it is now; a running one ends within a second."""


@output
class JobRetryPayload(Payload):
    job: Job | None = None
    """The job as it is now."""


def job_of(id: relay.GlobalID) -> tuple[JobModel, UUID]:
    """The kind of job and the key inside a global id; `Invalid` unless it is the id of a job."""
    for model in KINDS:
        if id.type_name == model.__name__:
            return model, key_of(id, model)
    raise Invalid("This is not the id of a job.", "id")


@output
class JobMutations:
    @mutation
    async def job_start(self, info: Info, id: relay.GlobalID) -> JobStartPayload:
        """Queue a job that waits to be started. Starting what is under way changes nothing."""
        model, key = job_of(id)
        async with info.context.write() as uow:
            job = await jobs.start(uow, info.context.viewer, model, key)
        return JobStartPayload.of(job=Typed(model, job))

    @mutation
    async def job_cancel(self, info: Info, id: relay.GlobalID) -> JobCancelPayload:
        """Stop a job. Cancelling what has ended changes nothing."""
        model, key = job_of(id)
        async with info.context.write() as uow:
            job = await jobs.cancel(uow, info.context.viewer, model, key)
        return JobCancelPayload.of(job=Typed(model, job))

    @mutation
    async def job_retry(self, info: Info, id: relay.GlobalID) -> JobRetryPayload:
        """Begin a failed or cancelled job again, with its counters at zero."""
        model, key = job_of(id)
        async with info.context.write() as uow:
            job = await jobs.retry(uow, info.context.viewer, model, key)
        return JobRetryPayload.of(job=Typed(model, job))


@output
class JobSubscriptions:
    @subscription
    async def job_progress(self, info: Info, id: relay.GlobalID) -> AsyncGenerator[Job, None]:
        """A job as it is now and each time it changes, until it has ended."""
        model, key = job_of(id)
        async for row in watch(info, model, key, f"job:{key}", ("status", "version")):
            event: Any = Typed(model, row)
            yield event
            if row.status in TERMINAL:
                return
