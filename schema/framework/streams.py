"""Resumable event streams: replay the events after a cursor, then deliver new ones until the stream ends."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from graphql import SKIP, VariableNode, Visitor, visit

from core.errors import Invalid
from db.base import Model
from db.cursors import decode_cursor
from db.pagination import Order
from db.rows import Columns
from resolvers.access import not_found
from schema.framework.context import Info

BATCH_SIZE = 100
"""Maximum number of rows to read before the first event of them is sent."""


@dataclass(frozen=True)
class Subject:
    """The row that a stream is about. `path` is the argument that holds its ID."""

    model: type[Model]
    key: UUID
    path: str = "id"
    columns: Columns = ("id",)


@dataclass(frozen=True)
class Batch:
    """The events after a position, and the position after them. `more` events may be read at once."""

    events: Sequence[Any]
    position: Any
    more: bool = False
    ended: bool = False

    @classmethod
    def of(cls, rows: Sequence[Any], event_of: Callable[[Any], Any], position: int, **state: bool) -> Self:
        """The events of numbered rows after a position."""
        position = rows[-1].sequence if rows else position
        return cls([event_of(row) for row in rows], position, more=len(rows) == BATCH_SIZE, **state)


async def stream(
    info: Info,
    topic: str,
    start: Callable[[], Awaitable[Any]],
    read: Callable[[Any, Any], Awaitable[Batch]],
    *,
    subject: Subject | None = None,
    interval: float = 0,
) -> AsyncGenerator[Any, None]:
    """One pass of a stream: the next batch of events, from the position `start()` on.

    `read` takes the row of the subject and a position; the next pass follows a change of `topic`, and a pause
    of `interval` seconds. The stream ends with the last batch, or when the subject is gone. Raises `NotFound`
    if the viewer never saw the subject.
    """
    context, row = info.context, None
    progress = context.listen(topic)
    progress.spent = variables_of(info, "after")
    if subject is not None:
        row = await context.loaders.one(subject.model, subject.columns).load(subject.key)
        if row is None and progress.position is None:
            raise not_found(subject.model, subject.path)
        if row is None:
            return
    batch = await read(row, await start() if progress.position is None else progress.position)
    for event in batch.events:
        await context.release()
        yield event
    if not batch.ended:
        progress.advance(batch.position, has_more=batch.more, pause=0 if batch.more else interval)


def variables_of(info: Info, argument: str) -> tuple[str, ...]:
    """The variable that is passed as this argument of the field, and used nowhere else in the operation."""
    raw = info._raw_info
    names = [
        node.value.name.value
        for field in raw.field_nodes
        for node in field.arguments or ()
        if node.name.value == argument and isinstance(node.value, VariableNode)
    ]
    counter = VariableCounter()
    for definition in (raw.operation, *raw.fragments.values()):
        visit(definition, counter)
    return tuple(name for name in names if counter.uses[name] == 1)


class VariableCounter(Visitor):
    """Counts the uses of variables, apart from their definitions."""

    def __init__(self) -> None:
        super().__init__()
        self.uses: Counter[str] = Counter()

    def enter_variable_definition(self, *_: Any) -> Any:
        """Do not look into definitions."""
        return SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Count a use."""
        self.uses[node.name.value] += 1


def position_of(model: type[Model], order: Order, key: UUID, cursor: str | None) -> int:
    """The position in a cursor, or 0. Raises `Invalid` if it is not a cursor of the stream about `key`."""
    if cursor is None:
        return 0
    subject, sequence = decode_cursor(model, order, cursor, "after")
    if subject != key:
        raise Invalid("after must be a cursor of this stream.", "after")
    return int(sequence)
