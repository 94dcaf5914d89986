"""Feedback on answers."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.errors import Conflict, Forbidden
from db.models import Conversation, ConversationStatus, Feedback, FeedbackRating, Message, MessageRole
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer

MAX_COMMENT_LENGTH = 2000


async def submit(
    uow: UnitOfWork, viewer: Viewer, message_id: UUID, *, rating: FeedbackRating, comment: str | None
) -> Feedback:
    """Rate an answer. Rating it again replaces the viewer's earlier feedback."""
    access.require(viewer, "chat:use")
    path = ("input", "messageId")
    message = await access.find(uow, viewer, Message, message_id, *path)
    if message.role is not MessageRole.ASSISTANT:
        raise Conflict("Only answers can be rated.", *path)
    await _refuse_archived(uow, message.conversation_id, *path)
    await access.find(uow, viewer, Message, message_id, *path, lock=True)
    earlier = await uow.scalar(select(Feedback.user_id).where(Feedback.message_id == message_id))
    if earlier not in (None, viewer.user_id):
        raise Conflict("Another user has already rated this answer.", *path)
    text = validators.text(comment, "input", "comment", limit=MAX_COMMENT_LENGTH) if comment else None
    values = {"rating": rating, "comment": text}
    row = insert(Feedback).values(message_id=message_id, user_id=viewer.user_id, **values)
    upsert = row.on_conflict_do_update(index_elements=["company_id", "message_id"], set_=values)
    feedback = await uow.one(upsert.returning(Feedback))
    await activity_log.record(
        uow, viewer.user_id, "FEEDBACK_SUBMIT", "Feedback", feedback.id, rating=rating.value
    )
    return feedback


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete one's feedback, or with `chat:oversee` anybody's."""
    access.require(viewer, "chat:use")
    feedback = await access.find(uow, viewer, Feedback, id, lock=True)
    if feedback.user_id != viewer.user_id and not viewer.has_permission("chat:oversee"):
        raise Forbidden("You cannot delete another user's feedback.", "id")
    await uow.execute(sa.delete(Feedback).where(Feedback.id == id))
    await activity_log.record(uow, viewer.user_id, "FEEDBACK_DELETE", "Feedback", id)
    return id


async def _refuse_archived(uow: UnitOfWork, conversation_id: UUID, *path: str) -> None:
    # locked before its message, as by those who delete it
    status = await uow.scalar(
        select(Conversation.status)
        .where(Conversation.id == conversation_id)
        .with_for_update(read=True, key_share=True)
    )
    if status is ConversationStatus.ARCHIVED:
        raise Conflict("The conversation is archived. Restore it first.", *path)
