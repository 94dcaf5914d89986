"""Projection: the columns that a selection needs, so that loaders read no others."""

from collections.abc import Iterator
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from db.base import Model
from db.rows import Columns
from schema.framework.context import Info
from schema.framework.decorators import STORED_TYPES, StoredType

REQUIRED_COLUMNS = ("id",)


def columns(info: Info, model: type[Model], *paths: tuple[str, ...], extra: Columns = ()) -> Columns:
    """The sorted columns of `model` that the field's selection needs.

    `paths` lead from the field to the selections of the model: `()` if the field is the object itself,
    `("nodes",)` and `("edges", "node")` in a connection. Sorted, so that equal projections share a statement.
    """
    raw = info._raw_info
    key = (tuple(map(id, raw.field_nodes)), model, extra)
    memo = info.context.projections
    if key not in memo:
        types = [stored for stored in STORED_TYPES.values() if stored.model is model]
        needed = {*REQUIRED_COLUMNS, *extra}
        for selection in _selections(raw, paths or ((),)):
            for stored in types:
                needed.update(_needs(raw, selection, stored))
        memo[key] = tuple(sorted(needed))
    return memo[key]


def _selections(raw: Any, paths: tuple[tuple[str, ...], ...]) -> Iterator[SelectionSetNode]:
    for path in paths:
        level = [node.selection_set for node in raw.field_nodes if node.selection_set]
        for step in path:
            level = [
                child.selection_set
                for selection in level
                for child, _ in _fields(raw, selection)
                if child.name.value == step and child.selection_set
            ]
        yield from level


def _needs(raw: Any, selection: SelectionSetNode, stored: StoredType) -> Iterator[str]:
    for field, on in _fields(raw, selection):
        if on is None or on == stored.name or on not in STORED_TYPES:
            yield from stored.needs.get(field.name.value, ())


def _fields(
    raw: Any, selection: SelectionSetNode, on: str | None = None
) -> Iterator[tuple[FieldNode, str | None]]:
    """All fields of a selection, including fragments, each with its innermost type condition."""
    for child in selection.selections:
        match child:
            case FieldNode():
                yield child, on
            case InlineFragmentNode():
                condition = child.type_condition.name.value if child.type_condition else on
                yield from _fields(raw, child.selection_set, condition)
            case FragmentSpreadNode():
                fragment = raw.fragments[child.name.value]
                yield from _fields(raw, fragment.selection_set, fragment.type_condition.name.value)
