"""Columns of records: their values in the answer, a column at a time."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, GraphQLNonNull
from sqlalchemy import Boolean, Date, DateTime, Double, Enum, Float, Integer, SmallInteger, String, Text
from strawberry import relay

from db.rows import Layout, reader_of
from schema.execution.fields import ComputedField, FieldPlan, attempt
from schema.execution.leaves import Convert, Inexact, complete_leaf, quick_leaf
from schema.execution.levels import Level
from schema.framework.decorators import StoredType

if TYPE_CHECKING:
    from schema.execution.running import Run

SAME: dict[str, set[type]] = {
    "String": {String, Text},
    "Boolean": {Boolean},
    "Int": {SmallInteger, Integer},
    "DateTime": {DateTime},
    "Date": {Date},
}
"""Types of columns whose values of the driver are those of a scalar in the answer."""


class ColumnField(FieldPlan):
    """A column of a record."""

    is_inline = True

    def __init__(self, *field: Any, stored: StoredType, column: str, position: int) -> None:
        super().__init__(*field)
        self.stored, self.column, self.position = stored, column, position

    def inline_code(self, source: str, name: str, scope: dict[str, Any]) -> str:
        return column_code(self.definition.type, self.stored, self.column, source, name, scope)

    def inline_value(self, level: Level, index: int) -> Any:
        return getattr(level.objects[index], self.column)


class IdField(FieldPlan):
    """The global ID of a record, or of an object with an `id`."""

    def __init__(self, *field: Any, position: int | None) -> None:
        super().__init__(*field)
        self.position = position

    def start(self, run: Run, level: Level) -> None:
        """Nothing is loaded."""

    def values(self, run: Run, level: Level) -> list[Any]:
        position = self.position
        if position is not None:
            return global_ids(self.parent.name, [source[position] for source in level.sources])
        keys = [attempt(key_of_object, each) for each in level.objects]
        return [
            self.complete_value(run, level, index, key)
            if key is None or isinstance(key, Exception)
            else relay.to_base64(self.parent.name, key)
            for index, key in enumerate(keys)
        ]


class ChoiceField(ComputedField):
    """A leaf that is computed from one column with few values: once for each value of it."""

    def __init__(self, *field: Any, compute: Callable[[Any], Any], layout: Layout, position: int) -> None:
        super().__init__(*field, attribute=None, compute=compute)
        self.layout, self.position = layout, position

    def inline_code(self, source: str, name: str, scope: dict[str, Any]) -> str:
        scope[f"choices_{name}"] = Choices(self.compute, self.layout, quick_leaf(self.definition.type))
        return f"choices_{name}[{source}]"


class Choices(dict[Any, Any]):
    """The completed value for each value of a column."""

    def __init__(self, compute: Callable[[Any], Any], layout: Layout, complete: Convert) -> None:
        super().__init__()
        self._compute, self._layout, self._complete = compute, layout, complete

    def __missing__(self, value: Any) -> Any:
        completed = self[value] = self._complete(self._compute(self._layout.row((value,))))
        return completed


key_of_object = attrgetter("id")


def column_code(
    kind: Any, stored: StoredType, column: str, source: str, name: str, scope: dict[str, Any]
) -> str:
    """The expression of a column in the answer, for a value of the driver in `source` that is not None."""
    nullable = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    type_: Any = stored.model.__mapper__.columns[column].type
    if isinstance(nullable, GraphQLEnumType) and isinstance(type_, Enum):
        members = type_.enum_class or ()
        scope[f"names_{name}"] = {str(each.value): complete_leaf(nullable, each) for each in members}
        return f"names_{name}[{source}]"
    if type(type_) in SAME.get(getattr(nullable, "name", ""), ()):
        return source
    if getattr(nullable, "name", "") == "Float" and isinstance(type_, Float | Double):
        scope["finite"] = finite
        return f"{source} if {source} - {source} == 0.0 else finite({source})"
    scope[f"convert_{name}"] = column_leaf(kind, stored, column)
    return f"convert_{name}({source})"


def column_leaf(kind: Any, stored: StoredType, name: str) -> Convert:
    """The function for a column's values of the driver."""
    read, quick = reader_of(stored.model, name), quick_leaf(kind)
    return quick if read is None else lambda value: quick(read(value))


def finite(value: float) -> float:
    """Never a value: NaN and infinity are errors."""
    raise Inexact(value)


def global_ids(type_name: str, keys: Sequence[Any]) -> list[str]:
    """The global IDs of keys."""
    prefix = f"{type_name}:".encode()
    return [b2a_base64(prefix + str(key).encode(), newline=False).decode() for key in keys]
