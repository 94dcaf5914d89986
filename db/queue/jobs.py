"""What a job is: a frozen dataclass of ids, kept as JSON on the job's row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from db.models import CrawlChunk, CrawlJob, EvaluationRun, ExportJob, JobStatus, ProcessingJob, ValidationJob
from db.uow import UnitOfWork

JobModel: TypeAlias = (
    type[ProcessingJob]
    | type[CrawlJob]
    | type[CrawlChunk]
    | type[ValidationJob]
    | type[ExportJob]
    | type[EvaluationRun]
)
"""A kind of job row; every kind has the columns of `db.models.Job`."""

JOB_MODELS: tuple[JobModel, ...] = (ProcessingJob, CrawlJob, ValidationJob, ExportJob, EvaluationRun)
"""Those that people see and steer."""

TASKS: dict[str, type["Job"]] = {}
ADAPTERS: dict[type["Job"], TypeAdapter[Any]] = {}


class UnknownTask(LookupError):
    """A job row names a task, or arguments, that this release does not know."""


@dataclass(frozen=True)
class Job:
    """Base of every job: subclasses add ids and plain values as fields. The class's name is the task's name.

    `queue` says which workers take it, `max_attempts` how often it may begin, `row` what clients see of it.
    """

    queue: ClassVar[str] = "default"
    max_attempts: ClassVar[int] = 4
    row: ClassVar[JobModel] = ProcessingJob

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        known = TASKS.setdefault(cls.__name__, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two jobs are called {cls.__name__}")
        TASKS[cls.__name__] = cls

    @property
    def task(self) -> str:
        """The name under which rows and workers know it."""
        return type(self).__name__

    @property
    def arguments(self) -> dict[str, Any]:
        """Its fields as JSON values."""
        fields: dict[str, Any] = _adapter(type(self)).dump_python(self, mode="json")
        return fields

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """The job that had these `arguments`."""
        job: Self = _adapter(cls).validate_python(dict(arguments))
        return job

    def topics(self) -> Sequence[str]:
        """Who is told of its changes, beside its own topic."""
        return ()

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """What its FAILED or CANCELLED end means for other rows, in the transaction that sets it."""

    async def restarted(self, uow: UnitOfWork) -> None:
        """What beginning anew after such an end means for other rows, in the transaction that queues it."""


def _adapter(kind: type[Job]) -> TypeAdapter[Any]:
    return ADAPTERS.get(kind) or ADAPTERS.setdefault(kind, TypeAdapter(kind))


def deserialize(task: str | None, arguments: Mapping[str, Any] | None) -> Job:
    """The job that a row names. Raises `UnknownTask`."""
    kind = TASKS.get(task or "")
    if kind is None:
        raise UnknownTask(f"There is no task {task}.")
    try:
        return kind.of(arguments or {})
    except ValidationError as error:
        raise UnknownTask(f"The task {task} does not take these arguments.") from error


def topics(id: UUID, job: Job | None) -> list[str]:
    """Everything that is told when the job changes."""
    return [f"job:{id}", *(job.topics() if job else ())]
