"""Statements compiled once, and run on the driver with other values of their parameters."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ARRAY, Select

from db.dialect import DIALECT
from db.planes import access_of


class Statement:
    """The text of a statement, and its parameters with their values from when it was built."""

    __slots__ = ("_parameters", "access", "sql")

    def __init__(self, statement: Select[Any]) -> None:
        self.access = access_of(statement)
        compiled: Any = statement.compile(dialect=DIALECT)
        default = compiled.construct_params(_check=False)
        expanded = compiled.construct_expanded_state(default, escape_names=False)
        self.sql: str = expanded.statement
        binders: Mapping[str, Callable[[Any], Any]] = {**compiled._bind_processors, **expanded.processors}
        self._parameters = tuple(
            (name, expanded.parameters[name], None if is_plain_array(compiled, name) else binders.get(name))
            for name in expanded.positiontup or ()
        )

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in order, with these values."""
        return [
            values.get(name, default) if bind is None else bind(values.get(name, default))
            for name, default, bind in self._parameters
        ]


def is_plain_array(compiled: Any, name: str) -> bool:
    """Whether a parameter is an array whose items the driver takes as they are."""
    kind = compiled.binds[name].type if name in compiled.binds else None
    if not isinstance(kind, ARRAY):
        return False
    return kind.item_type.dialect_impl(DIALECT).bind_processor(DIALECT) is None
