"""Conversations: create, update, archive, restore and delete."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from core.errors import Conflict, Forbidden, Invalid, LimitExceeded
from core.settings import Settings
from db.models import Conversation, ConversationStatus, DrawingSession, Member
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.chat import events, providers
from resolvers.rows import update_row

MAX_ACTIVE_CONVERSATIONS = 100
"""Active conversations per user."""
MAX_GENERATED_TITLE_LENGTH = 50
"""Length of the title that is taken from the first message."""
MAX_TEMPERATURE = 2.0
MAX_COUNCIL_ROUNDS = 5


async def create(
    uow: UnitOfWork, viewer: Viewer, fields: Mapping[str, Any], first_message: str | None = None
) -> Conversation:
    """Create a conversation without messages; its title defaults to the beginning of `first_message`."""
    access.require(viewer, "chat:use")
    if fields.get("session_id") is not None:
        await access.find(uow, viewer, DrawingSession, fields["session_id"], "input", "sessionId")
    present = {name: value for name, value in fields.items() if value is not None}
    values = {name: value for name, value in _validate(present).items() if value is not None}
    if first_message is not None and "title" not in values:
        values["title"] = " ".join(first_message.split())[:MAX_GENERATED_TITLE_LENGTH]
    await _refuse_excess(uow, viewer.user_id)
    statement = insert(Conversation).values(**values, user_id=viewer.user_id)
    conversation = await uow.one(statement.returning(Conversation))
    await activity_log.record(uow, viewer.user_id, "CONVERSATION_CREATE", "Conversation", conversation.id)
    return conversation


async def update(
    uow: UnitOfWork, viewer: Viewer, settings: Settings, id: UUID, fields: Mapping[str, Any]
) -> Conversation:
    """Update its title or its answer settings."""
    conversation = await find_editable(uow, viewer, id, "id")
    if conversation.status is ConversationStatus.ARCHIVED:
        raise Conflict("The conversation is archived. Restore it first.", "id")
    for name in ("llm_provider", "model_name", "temperature"):
        if name in fields and fields[name] is None:
            field = validators.camel(name)
            raise Invalid(f"{field} cannot be null.", "input", field)
    values = _validate(fields)
    if (mode := values.get("mode")) is not None:
        provider = values.get("llm_provider", conversation.llm_provider)
        providers.validate_mode(settings, provider, mode, "input", "mode")
    return await update_row(uow, viewer, Conversation, conversation, values, "CONVERSATION_UPDATE")


async def archive(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Conversation:
    """Make it read-only. Archiving an archived conversation changes nothing."""
    conversation = await find_editable(uow, viewer, id, "id")
    archived = {"status": ConversationStatus.ARCHIVED, "archived_at": func.now()}
    values = {} if conversation.status is ConversationStatus.ARCHIVED else archived
    return await update_row(uow, viewer, Conversation, conversation, values, "CONVERSATION_ARCHIVE")


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Conversation:
    """Make it active again. Raises `LimitExceeded` if its owner has too many active conversations."""
    conversation = await find_editable(uow, viewer, id, "id")
    if conversation.status is ConversationStatus.ACTIVE:
        return conversation
    if conversation.user_id is not None:
        await _refuse_excess(uow, conversation.user_id, "id")
    active = {"status": ConversationStatus.ACTIVE, "archived_at": None}
    return await update_row(uow, viewer, Conversation, conversation, active, "CONVERSATION_RESTORE")


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Soft-delete it. Its messages and token usage are kept."""
    conversation = await find_editable(uow, viewer, id, "id")
    values = {"status": ConversationStatus.DELETED}
    topic = events.topic(id)
    await update_row(uow, viewer, Conversation, conversation, values, "CONVERSATION_DELETE", topic=topic)
    return id


async def find_editable(
    uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str, lock: bool = True
) -> Conversation:
    """A conversation that the viewer may change: their own, one without owner, or any with `chat:oversee`."""
    access.require(viewer, "chat:use")
    conversation = await access.find(uow, viewer, Conversation, id, *path, lock=lock)
    if conversation.user_id not in (viewer.user_id, None) and not viewer.has_permission("chat:oversee"):
        raise Forbidden("Only the owner of the conversation may do this.", *path)
    return conversation


def validate_rounds(rounds: int) -> None:
    """Raises `Invalid` unless the number of council rounds is allowed."""
    if not 1 <= rounds <= MAX_COUNCIL_ROUNDS:
        raise Invalid(
            f"councilRounds must be between 1 and {MAX_COUNCIL_ROUNDS} (got {rounds}).",
            "input",
            "councilRounds",
        )


async def _refuse_excess(uow: UnitOfWork, user_id: UUID, *path: str) -> None:
    # serializes the count per user; foreign key checks of the member are not blocked
    await uow.execute(select(Member.id).where(Member.id == user_id).with_for_update(key_share=True))
    active = Conversation.user_id == user_id, Conversation.status == ConversationStatus.ACTIVE
    if (
        await uow.scalar(select(func.count()).select_from(Conversation).where(*active))
        >= MAX_ACTIVE_CONVERSATIONS
    ):
        raise LimitExceeded(
            f"A user can have at most {MAX_ACTIVE_CONVERSATIONS} active conversations. Archive one first.",
            *path,
        )


def _validate(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = validators.values(Conversation, fields, "input")
    temperature = values.get("temperature")
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        raise Invalid(
            f"temperature must be between 0 and {MAX_TEMPERATURE:g} (got {temperature:g}).",
            "input",
            "temperature",
        )
    if values.get("council_rounds") is not None:
        validate_rounds(values["council_rounds"])
    if values.get("selected_document_ids") is not None:
        values["selected_document_ids"] = list(dict.fromkeys(map(str, values["selected_document_ids"])))
    return values
