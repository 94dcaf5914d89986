"""Conversations: begun, renamed, archived, restored, deleted."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, func, insert, select

from core.errors import Conflict, LimitExceeded, Forbidden, Invalid
from db.models import Conversation, ConversationStatus, DrawingSession, Member
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer

MAX_ACTIVE_CONVERSATIONS = 100
"""Active conversations of one user."""
MAX_GENERATED_TITLE_LENGTH = 50
"""Characters of the first message that make the title."""
MAX_TITLE_LENGTH = 500
MAX_TEMPERATURE = 2.0
MAX_COUNCIL_ROUNDS = 5


async def create(
    uow: UnitOfWork, viewer: Viewer, fields: Mapping[str, Any], first_message: str | None = None
) -> Row[Any]:
    """A conversation of the viewer's, still without a message: `first_message` makes its title."""
    access.require(viewer, "chat:use")
    if fields.get("session_id") is not None:
        await access.find(uow, viewer, DrawingSession, fields["session_id"], "input", "sessionId")
    values = {name: value for name, value in _validate(fields).items() if value is not None}
    if first_message is not None and "title" not in values:
        values["title"] = " ".join(first_message.split())[:MAX_GENERATED_TITLE_LENGTH]
    await _refuse_excess(uow, viewer.user_id)
    statement = insert(Conversation).values(**values, user_id=viewer.user_id)
    conversation = await uow.one(statement.returning(Conversation))
    await activity_log.record(uow, viewer.user_id, "CONVERSATION_CREATE", "Conversation", conversation.id)
    return conversation


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> Row[Any]:
    """Rename it, or say how its answers are to be made."""
    conversation = await find_editable(uow, viewer, id, "id")
    if conversation.status is ConversationStatus.ARCHIVED:
        raise Conflict("This conversation is archived; restore it first.", "id")
    values = _validate(fields)
    for name, shown in (("llm_provider", "llmProvider"), ("model_name", "modelName")):
        if name in values and values[name] is None:
            raise Invalid("This cannot be cleared.", "input", shown)
    if "temperature" in values and values["temperature"] is None:
        raise Invalid("This cannot be cleared.", "input", "temperature")
    return await _update_row(uow, viewer, conversation, "CONVERSATION_UPDATE", values)


async def archive(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Make it read-only; archiving an archived one changes nothing."""
    conversation = await find_editable(uow, viewer, id, "id")
    archived = {"status": ConversationStatus.ARCHIVED, "archived_at": func.now()}
    values = {} if conversation.status is ConversationStatus.ARCHIVED else archived
    return await _update_row(uow, viewer, conversation, "CONVERSATION_ARCHIVE", values)


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Take it up again; `Exhausted` where its owner has too many active ones."""
    conversation = await find_editable(uow, viewer, id, "id")
    if conversation.status is ConversationStatus.ACTIVE:
        return conversation
    if conversation.user_id is not None:
        await _refuse_excess(uow, conversation.user_id, "id")
    active = {"status": ConversationStatus.ACTIVE, "archived_at": None}
    return await _update_row(uow, viewer, conversation, "CONVERSATION_RESTORE", active)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Hide it from everybody; what was said, and what it cost, stays on record."""
    conversation = await find_editable(uow, viewer, id, "id")
    values = {"status": ConversationStatus.DELETED}
    await _update_row(uow, viewer, conversation, "CONVERSATION_DELETE", values)
    return id


async def find_editable(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str, lock: bool = True) -> Row[Any]:
    """A conversation if the viewer may change it: their own, nobody's, or any for who oversees."""
    access.require(viewer, "chat:use")
    conversation = await access.find(uow, viewer, Conversation, id, *path, lock=lock)
    if conversation.user_id not in (viewer.user_id, None) and not viewer.may("chat:oversee"):
        raise Forbidden("Only who began this conversation may do this.", *path)
    return conversation


def validate_rounds(rounds: int) -> None:
    """Raise `Invalid` unless a council may have so many rounds."""
    if not 1 <= rounds <= MAX_COUNCIL_ROUNDS:
        raise Invalid(f"A council has 1 to {MAX_COUNCIL_ROUNDS} rounds.", "input", "councilRounds")


async def _update_row(
    uow: UnitOfWork, viewer: Viewer, conversation: Row[Any], action: str, values: Mapping[str, Any]
) -> Row[Any]:
    if not values:
        return conversation
    statement = sa.update(Conversation).where(Conversation.id == conversation.id).values(values)
    changed = await uow.one(statement.returning(Conversation))
    await activity_log.record(
        uow, viewer.user_id, action, "Conversation", conversation.id, fields=sorted(values)
    )
    return changed


async def _refuse_excess(uow: UnitOfWork, user_id: UUID, *path: str) -> None:
    # one count at a time; other references to the member are not held up
    await uow.execute(select(Member.id).where(Member.id == user_id).with_for_update(key_share=True))
    active = Conversation.user_id == user_id, Conversation.status == ConversationStatus.ACTIVE
    if await uow.scalar(select(func.count()).select_from(Conversation).where(*active)) >= MAX_ACTIVE_CONVERSATIONS:
        raise LimitExceeded(f"Nobody has more than {MAX_ACTIVE_CONVERSATIONS} active conversations; archive one.", *path)


def _validate(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    if "title" in values:
        values["title"] = validators.optional(values["title"], "input", "title", limit=MAX_TITLE_LENGTH)
    if values.get("model_name") is not None:
        values["model_name"] = validators.name(values["model_name"], "input", "modelName", limit=100)
    temperature = values.get("temperature")
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        raise Invalid("A temperature is from 0 to 2.", "input", "temperature")
    if values.get("council_rounds") is not None:
        validate_rounds(values["council_rounds"])
    if values.get("selected_document_ids") is not None:
        values["selected_document_ids"] = list(dict.fromkeys(map(str, values["selected_document_ids"])))
    return values
