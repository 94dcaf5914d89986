"""Rows as the driver returns them: their columns by position, and as objects with attributes."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Double, Enum, Float, String

from db.base import Model
from db.dialect import DIALECT

NUMERIC, FLOAT8 = 1700, 701
"""Types of the database that columns of numbers may have, by OID."""

Columns = tuple[str, ...]
Record = Sequence[Any]
"""A row of the driver, in the order of the layout. Values are those of PostgreSQL: an enum is its text."""


LONG_COLUMN_WEIGHT = 1
"""Rows that a column of text or JSON without a length counts as, beside its own row."""


class Layout:
    """The columns of a model in the order in which a statement selects them."""

    def __init__(self, model: type[Model], columns: Columns) -> None:
        self.model, self.columns = model, columns
        self.index = {name: position for position, name in enumerate(columns)}
        self.weight = 1 + LONG_COLUMN_WEIGHT * sum(is_long(model, name) for name in columns)
        self.row = self._generate()

    def _generate(self) -> Callable[[Record], Any]:
        """The function that turns a record into an object with an attribute for each column."""
        row_type = namedtuple(self.model.__name__, self.columns)  # type: ignore[misc]
        scope: dict[str, Any] = {"new": tuple.__new__, "Row": row_type}
        values = []
        for position, name in enumerate(self.columns):
            value, read = f"record[{position}]", reader_of(self.model, name)
            if read is not None:
                scope[f"read_{position}"], value = read, f"read_{position}({value})"
            values.append(value)
        code = f"def row(record):\n    return new(Row, ({''.join(f'{value}, ' for value in values)}))\n"
        exec(compile(code, f"<row of {self.model.__name__}>", "exec"), scope)
        row: Callable[[Record], Any] = scope["row"]
        return row


@lru_cache(maxsize=4096)
def layout_of(model: type[Model], columns: Columns) -> Layout:
    """The layout of these columns."""
    return Layout(model, columns)


def is_long(model: type[Model], name: str) -> bool:
    """Whether values of the column may be long: text without a length, or JSON."""
    stored = model.__mapper__.columns[name].type
    return isinstance(stored, JSON) or (isinstance(stored, String) and stored.length is None)


def reader_of(model: type[Model], name: str) -> Callable[[Any], Any] | None:
    """What turns the driver's value of a column into the model's; None if they are the same."""
    stored: Any = model.__mapper__.columns[name].type
    if isinstance(stored, Enum) and stored.enum_class is not None:
        members: dict[Any, Any] = {member.value: member for member in stored.enum_class}
        members[None] = None
        return members.__getitem__
    oid = FLOAT8 if isinstance(stored, Float | Double) else NUMERIC
    reader: Callable[[Any], Any] | None = stored.dialect_impl(DIALECT).result_processor(DIALECT, oid)
    return reader
