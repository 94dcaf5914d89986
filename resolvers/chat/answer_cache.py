"""Answers given before: found again for whoever asks the same of the same documents, for a while.

Nothing has to be told when documents change: an answer's key holds a digest of every document that its asker
sees, so that one more, one less or a changed one makes another key. Who sees other documents has other keys.
"""

import hashlib
import json
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.arrays import any_id
from db.ids import new_id
from db.models import (
    AnswerMode,
    CachedAnswer,
    Document,
    JobStatus,
    Message,
    MessageRole,
    ProcessingJob,
    ProcessingStatus,
)
from db.uow import Database, UnitOfWork
from resolvers import access
from resolvers.access import Conditions, Viewer
from resolvers.chat.answers import Question
from resolvers.knowledge.vector_sync import RescopeDocument

CACHED_COLUMNS = ("content", "model", "confidence", "low_confidence_warning", "sources", "context_document_ids")
"""What of an answer's message is the same when it is given again."""


@dataclass(frozen=True)
class CorpusVersion:
    """The documents that answers come from: a digest of the company's, and of the published ones.

    It is `settled` where no vectors are on their way, and nothing is gone that must be there.
    """

    digests: tuple[str, ...]
    stable: bool


def is_cacheable(question: Question) -> bool:
    """Whether an answer may be given again: votes belong to their message, and drawings change too."""
    return question.session_id is None and question.mode is AnswerMode.ANSWER


def normalize_question(text: str) -> str:
    """The question without what does not change its meaning: case, spaces, forms of characters."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def cache_key(question: Question, corpus: CorpusVersion, *model_names: str) -> str:
    """A digest of all that an answer depends on; `made_by` are the names of the models at work."""
    about = [
        normalize_question(question.text),
        [[turn.role, turn.content] for turn in question.history],
        [question.provider.value, question.model, question.temperature],
        list(model_names),
        list(corpus.digests),
    ]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


async def corpus_version(
    database: Database, viewer: Viewer, document_ids: Collection[UUID] | None, required_ids: Collection[UUID] = ()
) -> CorpusVersion:
    """What the viewer sees that can be searched, or what is selected of it; `needed` must be there."""
    own = _corpus_statement(access.sees(viewer, Document, Document), document_ids, required_ids)
    async with database.within(viewer.scope, read_only=True) as uow:
        states = [await uow.one(own)]
    if viewer.published is not None:
        published = _corpus_statement(access.sees_published(viewer, Document, Document), document_ids, required_ids)
        async with database.within(viewer.published, read_only=True) as uow:
            states.append(await uow.one(published))
    return CorpusVersion(
        digests=tuple(f"{state.documents}:{state.digest}" for state in states),
        stable=not any(state.moving for state in states)
        and sum(state.present for state in states) == len(required_ids),
    )


def _corpus_statement(visible: Conditions, document_ids: Collection[UUID] | None, required_ids: Collection[UUID]) -> Select[Any]:
    """How many documents there are, what their ids and instants of change come to in any order, how many
    of the needed ones there are, and whether the vectors of any are being told who may find them.
    """
    changed = func.concat(Document.id, func.extract("epoch", Document.updated_at))
    moving = select(ProcessingJob.id).where(
        ProcessingJob.task == RescopeDocument.__name__,
        ProcessingJob.status.in_((JobStatus.PENDING, JobStatus.RUNNING)),
    )
    selected = [] if document_ids is None else [Document.id == any_id(list(document_ids))]
    return select(
        func.count().label("documents"),
        func.bit_xor(func.hashtextextended(changed, 0)).label("digest"),
        func.count().filter(Document.id == any_id(list(required_ids))).label("present"),
        moving.exists().label("moving"),
    ).where(Document.processing_status == ProcessingStatus.COMPLETED, *selected, *visible)


async def has_other_answers(uow: UnitOfWork, question: Question) -> bool:
    """Whether the same message has another answer: who asks once more wants a new one."""
    mine = select(Message.parent_message_id).where(Message.id == question.message_id).scalar_subquery()
    others = select(Message.id).where(
        Message.parent_message_id == mine,
        Message.role == MessageRole.ASSISTANT,
        Message.id != question.message_id,
    )
    return bool(await uow.scalar(select(others.exists())))


async def find(uow: UnitOfWork, key: str, max_age: timedelta) -> Row[Any] | None:
    """The answer of this key, if it is not older than `kept`."""
    fresh = CachedAnswer.created_at > datetime.now(UTC) - max_age
    return await uow.first(select(CachedAnswer).where(CachedAnswer.key == key, fresh))


async def save(
    uow: UnitOfWork,
    key: str,
    user_id: UUID,
    message: Mapping[str, Any],
    citations: Sequence[Mapping[str, Any]],
) -> None:
    """Remember an answer in place of an older one of the same key."""
    values = {
        "user_id": user_id,
        "message": {name: message[name] for name in (*CACHED_COLUMNS, "message_metadata")},
        "citations": [dict(citation) for citation in citations],
        "created_at": func.now(),
    }
    row = insert(CachedAnswer).values(id=new_id(), key=key, **values)
    await uow.execute(row.on_conflict_do_update(index_elements=["company_id", "key"], set_=values))


async def purge(uow: UnitOfWork, max_age: timedelta) -> None:
    """Forget the answers that are older than `kept`."""
    await uow.execute(delete(CachedAnswer).where(CachedAnswer.created_at <= datetime.now(UTC) - max_age))
