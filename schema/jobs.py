"""Background jobs."""

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
from db.pagination import Order
from db.queue import JOB_MODELS, JobModel
from resolvers import jobs
from schema.framework.context import Info
from schema.framework.decorators import TypedRow, enumeration, input, interface, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, derived_field, mutation, subscription
from schema.framework.row_subscription import watch_row
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
    """Sort orders of processing jobs."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class ProcessingJobFilter:
    """Conditions for listing processing jobs."""

    status: JobStatus | None = None
    """Matches items in this state."""

    job_type: ProcessingJobType | None = None
    """Matches jobs of this type."""

    def where(self, job: Any) -> list[ColumnElement[bool]]:
        found = [job.status == self.status] if self.status else []
        return found + ([job.job_type == self.job_type] if self.job_type else [])


@interface
class Job(relay.Node):
    """A background job."""

    status: JobStatus
    """Lifecycle state of the job."""

    progress: int
    """Progress in percent, from 0 to 100."""

    attempts: int
    """Number of attempts since the job was last started, including those cut short by an outage."""

    phase: JobPhase = derived_field(lambda job: PHASES[job.status], needs=("status",))
    """Lifecycle state, in terms shared by all kinds of jobs."""

    error_message: str | None
    """Reason of the failure, or null."""

    waiting_for: str | None
    """Why the last attempt did not finish the job, while it waits for the next one. Null otherwise."""

    next_attempt_at: datetime | None
    """Earliest time of the next attempt of a job that waits, or null."""

    started_at: datetime | None
    """Time at which the first attempt started."""

    completed_at: datetime | None
    """Time at which the job completed, failed or was cancelled."""

    created_at: datetime
    """Creation time of the job."""


@node(models.ProcessingJob)
class ProcessingJob(Job):
    """A processing job of the company, such as a stage of a drawing session."""

    id: relay.NodeID[UUID]

    session: DrawingSessionRef | None = relation(models.ProcessingJob.session)
    """Drawing session that the job processes, or null."""

    requested_by: UserRef | None = relation(models.ProcessingJob.requested_by)
    """User who requested it."""

    job_type: ProcessingJobType
    """Type of the job."""

    subject: str | None
    """Subject of a job that does not process a drawing session."""

    job_metadata: JSON | None
    """Additional data about the job."""

    updated_at: datetime
    """Time of the last change."""


@output
class JobQueries:
    processing_job: ProcessingJob | None = lookup(models.ProcessingJob, "Looks up a processing job by ID.")

    processing_jobs: Connection[ProcessingJob] = connection(
        models.ProcessingJob, orders=ProcessingJobOrder, filter=ProcessingJobFilter
    )
    """Lists the processing jobs of the company, newest first."""


@output
class JobStartPayload(Payload):
    job: Job | None = None
    """The updated job."""


@output
class JobCancelPayload(Payload):
    job: Job | None = None
    """The updated job. A running job stops within a second."""


@output
class JobRetryPayload(Payload):
    job: Job | None = None
    """The updated job."""


def job_of(id: relay.GlobalID) -> tuple[JobModel, UUID]:
    """The model and key in the global ID of a job. Raises `Invalid` for any other ID."""
    for model in JOB_MODELS:
        if id.type_name == model.__name__:
            return model, key_of(id, model)
    raise Invalid("id must be a global ID of a job.", "id")


@output
class JobMutations:
    @mutation
    async def job_start(self, info: Info, id: relay.GlobalID) -> JobStartPayload:
        """Queue a job that has not been started. Has no effect on a queued or running job."""
        model, key = job_of(id)
        async with info.context.write() as uow:
            job = await jobs.start(uow, info.context.viewer, model, key)
        return JobStartPayload.of(job=TypedRow(model, job))

    @mutation
    async def job_cancel(self, info: Info, id: relay.GlobalID) -> JobCancelPayload:
        """Cancel a job. Has no effect on a job that has ended."""
        model, key = job_of(id)
        async with info.context.write() as uow:
            job = await jobs.cancel(uow, info.context.viewer, model, key)
        return JobCancelPayload.of(job=TypedRow(model, job))

    @mutation
    async def job_retry(self, info: Info, id: relay.GlobalID) -> JobRetryPayload:
        """Restart a failed or cancelled job and reset its counters."""
        model, key = job_of(id)
        async with info.context.write() as uow:
            job = await jobs.retry(uow, info.context.viewer, model, key)
        return JobRetryPayload.of(job=TypedRow(model, job))


@output
class JobSubscriptions:
    @subscription
    async def job_progress(self, info: Info, id: relay.GlobalID) -> AsyncGenerator[Job, None]:
        """Sends the job immediately and after each change, until the job has ended."""
        model, key = job_of(id)
        async for row in watch_row(info, model, key, f"job:{key}", ("status", "version")):
            event: Any = TypedRow(model, row)
            yield event
            if row.status in TERMINAL:
                return
