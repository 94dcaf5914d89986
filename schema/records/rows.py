"""The rows that foreign keys and global IDs reference, loaded for a whole level at once."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any
from uuid import UUID

from graphql import VariableNode
from strawberry import relay

from db.base import Model
from db.rows import Columns, Record
from resolvers.access import not_found
from schema.execution.arguments import converted_arguments
from schema.execution.fields import FieldPlan
from schema.execution.levels import Level
from schema.framework.global_ids import key_of

if TYPE_CHECKING:
    from schema.execution.running import Run
    from schema.execution.selections import Selection


class RowField(FieldPlan):
    """A to-one field. Objects that several parents share are completed once."""

    waits = 1
    selection: Selection

    def __init__(self, *field: Any, model: type[Model], columns: Columns) -> None:
        super().__init__(*field)
        self.model, self.columns = model, columns

    def keys(self, run: Run, level: Level) -> list[Any]:
        """The key of the row of each source, or None."""
        raise NotImplementedError

    def absent(self) -> Exception | None:
        """The error of a row that is absent or not visible, if that is one."""
        return self.null_error() if self.is_required else None

    def start(self, run: Run, level: Level) -> None:
        keys = self.keys(run, level)
        wanted = set(keys)
        wanted.discard(None)

        def deliver(found: Any) -> None:
            self._take(run, level, keys, wanted, found)

        if wanted:
            read = partial(run.context.loaders.records, self.model, self.columns)
            run.load((self.model, self.columns), read, wanted, deliver)
        else:
            deliver({})

    def _take(self, run: Run, level: Level, keys: list[Any], wanted: set[Any], found: Any) -> None:
        failed = found if isinstance(found, Exception) else None
        rows: dict[Any, Record] = {}
        if failed is None:
            rows = {key: found[key] for key in wanted if key in found}
        below = None
        if rows:
            present = list(rows)

            def origins(position: int) -> Iterator[tuple[int, tuple[int, ...]]]:
                return ((index, ()) for index, key in enumerate(keys) if key == present[position])

            below = Level(self.selection, list(rows.values()), level, self, origins)
        level.states[self] = keys, rows, below
        if below is not None:
            run.enter(below)
        if failed is not None or len(rows) < len(wanted) or self.is_required:
            self._report(run, level, keys, rows, failed)

    def _report(
        self, run: Run, level: Level, keys: list[Any], rows: Mapping[Any, Record], failed: Exception | None
    ) -> None:
        for index, key in enumerate(keys):
            error: Exception | None = None
            if key is None:
                error = self.null_error() if self.is_required else None
            elif key not in rows:
                error = failed or self.absent()
            if error is not None:
                run.errors.add(level, index, self, error)

    def count_places(self, above: Level, below: Level) -> list[int] | None:
        keys, rows, _ = above.states[self]
        if above.counts is None and len(rows) == len(keys):
            return None
        totals = dict.fromkeys(rows, 0)
        for key, count in zip(keys, above.counts or repeat(1), strict=False):
            if key in totals:
                totals[key] += count
        return list(totals.values())

    def values(self, run: Run, level: Level) -> list[Any]:
        keys, rows, below = level.states[self]
        if below is None:
            return [None] * len(keys)
        get = dict(zip(rows, self.selection.complete(run, below), strict=True)).get
        return [get(key) for key in keys]


class RelationField(RowField):
    """The row that a foreign key references."""

    def __init__(
        self, *field: Any, model: type[Model], columns: Columns, key: str, position: int | None
    ) -> None:
        super().__init__(*field, model=model, columns=columns)
        self.key_name, self.position = key, position

    def keys(self, run: Run, level: Level) -> list[Any]:
        position = self.position
        if position is not None:
            return [source[position] for source in level.sources]
        return [getattr(each, self.key_name) for each in level.objects]


class LookupField(RowField):
    """The row that a global ID identifies."""

    def __init__(self, *field: Any, model: type[Model], columns: Columns) -> None:
        super().__init__(*field, model=model, columns=columns)
        values = (argument.value for argument in self.nodes[0].arguments or ())
        self._variable = next((each.name.value for each in values if isinstance(each, VariableNode)), None)

    def start(self, run: Run, level: Level) -> None:
        try:
            super().start(run, level)
        except Exception as error:
            keys = [None] * len(level.sources)
            level.states[self] = keys, {}, None
            for index in range(len(keys)):
                run.errors.add(level, index, self, error)

    def keys(self, run: Run, level: Level) -> list[Any]:
        variable = self._variable
        text = run.executor.variable_values.coerced.get(variable) if variable else None
        key = read_global_id(self.named.name, text)
        if key is None:
            key = key_of(converted_arguments(run, self)["id"], self.model)
        run.context.require_viewer()
        return [key] * len(level.sources)

    def absent(self) -> Exception | None:
        return not_found(self.model, "id")


def read_global_id(type_name: str, text: Any) -> UUID | None:
    """The key in a global ID of this type; None unless it is written just as IDs are."""
    try:
        _, _, key = a2b_base64(text, strict_mode=True).decode().partition(":")
        found = UUID(key)
    except (ValueError, TypeError):
        return None
    return found if relay.to_base64(type_name, found) == text else None
