"""Batched reads, derived from the relationships that the models declare."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy import ColumnElement, Row, Select, Uuid, bindparam, column, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.arrays import UUIDS, any_id
from db.base import Model
from db.paging import Page
from db.uow import UnitOfWork

Source = type[Model] | InstrumentedAttribute[Any]
Sees = Callable[[type[Model], Any], Sequence[ColumnElement[bool]]]
Where = Callable[[Any], Sequence[ColumnElement[bool]]]
Query = Callable[[UnitOfWork, list[Any]], Awaitable[Mapping[Any, Any]]]
Batch = Callable[[list[Any]], Awaitable[list[Any]]]
Columns = tuple[str, ...]
T = TypeVar("T")

ROOT = UUID(int=0)
"""The parent of a list that belongs to nothing."""


@dataclass(frozen=True)
class RowSource:
    """A unit of work that holds rows of a model, and the viewer's rule for them there.

    One that is `aside` keeps its connection for one statement only.
    """

    unit: UnitOfWork
    sees: Sees
    aside: bool = False

    async def all(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        """Every row."""
        return await self.ask(lambda unit, _: unit.all(statement))

    async def ask(self, query: Callable[[UnitOfWork, Any], Awaitable[T]], keys: Any = None) -> T:
        """What the query answers in the unit."""
        try:
            return await query(self.unit, keys)
        finally:
            if self.aside:
                await self.unit.release()


RowSources = Callable[[type[Model] | None], Sequence[RowSource]]
"""Where rows of a model are: one place, or two where the platform publishes some to every company.

Without a model it is the viewer's own company.
"""


class Loader(DataLoader[Any, Any]):
    """Futures are shielded: a field cancelled with its failed sibling must not cancel what others share."""

    def load(self, key: Any) -> "asyncio.Future[Any]":
        return asyncio.shield(super().load(key))


class Loaders:
    """The dataloaders of one operation, each made on first use.

    A batch costs at most one statement in each reach, whatever the data.
    """

    def __init__(self, reaches: RowSources) -> None:
        self._reaches = reaches
        self._loaders: dict[Hashable, Loader] = {}

    def clear(self) -> None:
        """Forget every row: a write has happened, or time has passed."""
        self._loaders.clear()

    def one(self, model: type[Model], columns: Columns) -> Loader:
        """Rows by id, with these columns; None where absent or out of sight."""

        async def batch(ids: list[UUID]) -> list[Row[Any] | None]:
            found: dict[UUID, Row[Any]] = {}
            for reach in self._reaches(model):
                missing = [id for id in ids if id not in found]
                if missing:
                    rows = select(*_columns(model, columns)).where(*reach.sees(model, model))
                    named = rows.where(model.__table__.c.id == any_id(missing))
                    found |= {row.id: row for row in await reach.all(named)}
            return [found.get(id) for id in ids]

        return self._loader((model, columns), batch)

    def page(
        self, source: Source, page: Page, columns: Columns, where: Where | None, tag: Hashable
    ) -> Loader:
        """One page (and one row more) for each parent id, in one statement. `tag` stands for `where`."""
        model, key = target(source)

        async def read(reach: RowSource, parents: list[UUID]) -> list[list[Row[Any]]]:
            child = aliased(model)
            rows = select(*_columns(child, columns)).where(*reach.sees(model, child))
            if where:
                rows = rows.where(*where(child))
            if key is None:
                return [list(await reach.all(page.slice(rows, child)))]
            ids = func.unnest(bindparam("parents", parents, type_=UUIDS))
            parent = ids.table_valued(column("id", Uuid())).render_derived(name="parent")
            nearest = page.slice(rows.where(getattr(child, key) == parent.c.id), child).lateral("child")
            statement = select(parent.c.id.label("parent_key"), nearest).select_from(
                parent.join(nearest, true())
            )
            found: dict[UUID, list[Row[Any]]] = defaultdict(list)
            for row in await reach.all(statement):
                found[row.parent_key].append(row)
            return [found[parent] for parent in parents]

        async def batch(parents: list[UUID]) -> list[list[Row[Any]]]:
            pages = await asyncio.gather(*(read(reach, parents) for reach in self._reaches(model)))
            return [page.merge(list(parts)) for parts in zip(*pages, strict=True)]

        return self._loader((source, page, columns, tag), batch)

    def count(self, source: Source, where: Where | None, tag: Hashable) -> Loader:
        """How many rows each parent has, in one statement."""
        model, key = target(source)

        async def read(reach: RowSource, parents: list[UUID]) -> list[int]:
            child = aliased(model)
            conditions = [*reach.sees(model, child), *(where(child) if where else ())]
            if key is None:
                statement = select(func.count().label("total")).select_from(child).where(*conditions)
                return [row.total for row in await reach.all(statement)]
            parent = getattr(child, key)
            total = select(parent.label("parent"), func.count().label("total")).group_by(parent)
            counted = total.where(parent == any_id(parents), *conditions)
            found = {row.parent: row.total for row in await reach.all(counted)}
            return [found.get(id, 0) for id in parents]

        async def batch(parents: list[UUID]) -> list[int]:
            counts = await asyncio.gather(*(read(reach, parents) for reach in self._reaches(model)))
            return [sum(parts) for parts in zip(*counts, strict=True)]

        return self._loader(("count", source, tag), batch)

    def by(self, query: Query, model: type[Model] | None = None) -> Loader:
        """A hand-written batch: `query` answers many keys at once; None where it is silent.

        It is asked in every reach of `model`, or in the viewer's own company only.
        """

        async def batch(keys: list[Any]) -> list[Any]:
            found: dict[Any, Any] = {}
            for reach in self._reaches(model):
                found |= await reach.ask(query, keys)
            return [found.get(key) for key in keys]

        return self._loader((query, model), batch)

    def _loader(self, name: Hashable, batch: Batch) -> Loader:
        if name not in self._loaders:
            self._loaders[name] = Loader(batch, max_batch_size=1000)  # type: ignore[arg-type]
        return self._loaders[name]


def target(source: Source) -> tuple[type[Model], str | None]:
    """The model that a list is of, and its foreign key to the parent (none for a root list)."""
    if not isinstance(source, InstrumentedAttribute):
        return source, None
    ((_, remote),) = source.property.local_remote_pairs
    model: type[Model] = source.property.mapper.class_
    return model, source.property.mapper.get_property_by_column(remote).key


def foreign_key(attribute: InstrumentedAttribute[Any]) -> tuple[str, type[Model]]:
    """The attribute that holds a to-one relationship's key, and the model it points to."""
    ((local, _),) = attribute.property.local_remote_pairs
    return attribute.parent.get_property_by_column(local).key, attribute.property.mapper.class_


def _columns(entity: Any, names: Columns) -> list[Any]:
    return [getattr(entity, name).label(name) for name in names]
