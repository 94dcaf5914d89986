"""A task for each kind of job, and rows of each kind."""

from collections.abc import Callable
from typing import ClassVar

from db.models import CrawlJob, EvaluationRun, ExportJob, ProcessingJob, ValidationJob
from db.queue import Job, JobModel
from tests.factories import Fixture, a_job, a_project
from tests.factories.evaluation import a_run
from tests.factories.imagery import a_crawl, a_validation, an_export


class Process(Job):
    """Of a processing job."""

    queue: ClassVar[str] = "nobody"


class Crawl(Job):
    """Of a crawl."""

    queue: ClassVar[str] = "nobody"
    row: ClassVar[JobModel] = CrawlJob


class Check(Job):
    """Of a check of images."""

    queue: ClassVar[str] = "nobody"
    row: ClassVar[JobModel] = ValidationJob


class Pack(Job):
    """Of an export of images."""

    queue: ClassVar[str] = "nobody"
    row: ClassVar[JobModel] = ExportJob


class Evaluate(Job):
    """Of an evaluation run."""

    queue: ClassVar[str] = "nobody"
    row: ClassVar[JobModel] = EvaluationRun


TASKS: dict[JobModel, type[Job]] = {task.row: task for task in (Process, Crawl, Check, Pack, Evaluate)}

MAKE: dict[JobModel, Callable[..., Fixture]] = {
    ProcessingJob: lambda user, **values: a_job(user, **values),
    CrawlJob: lambda user, **values: a_crawl(a_project(user), **values),
    ValidationJob: lambda user, **values: a_validation(a_crawl(a_project(user)), **values),
    ExportJob: lambda user, **values: an_export(a_crawl(a_project(user)), **values),
    EvaluationRun: lambda user, **values: a_run(user, **values),
}


def a_ready(model: JobModel, user: Fixture, **values: object) -> Fixture:
    """A row of this kind that knows what it is to run."""
    return MAKE[model](user, **{"task": TASKS[model].__name__, "arguments": {}, **values})
