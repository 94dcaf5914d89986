"""Leaves: how values become those of the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLLeafType, GraphQLList, GraphQLNonNull

Convert = Callable[[Any], Any]


class Inexact(Exception):
    """The quick way does not know the value: the object is completed again with care."""


def complete_leaf(kind: GraphQLLeafType, value: Any) -> Any:
    """The value in the answer. Raises what graphql-core raises."""
    coerced = kind.coerce_output_value(value)
    if coerced is None:
        raise TypeError(
            f"Expected `{kind}.coerce_output_value({value!r})` to return non-nullable value, returned: None"
        )
    return coerced


def quick_leaf(kind: Any) -> Convert:
    """A function for values of a type with any wrapping. It raises some error for bad ones."""
    if isinstance(kind, GraphQLNonNull):
        inner = quick_leaf(kind.of_type)

        def required(value: Any) -> Any:
            completed = inner(value)
            if completed is None:
                raise Inexact
            return completed

        return required
    if isinstance(kind, GraphQLList):
        item = quick_leaf(kind.of_type)

        def each(value: Any) -> Any:
            if value is None:
                return None
            if not isinstance(value, list | tuple):
                raise Inexact
            return [item(part) for part in value]

        return each
    complete = kind.coerce_output_value

    def leaf(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Exception):
            raise Inexact
        completed = complete(value)
        if completed is None:
            raise Inexact
        return completed

    return leaf
