"""Event stream of a text check."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay

from db import models
from db.cursors import encode_cursor
from db.models import TextCheckState
from db.pagination import Order
from resolvers.chat import text_checks
from schema.chat.text_checks import TextCheck, TextCheckSentence
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import field, subscription
from schema.framework.projection import columns
from schema.framework.streams import BATCH_SIZE, Batch, Subject, position_of, stream

BY_NUMBER = Order("check_id", "number", unique=True)

After = Annotated[
    str | None,
    strawberry.argument(
        description="Resumes the stream after this cursor. By default it starts with the first sentence."
    ),
]


@output
class TextCheckEvent:
    """Sentences checked since the previous event, with the state of the check."""

    cursor: str
    """Opaque cursor. Pass it as `after` to resume the stream after this event."""

    state: TextCheckState
    """State of the check. `COMPLETED`, `STOPPED` and `FAILED` are final."""

    sentences: list[TextCheckSentence]
    """Checked sentences, in the order of the text. Maximum 100. Empty if only the state has changed."""

    check_key: strawberry.Private[UUID]

    @field
    async def text_check(self, info: Info) -> TextCheck | None:
        """The current state of the check. Null if it is deleted."""
        loader = info.context.loaders.one(models.TextCheck, columns(info, models.TextCheck))
        found: TextCheck | None = await loader.load(self.check_key)
        return found


@dataclass(frozen=True)
class StreamPosition:
    """Position in a stream, as encoded in a cursor."""

    check_id: UUID
    number: int


@output
class TextCheckSubscriptions:
    @subscription
    async def text_check_events(
        self, info: Info, id: relay.GlobalID, after: After = None
    ) -> AsyncGenerator[TextCheckEvent, None]:
        """States and checked sentences of a text check, starting with the existing ones, until it ends."""
        context, key = info.context, key_of(id, models.TextCheck)
        needed = columns(info, models.TextCheckSentence, ("sentences",), extra=BY_NUMBER.columns)

        async def start() -> tuple[int, TextCheckState | None]:
            return position_of(models.TextCheckSentence, BY_NUMBER, key, after), None

        async def read(check: models.TextCheck, position: tuple[int, TextCheckState | None]) -> Batch:
            number, sent_state = position
            following = text_checks.sentences_after(context.viewer, needed, key, number, BATCH_SIZE)
            rows: Any = await context.read().all(following)
            number, state, more = rows[-1].number if rows else number, check.state, len(rows) == BATCH_SIZE
            changed = bool(rows) or state is not sent_state
            events = [event_of(key, number, state, list(rows))] if changed else []
            is_final = state in text_checks.FINAL_STATES
            return Batch(events, (number, state), more=more, ended=is_final and not more)

        subject = Subject(models.TextCheck, key, columns=("id", "state"))
        async for event in stream(info, text_checks.topic(key), start, read, subject=subject):
            yield event


def event_of(key: UUID, number: int, state: TextCheckState, rows: list[Any]) -> TextCheckEvent:
    """An event with its cursor."""
    return TextCheckEvent(
        cursor=encode_cursor(models.TextCheckSentence, BY_NUMBER, StreamPosition(key, number)),
        state=state,
        sentences=rows,
        check_key=key,
    )
