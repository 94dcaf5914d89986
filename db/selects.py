"""The statements of the loaders, built once for a shape: source, columns, page shape and visibility.

Whatever differs from one operation to the next is a parameter: keys, cursors, sizes and the viewer's ids.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.arrays import UUIDS
from db.base import Model
from db.pagination import PageShape
from db.readers import ReaderKey
from db.rows import Columns
from db.statements import Statement

Source = type[Model] | InstrumentedAttribute[Any]
Where = Callable[[Any], Sequence[ColumnElement[bool]]]

POSITION = "parent_position"
"""The last column of a page of many parents: the position of its parent among the keys, from 1."""

KEYS, BUDGET, COUNT_LIMIT = "keys", "budget", "count_limit"
STATEMENTS = 2048
"""Statements of each kind that a process keeps."""


class Visibility(Protocol, Hashable):
    """The conditions for reading rows of a model; equal ones give the same conditions.

    The viewer's ids are the parameters `viewer_id` and `viewer_company_id`.
    """

    def __call__(self, model: type[Model], entity: Any) -> Sequence[ColumnElement[bool]]: ...

    def readers(self, model: type[Model]) -> Sequence[Any] | None:
        """Values of `reader_id`, if the conditions are that a row has one of them."""


def parameter(name: str, kind: Any) -> BindParameter[Any]:
    """A parameter whose value is given when the statement runs."""
    return bindparam(name, None, type_=kind, required=False)


VIEWER_ID, VIEWER_COMPANY_ID = parameter("viewer_id", Uuid()), parameter("viewer_company_id", Uuid())


@lru_cache(maxsize=STATEMENTS)
def rows_by_id(
    model: type[Model], columns: Columns, visibility: Visibility, *, one: bool = False
) -> Statement:
    """The visible rows with these `keys`, or with `one`."""
    rows = select(*_columns(model, columns)).where(*visibility(model, model))
    keys: Any = parameter(KEYS, Uuid()) if one else any_(parameter(KEYS, UUIDS))
    return Statement(rows.where(model.__table__.c.id == keys).limit(_budget()))


@lru_cache(maxsize=STATEMENTS)
def page_of(source: Source, columns: Columns, shape: PageShape, visibility: Visibility) -> Statement:
    """One page of each parent in `keys`, or of the root list."""
    return filtered_page(source, columns, shape, visibility, None)


def filtered_page(
    source: Source, columns: Columns, shape: PageShape, visibility: Visibility, where: Where | None
) -> Statement:
    """The same, of the rows that meet a filter, whose values become part of the statement."""
    model, key = target(source)
    child = aliased(model)
    filters = where(child) if where else ()
    if key is None and issubclass(model, ReaderKey) and (readers := visibility.readers(model)):
        return Statement(_page_of_readers(child, columns, shape, filters, readers))
    rows = select(*_columns(child, columns)).where(*visibility(model, child), *filters)
    if key is None:
        return Statement(shape.slice(rows, child))
    parent = parent_table()
    nearest = shape.slice(rows.where(getattr(child, key) == parent.c.id), child).lateral("child")
    pages: Select[Any] = select(nearest, parent.c.position.label(POSITION)).select_from(
        parent.join(nearest, true())
    )
    return Statement(pages.limit(_budget()))


def _page_of_readers(
    child: Any,
    columns: Columns,
    shape: PageShape,
    filters: Sequence[ColumnElement[bool]],
    readers: Sequence[Any],
) -> Select[Any]:
    """One page of all readers' rows: a page of each, from the index of the reader's rows, in order.

    A second condition of the reader would be one more that few rows meet, to the planner.
    """
    listed = func.unnest(array(readers, type_=UUIDS))
    reader = listed.table_valued(column("id", Uuid())).render_derived(name="reader")
    named = tuple(dict.fromkeys((*columns, *shape.order.columns)))
    rows = select(*_columns(child, named)).where(child.reader_id == reader.c.id, *filters)
    page = shape.slice(rows, child).lateral("page")
    pages = select(*(page.c[name] for name in columns)).select_from(reader.join(page, true()))
    return shape.sort(pages, page.c)


@lru_cache(maxsize=STATEMENTS)
def count_of(source: Source, visibility: Visibility) -> Statement:
    """The number of rows of each parent in `keys`, or of the root list, counted up to `count_limit`."""
    return filtered_count(source, visibility, None)


def filtered_count(source: Source, visibility: Visibility, where: Where | None) -> Statement:
    """The same, of the rows that meet the conditions of a filter."""
    model, key = target(source)
    child = aliased(model)
    conditions = [*visibility(model, child), *(where(child) if where else ())]
    rows: Select[Any] = select(literal_column("1")).select_from(child).where(*conditions)
    limit = parameter(COUNT_LIMIT, BigInteger())
    if key is None:
        return Statement(select(func.count()).select_from(rows.limit(limit).subquery("counted")))
    parent = parent_table()
    children = rows.where(getattr(child, key) == parent.c.id).limit(limit)
    total = select(func.count()).select_from(children.correlate(parent).subquery("counted"))
    return Statement(select(parent.c.position, total.scalar_subquery()))


def parent_table() -> Any:
    """A table `parent` with the `keys` and their positions."""
    unnested = func.unnest(parameter(KEYS, UUIDS))
    table = unnested.table_valued(column("id", Uuid()), with_ordinality="position")
    return table.render_derived(name="parent")


def target(source: Source) -> tuple[type[Model], str | None]:
    """The model of a list, and its foreign key to the parent (None for a root list)."""
    if not isinstance(source, InstrumentedAttribute):
        return source, None
    ((_, remote),) = source.property.local_remote_pairs
    model: type[Model] = source.property.mapper.class_
    return model, source.property.mapper.get_property_by_column(remote).key


def foreign_key(attribute: InstrumentedAttribute[Any]) -> tuple[str, type[Model]]:
    """The foreign key attribute of a to-one relationship, and the model it references."""
    ((local, _),) = attribute.property.local_remote_pairs
    return attribute.parent.get_property_by_column(local).key, attribute.property.mapper.class_


def _budget() -> BindParameter[Any]:
    return parameter(BUDGET, BigInteger())


def _columns(entity: Any, names: Columns) -> list[Any]:
    return [getattr(entity, name).label(name) for name in names]
