"""Kinds of rows that are counted and listed, and the conditions of a question on each."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from db.models import (
    CrawlJob,
    Document,
    EvaluationRun,
    ExportJob,
    Image,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
    Report,
    ValidationJob,
)
from pipelines.chat.row_questions.lexicon import Subject
from pipelines.chat.row_questions.patterns import RowQuestion
from resolvers import access
from resolvers.access import Viewer


@dataclass(frozen=True)
class Kind:
    """A model whose rows are counted, with its English names for one and several rows."""

    model: Any
    one: str
    many: str


PROCESSING_STATUSES = {
    JobStatus.PENDING: ProcessingStatus.PENDING,
    JobStatus.RUNNING: ProcessingStatus.PROCESSING,
    JobStatus.COMPLETED: ProcessingStatus.COMPLETED,
    JobStatus.FAILED: ProcessingStatus.FAILED,
}
KINDS = {
    Subject.IMAGES: (Kind(Image, "image", "images"),),
    Subject.JOBS: (
        Kind(ProcessingJob, "processing job", "processing jobs"),
        Kind(CrawlJob, "crawl", "crawls"),
        Kind(ValidationJob, "validation", "validations"),
        Kind(ExportJob, "export", "exports"),
        Kind(EvaluationRun, "evaluation run", "evaluation runs"),
    ),
    Subject.CRAWLS: (Kind(CrawlJob, "crawl of a data set", "crawls of data sets"),),
    Subject.EXPORTS: (Kind(ExportJob, "export", "exports"),),
    Subject.DOCUMENTS: (Kind(Document, "document", "documents"),),
    Subject.REPORTS: (Kind(Report, "report", "reports"),),
    Subject.EVALUATIONS: (Kind(EvaluationRun, "evaluation run", "evaluation runs"),),
}
ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


def readable_kinds(viewer: Viewer, question: RowQuestion) -> list[Kind]:
    """The kinds of the question's subject that the viewer's role may read."""
    return [kind for kind in KINDS[question.subject] if access.may_read(viewer, access.POLICIES[kind.model])]


def counts_by_end(model: Any, question: RowQuestion) -> bool:
    """Whether the end of a row is what lies in the question's period, and not its creation."""
    return model not in (Image, Document, Report) and question.status in ENDED


def basic_conditions(model: Any) -> list[ColumnElement[bool]]:
    """What is never counted: the jobs of chat answers, of which this is one, and maintenance."""
    if model is ProcessingJob:
        uncounted = (ProcessingJobType.CHAT_ANSWER, ProcessingJobType.UPKEEP)
        return [ProcessingJob.job_type.not_in(uncounted)]
    return []


def conditions(model: Any, question: RowQuestion, viewer: Viewer) -> list[ColumnElement[bool]] | None:
    """The conditions of the status, the period and the owner; None for one that the model does not have."""
    found, instant = basic_conditions(model), model.created_at
    if question.is_mine:
        if model is Image:
            return None
        owner = Document.uploaded_by_id if model is Document else model.requested_by_id
        found.append(owner == viewer.user_id)
    match model, question.status:
        case _, None:
            pass
        case _ if model is Image:
            if question.status is not JobStatus.FAILED:
                return None
            found.append(Image.is_valid.is_(False))
        case _ if model is Document:
            if question.status not in PROCESSING_STATUSES:
                return None
            found.append(Document.processing_status == PROCESSING_STATUSES[question.status])
        case _ if model is Report:
            job = select(ProcessingJob.id).where(
                ProcessingJob.id == Report.id, ProcessingJob.status == question.status
            )
            found.append(job.exists())
        case _, status:
            found.append(model.status == status)
            instant = model.completed_at if counts_by_end(model, question) else model.created_at
    if question.period is not None:
        found += [instant >= question.period.start, instant < question.period.end]
    return found
