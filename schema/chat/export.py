"""Markdown export of conversations."""

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
    """A conversation as a Markdown document."""

    filename: str
    """Filename with extension."""

    content: str
    """Messages in order, as CommonMark with a footnote for each citation."""


@output
class ConversationExportQueries:
    @field
    async def conversation_export(self, info: Info, id: relay.GlobalID) -> ConversationExport:
        """Exports a conversation as Markdown, with citations as footnotes."""
        key = key_of(id, models.Conversation)
        found = await export.markdown(info.context.read(), info.context.viewer, key)
        return cast(ConversationExport, found)
