"""Text checks: create, check sentence by sentence, and stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Select, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict, Invalid
from core.sentence_segmentation import sentences
from db import queue
from db.arrays import any_id
from db.events import publish
from db.ids import new_id
from db.models import (
    Document,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
    SentenceVerdict,
    TextCheck,
    TextCheckSentence,
    TextCheckState,
    TokenUsage,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.jobs import start_processing

SUBJECT = "text check"
MAX_TEXT_LENGTH = 20_000
MAX_SENTENCES = 200
FINAL_STATES = frozenset({TextCheckState.COMPLETED, TextCheckState.STOPPED, TextCheckState.FAILED})


@dataclass(frozen=True)
class CheckText(Job):
    """Check the sentences of a text. The job has the check's id."""

    check_id: UUID
    user_id: UUID
    queue: ClassVar[str] = "text_checks"
    retry_deadline: ClassVar[timedelta] = timedelta(minutes=30)
    is_interactive: ClassVar[bool] = True

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Publish that the check was stopped or failed."""
        stopped = status is JobStatus.CANCELLED
        state = TextCheckState.STOPPED if stopped else TextCheckState.FAILED
        await set_state(uow, self.check_id, state, error_message=None if stopped else reason)

    async def restarted(self, uow: UnitOfWork) -> None:
        """Continue after the sentences that are checked."""
        await set_state(uow, self.check_id, TextCheckState.WAITING, error_message=None)


def topic(check_id: UUID) -> str:
    """Topic on which a check's states and sentences are published."""
    return f"text_check:{check_id}"


async def create(
    uow: UnitOfWork, viewer: Viewer, *, text: str, document_ids: Sequence[UUID] | None, start: bool
) -> TextCheck:
    """Create a check of a text against documents, or against all that the viewer sees, and its job.

    The caller checks that the viewer can see the documents.
    """
    access.require(viewer, "chat:use")
    access.require(viewer, "documents:read")
    path = "input", "text"
    validators.text(text, *path, limit=MAX_TEXT_LENGTH)
    count = len(sentences(text))
    if not count:
        raise Invalid("text must not be blank.", *path)
    if count > MAX_SENTENCES:
        raise Invalid(f"text must have at most {MAX_SENTENCES} sentences (got {count}).", *path)
    if document_ids is not None and not document_ids:
        raise Invalid(
            "documentIds must not be empty. Omit it to check against all documents.", "input", "documentIds"
        )
    await _validate_searchable(uow, document_ids or ())
    values = {
        "id": new_id(),
        "user_id": viewer.user_id,
        "text": text,
        "document_ids": None if document_ids is None else [str(id) for id in document_ids],
        "sentence_count": count,
    }
    check = await uow.one(insert(TextCheck).values(values).returning(TextCheck))
    job = CheckText(check.id, viewer.user_id)
    kind = ProcessingJobType.TEXT_CHECK
    await start_processing(uow, job, kind, SUBJECT, viewer.user_id, id=check.id, start=start)
    await activity_log.record(uow, viewer.user_id, "TEXT_CHECK_CREATE", "TextCheck", check.id)
    return check


async def _validate_searchable(uow: UnitOfWork, document_ids: Sequence[UUID]) -> None:
    """Raises `Conflict` for a document that is not searched, as its sentences would not be found."""
    statement = select(Document.id).where(
        Document.id == any_id(list(document_ids)),
        Document.processing_status != ProcessingStatus.COMPLETED,
    )
    unsearchable = {row.id for row in await uow.all(statement)} if document_ids else set()
    for position, id in enumerate(document_ids):
        if id in unsearchable:
            message = "This document cannot be searched, as it is not processed."
            raise Conflict(message, "input", "documentIds", str(position))


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a check that is not in progress, with its sentences."""
    access.require(viewer, "chat:use")
    await access.find(uow, viewer, TextCheck, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("The check is in progress. Cancel it first.", "id")
    await uow.execute(sa.delete(TextCheck).where(TextCheck.id == id))
    await uow.execute(sa.delete(ProcessingJob).where(ProcessingJob.id == id))
    await activity_log.record(uow, viewer.user_id, "TEXT_CHECK_DELETE", "TextCheck", id)


async def load(uow: UnitOfWork, id: UUID) -> TextCheck | None:
    """The check, or None if it was deleted."""
    return await uow.first(select(TextCheck).where(TextCheck.id == id))


async def set_state(uow: UnitOfWork, id: UUID, state: TextCheckState, **values: Any) -> None:
    """Set a check's state and further columns, and publish it."""
    values["state"] = state
    await uow.execute(sa.update(TextCheck).where(TextCheck.id == id).values(values))
    await publish(uow, topic(id))


async def complete(uow: UnitOfWork, id: UUID) -> None:
    """Complete the check."""
    await set_state(uow, id, TextCheckState.COMPLETED, completed_at=func.now())


def checked_count(check: TextCheck) -> int:
    """The number of checked sentences: they are the first of the text."""
    counted = SentenceVerdict.__members__.values()
    return sum(getattr(check, _count_column(verdict)) for verdict in counted)


async def add_sentence(uow: UnitOfWork, id: UUID, columns: Mapping[str, Any]) -> None:
    """Store the finding of a sentence, once, and count and publish it."""
    check = select(TextCheck.id).where(TextCheck.id == id)
    if await uow.scalar(check.with_for_update()) is None:  # deleted with its owner
        return
    row = upsert(TextCheckSentence).values(check_id=id, **columns)
    once = row.on_conflict_do_nothing(index_elements=["company_id", "check_id", "number"])
    if await uow.scalar(once.returning(TextCheckSentence.id)) is None:
        return
    column = getattr(TextCheck, _count_column(columns["verdict"]))
    await uow.execute(sa.update(TextCheck).where(TextCheck.id == id).values({column: column + 1}))
    await publish(uow, topic(id))


def _count_column(verdict: SentenceVerdict) -> str:
    return f"{verdict.value}_count"


async def record_usage(uow: UnitOfWork, user_id: UUID, id: UUID, usage: Mapping[str, Any]) -> None:
    """Record the token usage of a search."""
    await uow.execute(insert(TokenUsage).values({"user_id": user_id, "operation_id": str(id), **usage}))


def sentences_after(viewer: Viewer, columns: Sequence[str], id: UUID, after: int, limit: int) -> Select[Any]:
    """The visible sentences of a check after this number, in order."""
    selected = [getattr(TextCheckSentence, name) for name in columns]
    visible = access.visible(viewer, TextCheckSentence, *selected)
    later = visible.where(TextCheckSentence.check_id == id, TextCheckSentence.number > after)
    return later.order_by(TextCheckSentence.number).limit(limit)
