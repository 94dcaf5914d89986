"""Conversations as files."""

from __future__ import annotations

from typing import cast

from strawberry import relay

from db import models
from resolvers.chat import export
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import field


@output
class ConversationExport:
    """A conversation as Markdown."""

    filename: str
    """What to call the file, with its ending."""

    content: str
    """What was said, in its order, as CommonMark with footnotes for what answers cite."""


@output
class ExportQueries:
    @field
    async def conversation_export(self, info: Info, id: relay.GlobalID) -> ConversationExport:
        """A whole conversation to keep outside, with the sources of its answers as footnotes."""
        key = key_of(id, models.Conversation)
        found = await export.markdown(info.context.read(), info.context.viewer, key)
        return cast(ConversationExport, found)
