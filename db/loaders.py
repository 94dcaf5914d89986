"""Batched reads, derived from the relationships that the models declare."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy import ColumnElement, Row, Uuid, bindparam, column, func, select, true
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

ROOT = UUID(int=0)
"""The parent of a list that belongs to nothing."""


class Loader(DataLoader[Any, Any]):
    """Futures are shielded: a field cancelled with its failed sibling must not cancel what others share."""

    def load(self, key: Any) -> "asyncio.Future[Any]":
        return asyncio.shield(super().load(key))


class Loaders:
    """The dataloaders of one operation, each made on first use.

    `unit` tells which unit of work reads a model; `sees` is the viewer's rule for it.
    """

    def __init__(self, unit: Callable[[str], UnitOfWork], sees: Sees) -> None:
        self._unit, self._sees = unit, sees
        self._loaders: dict[Hashable, Loader] = {}

    def clear(self) -> None:
        """Forget every row: a write has happened, or time has passed."""
        self._loaders.clear()

    def one(self, model: type[Model], columns: Columns) -> Loader:
        """Rows by id, with these columns; None where absent or out of sight."""

        async def batch(ids: list[UUID]) -> list[Row[Any] | None]:
            statement = select(*_columns(model, columns)).where(
                model.__table__.c.id == any_id(ids), *self._sees(model, model)
            )
            found = {row.id: row for row in await self._unit(model.plane).all(statement)}
            return [found.get(id) for id in ids]

        return self._loader((model, columns), batch)

    def page(
        self, source: Source, page: Page, columns: Columns, where: Where | None, tag: Hashable
    ) -> Loader:
        """One page (and one row more) for each parent id, in one statement. `tag` stands for `where`."""
        model, key = target(source)

        async def batch(parents: list[UUID]) -> list[list[Row[Any]]]:
            child = aliased(model)
            rows = select(*_columns(child, columns)).where(*self._sees(model, child))
            if where:
                rows = rows.where(*where(child))
            if key is None:
                return [list(await self._unit(model.plane).all(page.slice(rows, child)))]
            ids = func.unnest(bindparam("parents", parents, type_=UUIDS))
            parent = ids.table_valued(column("id", Uuid())).render_derived(name="parent")
            nearest = page.slice(rows.where(getattr(child, key) == parent.c.id), child).lateral("child")
            statement = select(parent.c.id.label("parent_key"), nearest).select_from(
                parent.join(nearest, true())
            )
            found: dict[UUID, list[Row[Any]]] = defaultdict(list)
            for row in await self._unit(model.plane).all(statement):
                found[row.parent_key].append(row)
            return [found[parent] for parent in parents]

        return self._loader((source, page, columns, tag), batch)

    def count(self, source: Source, where: Where | None, tag: Hashable) -> Loader:
        """How many rows each parent has, in one statement."""
        model, key = target(source)

        async def batch(parents: list[UUID]) -> list[int]:
            child = aliased(model)
            conditions = [*self._sees(model, child), *(where(child) if where else ())]
            if key is None:
                statement = select(func.count()).select_from(child).where(*conditions)
                return [await self._unit(model.plane).scalar(statement)]
            parent = getattr(child, key)
            total = select(parent.label("parent"), func.count().label("total")).group_by(parent)
            counted = total.where(parent == any_id(parents), *conditions)
            found = {row.parent: row.total for row in await self._unit(model.plane).all(counted)}
            return [found.get(id, 0) for id in parents]

        return self._loader(("count", source, tag), batch)

    def by(self, query: Query, plane: str = "tenant") -> Loader:
        """A hand-written batch: `query` answers many keys at once; None where it is silent."""

        async def batch(keys: list[Any]) -> list[Any]:
            found = await query(self._unit(plane), keys)
            return [found.get(key) for key in keys]

        return self._loader((query, plane), batch)

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
