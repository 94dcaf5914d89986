"""Answer cache: repeated questions over the same documents return the cached answer until it expires.

The cache needs no invalidation: a key contains a digest of all documents visible to the user, so it changes
when a document is added, changed or deleted, and differs between users who see different documents.
"""

import hashlib
import json
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.arrays import any_id
from db.database import Database
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
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Conditions, Viewer
from resolvers.chat.answers import Question
from resolvers.knowledge.vector_sync import RescopeDocument

CACHED_COLUMNS = (
    "content",
    "model",
    "confidence",
    "low_confidence_warning",
    "sources",
    "context_document_ids",
)
"""Columns of the message that are copied from the cached answer."""


@dataclass(frozen=True)
class CorpusVersion:
    """Version of the documents that answers come from: digests of the company's and the published ones.

    It is `stable` if no vectors are being updated and all required documents exist.
    """

    digests: tuple[str, ...]
    stable: bool


def is_cacheable(question: Question) -> bool:
    """Whether the answer may be cached. Council answers and answers about drawings may not."""
    return question.session_id is None and question.mode is AnswerMode.ANSWER


def normalize_question(text: str) -> str:
    """The question with case, white space and Unicode forms normalized."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def cache_key(question: Question, corpus: CorpusVersion, *model_names: str) -> str:
    """Digest of everything that an answer depends on, including the names of all models in use."""
    parts = [
        normalize_question(question.text),
        [[turn.role, turn.content] for turn in question.history],
        [question.provider.value, question.model, question.temperature],
        list(model_names),
        list(corpus.digests),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


async def corpus_version(
    database: Database,
    viewer: Viewer,
    document_ids: Collection[UUID] | None,
    required_ids: Collection[UUID] = (),
) -> CorpusVersion:
    """Version of the viewer's searchable documents, or of `document_ids`; `required_ids` must exist."""
    own = _corpus_statement(access.visibility(viewer, Document, Document), document_ids, required_ids)
    async with database.transaction(viewer.scope, read_only=True) as uow:
        states = [await uow.one(own)]
    if viewer.platform_scope is not None:
        published = _corpus_statement(
            access.platform_visibility(viewer, Document, Document), document_ids, required_ids
        )
        async with database.transaction(viewer.platform_scope, read_only=True) as uow:
            states.append(await uow.one(published))
    return CorpusVersion(
        digests=tuple(f"{state.documents}:{state.digest}" for state in states),
        stable=not any(state.moving for state in states)
        and sum(state.present for state in states) == len(required_ids),
    )


def _corpus_statement(
    visible: Conditions, document_ids: Collection[UUID] | None, required_ids: Collection[UUID]
) -> Select[Any]:
    """Selects the number of documents, an order-independent digest of their ids and update times, the number
    of required documents that exist, and whether vector permissions are being updated.
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
    """Whether the question already has another answer; regenerating bypasses the cache."""
    parent = select(Message.parent_message_id).where(Message.id == question.message_id).scalar_subquery()
    others = select(Message.id).where(
        Message.parent_message_id == parent,
        Message.role == MessageRole.ASSISTANT,
        Message.id != question.message_id,
    )
    return bool(await uow.scalar(select(others.exists())))


async def find(uow: UnitOfWork, key: str, max_age: timedelta) -> CachedAnswer | None:
    """The cached answer for a key, if it is not older than `max_age`."""
    fresh = CachedAnswer.created_at > datetime.now(UTC) - max_age
    return await uow.first(select(CachedAnswer).where(CachedAnswer.key == key, fresh))


async def save(
    uow: UnitOfWork,
    key: str,
    user_id: UUID,
    message: Mapping[str, Any],
    citations: Sequence[Mapping[str, Any]],
) -> None:
    """Cache an answer, replacing an older one with the same key."""
    values = {
        "user_id": user_id,
        "message": {name: message[name] for name in (*CACHED_COLUMNS, "message_metadata")},
        "citations": [dict(citation) for citation in citations],
        "created_at": func.now(),
    }
    row = insert(CachedAnswer).values(id=new_id(), key=key, **values)
    await uow.execute(row.on_conflict_do_update(index_elements=["company_id", "key"], set_=values))


async def purge(uow: UnitOfWork, max_age: timedelta) -> None:
    """Delete answers older than `max_age`."""
    await uow.execute(delete(CachedAnswer).where(CachedAnswer.created_at <= datetime.now(UTC) - max_age))
