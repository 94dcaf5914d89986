"""What people might ask: what was liked, what is asked often, and what their documents offer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, distinct, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from core.errors import Invalid
from db.models import (
    Citation,
    Document,
    Feedback,
    FeedbackRating,
    Message,
    MessageRole,
    MessageState,
    ProcessingStatus,
)
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

MAX_SUGGESTIONS = 20
MIN_FREQUENT_COUNT = 2
"""Times that a question was asked, and answered, from which it is asked often."""
MAX_SUGGESTION_LENGTH = 300
"""Characters of a question that is suggested: longer ones are texts."""
LOOKBACK = timedelta(days=90)

ANSWER = aliased(Message)


class SuggestionSource(Enum):
    """Source of a suggested question, in order of precedence."""

    LIKED = "liked"
    """A question whose answers were rated positively."""
    FREQUENT = "frequent"
    """A question that is asked often."""
    DEFAULT = "default"
    """A question derived from a recent document."""


@dataclass(frozen=True)
class Suggestion:
    """A question, and how many answers to it were liked, or given."""

    text: str
    source: SuggestionSource
    count: int = 0


async def list_suggestions(uow: UnitOfWork, viewer: Viewer, first: int) -> list[Suggestion]:
    """At most so many questions, none twice: liked ones, frequent ones, then one for each newest document."""
    if not 0 <= first <= MAX_SUGGESTIONS:
        raise Invalid(f"`first` is from 0 to {MAX_SUGGESTIONS}.", "first")
    found: dict[str, Suggestion] = {}
    for source, statement in (
        (SuggestionSource.LIKED, _liked_questions(viewer)),
        (SuggestionSource.FREQUENT, _frequent_questions(viewer)),
        (SuggestionSource.DEFAULT, _newest_documents(viewer)),
    ):
        if len(found) < first:
            rows = await uow.all(statement.limit(MAX_SUGGESTIONS))
            for each in _from_rows(source, rows):
                found.setdefault(each.text.casefold(), each)
    return list(found.values())[:first]


def _from_rows(source: SuggestionSource, rows: Sequence[Row[Any]]) -> Iterator[Suggestion]:
    for row in rows:
        if source is SuggestionSource.DEFAULT:
            yield Suggestion(document_question(row.title, row.keywords), source)
        else:
            yield Suggestion(row.text, source, row.times)


def document_question(title: str, keywords: Sequence[str]) -> str:
    """What a document can be asked."""
    return f"What does “{title}” say about {keywords[0]}?" if keywords else f"What is “{title}” about?"


def _liked_questions(viewer: Viewer) -> Select[Any]:
    """Questions with a liked answer, the one with most of them first."""
    liked = select(Feedback.id).where(
        Feedback.message_id == ANSWER.id, Feedback.rating == FeedbackRating.THUMBS_UP
    )
    return _answered_questions(viewer, func.count(distinct(ANSWER.id))).where(liked.exists())


def _frequent_questions(viewer: Viewer) -> Select[Any]:
    """Questions that were asked and answered from sources more than once, the commonest first."""
    times = func.count(distinct(Message.id))
    sourced = select(Citation.id).where(Citation.message_id == ANSWER.id)
    return _answered_questions(viewer, times).where(sourced.exists()).having(times >= MIN_FREQUENT_COUNT)


def _answered_questions(viewer: Viewer, times: ColumnElement[int]) -> Select[Any]:
    """Questions of late in the viewer's sight that were answered, by `times`, then the latest first.

    Those that differ in case or spaces are one, shown as it was written last.
    """
    words = func.regexp_replace(func.btrim(Message.content), r"\s+", " ", "g")
    latest = aggregate_order_by(words, Message.created_at.desc(), Message.id.desc())
    text = func.array_agg(latest, type_=ARRAY(Text))[1].label("text")
    return (
        access.visible(viewer, Message, text, times.label("times"))
        .join(ANSWER, ANSWER.parent_message_id == Message.id)
        .where(
            Message.created_at > datetime.now(UTC) - LOOKBACK,
            Message.role == MessageRole.USER,
            func.length(Message.content) <= MAX_SUGGESTION_LENGTH,
            ANSWER.role == MessageRole.ASSISTANT,
            ANSWER.state == MessageState.COMPLETED,
        )
        .group_by(func.lower(words))
        .order_by(times.desc(), func.max(Message.created_at).desc(), func.lower(words))
    )


def _newest_documents(viewer: Viewer) -> Select[Any]:
    """Documents that can be searched, newest first."""
    statement = access.visible(viewer, Document, Document.title, Document.keywords)
    searchable = statement.where(Document.processing_status == ProcessingStatus.COMPLETED)
    return searchable.order_by(Document.created_at.desc(), Document.id.desc())
