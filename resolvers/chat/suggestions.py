"""Suggested questions: liked ones, frequent ones, and one for each recent document."""

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
"""How often a question must have been asked and answered to count as frequent."""
MAX_SUGGESTION_LENGTH = 300
"""Longer questions are not suggested."""
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
    """A suggested question, and its number of liked answers or of occurrences."""

    text: str
    source: SuggestionSource
    count: int = 0


async def list_suggestions(uow: UnitOfWork, viewer: Viewer, first: int) -> list[Suggestion]:
    """The first distinct suggestions: liked questions, frequent ones, then one per recent document."""
    if not 0 <= first <= MAX_SUGGESTIONS:
        raise Invalid(f"first must be between 0 and {MAX_SUGGESTIONS} (got {first}).", "first")
    found: dict[str, Suggestion] = {}
    for source, statement in (
        (SuggestionSource.LIKED, _liked_questions(viewer)),
        (SuggestionSource.FREQUENT, _frequent_questions(viewer)),
        (SuggestionSource.DEFAULT, _newest_documents(viewer)),
    ):
        if len(found) < first:
            rows = await uow.all(statement.limit(MAX_SUGGESTIONS))
            for suggestion in _from_rows(source, rows):
                found.setdefault(suggestion.text.casefold(), suggestion)
    return list(found.values())[:first]


def _from_rows(source: SuggestionSource, rows: Sequence[Row[Any]]) -> Iterator[Suggestion]:
    for row in rows:
        if source is SuggestionSource.DEFAULT:
            yield Suggestion(document_question(row.title, row.keywords), source)
        else:
            yield Suggestion(row.text, source, row.times)


def document_question(title: str, keywords: Sequence[str]) -> str:
    """A question about a document."""
    return f"What does “{title}” say about {keywords[0]}?" if keywords else f"What is “{title}” about?"


def _liked_questions(viewer: Viewer) -> Select[Any]:
    """Questions with liked answers, most liked first."""
    liked = select(Feedback.id).where(
        Feedback.message_id == ANSWER.id, Feedback.rating == FeedbackRating.THUMBS_UP
    )
    return _answered_questions(viewer, func.count(distinct(ANSWER.id))).where(liked.exists())


def _frequent_questions(viewer: Viewer) -> Select[Any]:
    """Questions that were asked and answered with citations more than once, most frequent first."""
    times = func.count(distinct(Message.id))
    cited = select(Citation.id).where(Citation.message_id == ANSWER.id)
    return _answered_questions(viewer, times).where(cited.exists()).having(times >= MIN_FREQUENT_COUNT)


def _answered_questions(viewer: Viewer, times: ColumnElement[int]) -> Select[Any]:
    """Recent answered questions that the viewer can see, ordered by `times`, then latest first.

    Questions that differ only in case or white space are grouped; the latest spelling is returned.
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
    """Searchable documents, newest first."""
    statement = access.visible(viewer, Document, Document.title, Document.keywords)
    searchable = statement.where(Document.processing_status == ProcessingStatus.COMPLETED)
    return searchable.order_by(Document.created_at.desc(), Document.id.desc())
