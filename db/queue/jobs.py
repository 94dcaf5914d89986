"""Job definitions: frozen dataclasses of ids, stored as JSON in the job's row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeAlias
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from core.errors import OperatorError
from db.models import CrawlJob, EvaluationRun, ExportJob, JobRow, JobStatus, ProcessingJob, ValidationJob
from db.uow import UnitOfWork

JobModel: TypeAlias = type[JobRow]
"""Model of a kind of job row."""

JOB_MODELS: tuple[JobModel, ...] = (ProcessingJob, CrawlJob, ValidationJob, ExportJob, EvaluationRun)
"""The job models that users can see and control."""

TASKS: dict[str, type["Job"]] = {}
ADAPTERS: dict[type["Job"], TypeAdapter[Any]] = {}


class UnknownTask(OperatorError, LookupError):
    """The task of a job row, or its arguments, are unknown to this release."""


@dataclass(frozen=True)
class Job:
    """Base class of jobs. Subclasses add ids and plain values as fields; the class name is the task name.

    `queue` is the queue of the job, `row` the model of its row. Of its attempts, `max_attempts` may fail for
    a reason of its own, such as a computation that dies. Transient faults are retried until they have lasted
    for `retry_deadline` without progress. Users wait for interactive jobs, whose computations go first.
    """

    queue: ClassVar[str] = "default"
    max_attempts: ClassVar[int] = 4
    retry_deadline: ClassVar[timedelta] = timedelta(hours=12)
    is_interactive: ClassVar[bool] = False
    row: ClassVar[JobModel] = ProcessingJob

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        registered = TASKS.setdefault(cls.__name__, cls)
        if (registered.__module__, registered.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"duplicate job name {cls.__name__}")
        TASKS[cls.__name__] = cls

    @property
    def task(self) -> str:
        """Name of the job's task in rows and queue entries."""
        return type(self).__name__

    @property
    def arguments(self) -> dict[str, Any]:
        """The job's fields as JSON values."""
        fields: dict[str, Any] = _adapter(type(self)).dump_python(self, mode="json")
        return fields

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """The job with these `arguments`."""
        job: Self = _adapter(cls).validate_python(dict(arguments))
        return job

    def topics(self) -> Sequence[str]:
        """Topics on which changes of the job are published, in addition to its own."""
        return ()

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Hook that updates other rows in the transaction that ends the job as FAILED or CANCELLED."""

    async def restarted(self, uow: UnitOfWork) -> None:
        """Hook that updates other rows in the transaction that restarts a FAILED or CANCELLED job."""


def _adapter(kind: type[Job]) -> TypeAdapter[Any]:
    return ADAPTERS.get(kind) or ADAPTERS.setdefault(kind, TypeAdapter(kind))


def deserialize(task: str | None, arguments: Mapping[str, Any] | None) -> Job:
    """The job of a row's task and arguments. Raises `UnknownTask`."""
    kind = TASKS.get(task or "")
    if kind is None:
        raise UnknownTask(f"Unknown task {task}.")
    try:
        return kind.of(arguments or {})
    except ValidationError as error:
        raise UnknownTask(f"Invalid arguments for the task {task}.") from error


def topics(id: UUID, job: Job | None) -> list[str]:
    """All topics on which changes of the job are published."""
    return [f"job:{id}", *(job.topics() if job else ())]
