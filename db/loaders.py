"""Dataloaders that batch reads along the models' relationships."""

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
from db.pagination import Page
from db.uow import UnitOfWork

Source = type[Model] | InstrumentedAttribute[Any]
Visibility = Callable[[type[Model], Any], Sequence[ColumnElement[bool]]]
Where = Callable[[Any], Sequence[ColumnElement[bool]]]
Query = Callable[[UnitOfWork, list[Any]], Awaitable[Mapping[Any, Any]]]
Batch = Callable[[list[Any]], Awaitable[list[Any]]]
Columns = tuple[str, ...]
T = TypeVar("T")

ROOT = UUID(int=0)
"""The parent of root lists."""


@dataclass(frozen=True)
class RowSource:
    """A unit of work to read rows of a model from, and the rows' visibility in it.

    With `release`, the unit's connection is released after each statement.
    """

    unit: UnitOfWork
    visibility: Visibility
    release: bool = False

    async def all(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        """All rows of the statement."""
        return await self.query(lambda unit, _: unit.all(statement))

    async def query(self, query: Callable[[UnitOfWork, Any], Awaitable[T]], keys: Any = None) -> T:
        """The result of the query in the unit."""
        try:
            return await query(self.unit, keys)
        finally:
            if self.release:
                await self.unit.release()


RowSources = Callable[[type[Model] | None], Sequence[RowSource]]
"""The sources of a model's rows: the viewer's company, and the platform's for models that it publishes."""


class Loader(DataLoader[Any, Any]):
    """A dataloader with shielded futures: the cancellation of a field does not cancel a shared load."""

    def load(self, key: Any) -> "asyncio.Future[Any]":
        return asyncio.shield(super().load(key))


class Loaders:
    """The dataloaders of an operation, created on first use. A batch runs one statement per row source."""

    def __init__(self, row_sources: RowSources) -> None:
        self._row_sources = row_sources
        self._loaders: dict[Hashable, Loader] = {}

    def clear(self) -> None:
        """Clears all caches, after a write or between events of a subscription."""
        self._loaders.clear()

    def one(self, model: type[Model], columns: Columns) -> Loader:
        """Loads rows by id, with these columns; None for rows that are absent or not visible."""

        async def batch(ids: list[UUID]) -> list[Row[Any] | None]:
            found: dict[UUID, Row[Any]] = {}
            for row_source in self._row_sources(model):
                missing = [id for id in ids if id not in found]
                if missing:
                    rows = select(*_columns(model, columns)).where(*row_source.visibility(model, model))
                    named = rows.where(model.__table__.c.id == any_id(missing))
                    found |= {row.id: row for row in await row_source.all(named)}
            return [found.get(id) for id in ids]

        return self._loader((model, columns), batch)

    def page(
        self, source: Source, page: Page, columns: Columns, where: Where | None, tag: Hashable
    ) -> Loader:
        """Loads a page, plus one row, for each parent id, in one statement. `tag` identifies `where`."""
        model, key = target(source)

        async def read(row_source: RowSource, parents: list[UUID]) -> list[list[Row[Any]]]:
            child = aliased(model)
            rows = select(*_columns(child, columns)).where(*row_source.visibility(model, child))
            if where:
                rows = rows.where(*where(child))
            if key is None:
                return [list(await row_source.all(page.slice(rows, child)))]
            ids = func.unnest(bindparam("parents", parents, type_=UUIDS))
            parent = ids.table_valued(column("id", Uuid())).render_derived(name="parent")
            nearest = page.slice(rows.where(getattr(child, key) == parent.c.id), child).lateral("child")
            statement = select(parent.c.id.label("parent_key"), nearest).select_from(
                parent.join(nearest, true())
            )
            found: dict[UUID, list[Row[Any]]] = defaultdict(list)
            for row in await row_source.all(statement):
                found[row.parent_key].append(row)
            return [found[parent] for parent in parents]

        async def batch(parents: list[UUID]) -> list[list[Row[Any]]]:
            pages = await asyncio.gather(
                *(read(row_source, parents) for row_source in self._row_sources(model))
            )
            return [page.merge(list(parts)) for parts in zip(*pages, strict=True)]

        return self._loader((source, page, columns, tag), batch)

    def count(self, source: Source, where: Where | None, tag: Hashable) -> Loader:
        """Loads the number of rows of each parent, in one statement."""
        model, key = target(source)

        async def read(row_source: RowSource, parents: list[UUID]) -> list[int]:
            child = aliased(model)
            conditions = [*row_source.visibility(model, child), *(where(child) if where else ())]
            if key is None:
                statement = select(func.count().label("total")).select_from(child).where(*conditions)
                return [row.total for row in await row_source.all(statement)]
            parent = getattr(child, key)
            total = select(parent.label("parent"), func.count().label("total")).group_by(parent)
            counted = total.where(parent == any_id(parents), *conditions)
            found = {row.parent: row.total for row in await row_source.all(counted)}
            return [found.get(id, 0) for id in parents]

        async def batch(parents: list[UUID]) -> list[int]:
            counts = await asyncio.gather(
                *(read(row_source, parents) for row_source in self._row_sources(model))
            )
            return [sum(parts) for parts in zip(*counts, strict=True)]

        return self._loader(("count", source, tag), batch)

    def by(self, query: Query, model: type[Model] | None = None) -> Loader:
        """Loads values with `query`, a function from many keys to a mapping; None for missing keys.

        Queries every row source of `model`, or the viewer's company without a model.
        """

        async def batch(keys: list[Any]) -> list[Any]:
            found: dict[Any, Any] = {}
            for row_source in self._row_sources(model):
                found |= await row_source.query(query, keys)
            return [found.get(key) for key in keys]

        return self._loader((query, model), batch)

    def _loader(self, name: Hashable, batch: Batch) -> Loader:
        if name not in self._loaders:
            self._loaders[name] = Loader(batch, max_batch_size=1000)  # type: ignore[arg-type]
        return self._loaders[name]


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


def _columns(entity: Any, names: Columns) -> list[Any]:
    return [getattr(entity, name).label(name) for name in names]
