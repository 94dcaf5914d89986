"""Plans of fields whose values are in records, or are records, of stored types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, get_named_type
from sqlalchemy import Boolean, Enum

from db.rows import Columns, layout_of
from resolvers.access import is_published
from schema.execution.fields import FieldPlan
from schema.execution.plans import Details, FieldArguments, Plan, function_of_object
from schema.execution.resolved import ResolvedField
from schema.execution.selections import Selection
from schema.framework.decorators import STORED_TYPES, StoredType
from schema.framework.fields import DECLARED, ListSource, Lookup, Relation
from schema.framework.projection import REQUIRED_COLUMNS
from schema.records.columns import ChoiceField, ColumnField, IdField
from schema.records.lists import CursorField, ItemsField, ListField, LoadedPage, NodeField
from schema.records.rows import LookupField, RelationField, RowField


class Source(NamedTuple):
    """What is known of records: their stored type and columns."""

    stored: StoredType
    columns: Columns

    def position(self, column: str) -> int:
        """The position of a column in the records."""
        return layout_of(self.stored.model, self.columns).index[column]


def record_field(plan: Plan, field: FieldArguments, declared: Any, source: Source | None) -> FieldPlan | None:
    """The plan of a field of records or of other objects, if it is one of these kinds."""
    found = declared.metadata.get(DECLARED)
    if isinstance(found, Relation | Lookup):
        return _row_field(plan, field, found, source)
    if isinstance(found, ListSource):
        return _list_field(plan, field, found, source)
    if field[3].name in STORED_TYPES and (declared.graphql_name, declared.python_name) == ("id", "_id"):
        return IdField(*field, position=source.position("id") if source else None)
    if source is None:
        return None
    name = declared.python_name
    if declared.is_basic_field and declared.default_resolver is getattr and name in source.columns:
        return ColumnField(*field, stored=source.stored, column=name, position=source.position(name))
    return _choice_field(field, declared, source)


def _choice_field(field: FieldArguments, declared: Any, source: Source) -> FieldPlan | None:
    compute = function_of_object(declared)
    needs = source.stored.needs.get(field[2][0].node.name.value, ())
    if compute is None or len(needs) != 1:
        return None
    column: Any = source.stored.model.__mapper__.columns[needs[0]]
    if column.nullable or not isinstance(column.type, Enum | Boolean):
        return None
    layout, position = layout_of(source.stored.model, needs), source.position(needs[0])
    choice = ChoiceField(*field, compute=compute, layout=layout, position=position)
    return choice if choice.is_leaf and not choice.list_depth else None


def _row_field(
    plan: Plan, field: FieldArguments, found: Relation | Lookup, source: Source | None
) -> FieldPlan | None:
    named: Any = get_named_type(field[4].type)
    stored = STORED_TYPES.get(named.name)
    if stored is None or stored.model is not found.model:
        return None
    (selection,), columns = _records(plan, stored, [(named, field[2])])
    row: RowField
    if isinstance(found, Lookup):
        row = LookupField(*field, model=found.model, columns=columns)
    else:
        position = source.position(found.key) if source else None
        row = RelationField(*field, model=found.model, columns=columns, key=found.key, position=position)
    row.selection = selection
    return row


def _list_field(
    plan: Plan, field: FieldArguments, listing: ListSource, source: Source | None
) -> FieldPlan | None:
    connection: Any = get_named_type(field[4].type)
    kind: Any = get_named_type(connection.fields["nodes"].type)
    stored = STORED_TYPES.get(kind.name)
    if stored is None or stored.model is not listing.model:
        return None
    edge: Any = get_named_type(connection.fields["edges"].type)
    page = plan.collect(connection, field[2])
    names = {details[0].node.name.value for details in page.values()}
    wanted: list[tuple[GraphQLObjectType, Details]] = []
    for details in page.values():
        name = details[0].node.name.value
        if name == "nodes":
            wanted.append((kind, details))
        elif name == "edges":
            parts = plan.collect(edge, details).values()
            names |= {part[0].node.name.value for part in parts}
            wanted += [(kind, part) for part in parts if part[0].node.name.value == "node"]
    order: set[str] = set()
    if is_published(listing.model) or names & {"pageInfo", "cursor"}:
        order.update(listing.order.columns, *(each.value.columns for each in listing.orders or ()))
    selections, columns = _records(plan, stored, wanted, order, is_related=listing.is_related)
    records, layout = iter(selections), layout_of(listing.model, columns)

    def edge_field(field: FieldArguments) -> FieldPlan:
        if field[2][0].node.name.value == "cursor":
            return CursorField(*field, model=listing.model)
        node = NodeField(*field)
        node.selection = next(records)
        return node

    def page_field(field: FieldArguments) -> FieldPlan:
        name, details = field[2][0].node.name.value, field[2]
        if name not in ("nodes", "edges"):
            compute = LoadedPage.info if name == "pageInfo" else None
            return ResolvedField(*field, selection_for=plan.selection, compute=compute, waits=not compute)
        items = ItemsField(*field)
        if name == "nodes":
            items.selection = next(records)
        else:
            edges = plan.fields(edge, plan.collect(edge, details), edge_field)
            items.selection = Selection(edge, edges, layout.row)
        return items

    position = source.position("id") if source and listing.is_related else None
    reads_rows = not names.isdisjoint({"nodes", "edges", "pageInfo"})
    found = ListField(*field, listing=listing, columns=columns, position=position, reads_rows=reads_rows)
    found.selection = Selection(connection, plan.fields(connection, page, page_field))
    return found


def _records(
    plan: Plan,
    stored: StoredType,
    wanted: Sequence[tuple[GraphQLObjectType, Details]],
    extra: set[str] | frozenset[str] = frozenset(),
    *,
    is_related: bool = False,
) -> tuple[list[Selection], Columns]:
    """Selection sets on records that one statement reads, and the columns that they need together."""
    groups = [(kind, plan.collect(kind, details)) for kind, details in wanted]
    needed = {*REQUIRED_COLUMNS, *extra}
    for _, grouped in groups:
        for details in grouped.values():
            needed.update(stored.needs.get(details[0].node.name.value, ()))
    source = Source(stored, tuple(sorted(needed)))
    layout = layout_of(stored.model, source.columns)
    width = len(source.columns) + is_related
    make = partial(plan.field, known=source)
    selections = [
        Selection(kind, plan.fields(kind, group, make), layout.row, width) for kind, group in groups
    ]
    return selections, source.columns
