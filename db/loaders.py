"""Loads of an operation: whole levels of records at once, or single rows through dataloaders."""

import asyncio
from collections import ChainMap
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from aiodataloader import DataLoader

from core.errors import LimitExceeded
from db import selects
from db.base import Model
from db.pagination import Page
from db.rows import Columns, Record, layout_of
from db.selects import Source, Visibility, Where, target
from db.statements import Statement
from db.uow import UnitOfWork, UnitOfWorkClosed

Query = Callable[[UnitOfWork, list[Any]], Awaitable[Mapping[Any, Any]]]
Batch = Callable[[list[Any]], Awaitable[list[Any]]]
T = TypeVar("T")

BATCH = 1000
"""Keys of one statement."""

ROOT = UUID(int=0)
"""The parent of root lists."""


@dataclass(frozen=True)
class RowSource:
    """A unit of work to read rows of a model from, the rows' visibility in it, and the viewer's parameters.

    With `release`, the unit's connection is released after each statement.
    """

    unit: UnitOfWork
    visibility: Visibility
    values: Mapping[str, Any] = field(default_factory=dict)
    release: bool = False

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """All rows of the statement."""
        parameters: Mapping[str, Any] = (
            {**self.values, **values}
            if isinstance(self.values, dict)
            else ChainMap({**values}, cast(dict[str, Any], self.values))  # reads only what the statement has
        )
        if not self.release:
            return await self.unit.fetch(statement, parameters)
        return await self.query(lambda unit, _: unit.fetch(statement, parameters))

    async def query(self, query: Callable[[UnitOfWork, Any], Awaitable[T]], keys: Any = None) -> T:
        """The result of the query in the unit."""
        try:
            return await query(self.unit, keys)
        finally:
            if self.release:
                await self.unit.release()


RowSources = Callable[[type[Model] | None], Sequence[RowSource]]
"""The sources of a model's rows: the viewer's company, and the platform's for models that it publishes."""


def refuse_rows(model: type[Model] | None) -> Sequence[RowSource]:
    """The sources of loaders that are closed. Raises `UnitOfWorkClosed`."""
    raise UnitOfWorkClosed("the operation has ended")


class Loader(DataLoader[Any, Any]):
    """A dataloader with shielded futures: the cancellation of a field does not cancel a shared load.

    The error of a load that nobody waits for any more is not reported.
    """

    def load(self, key: Any) -> "asyncio.Future[Any]":
        future = super().load(key)
        future.add_done_callback(_retrieve_error)
        return asyncio.shield(future)


def _retrieve_error(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


class RowBudget:
    """The rows that one operation may still read. Columns of unbounded text count as further rows."""

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit

    async def read(
        self, source: RowSource, statement: Statement, values: Mapping[str, Any], weight: int
    ) -> list[Record]:
        """All rows of the statement, if there are few enough. Raises `LimitExceeded`."""
        rows: list[Record] = []
        if self.left >= 0:
            rows = await source.fetch(statement, {**values, selects.BUDGET: self.left // weight + 1})
            self.left -= weight * len(rows)
        if self.left < 0:
            raise LimitExceeded(
                f"The operation reads more than {self.limit} rows. Request smaller pages or fewer fields."
            )
        return rows


class Loaders:
    """The loads of an operation. Each runs one statement per row source; rows by id are loaded once."""

    def __init__(self, row_sources: RowSources, max_rows: int = 25_000) -> None:
        self._row_sources = row_sources
        self._budget = RowBudget(max_rows)
        self._loaders: dict[Hashable, Loader] = {}
        self._records: dict[tuple[type[Model], Columns], tuple[set[UUID], dict[UUID, Record]]] = {}

    def reset(self) -> None:
        """Clears all caches, and allows as many rows as at first."""
        self.clear()
        self._budget = RowBudget(self._budget.limit)

    def clear(self) -> None:
        """Clears all caches, after a write or between events of a subscription."""
        self._loaders.clear()
        self._records.clear()

    def close(self) -> None:
        """Clears all caches for good: further loads raise `UnitOfWorkClosed`."""
        self.clear()
        self._row_sources = refuse_rows  # the sources are a method of who owns the loaders: a cycle

    async def records(
        self, model: type[Model], columns: Columns, ids: Collection[UUID]
    ) -> Mapping[UUID, Record]:
        """The visible records with these ids, and maybe others that are loaded."""
        layout = layout_of(model, columns)
        at = layout.index["id"]
        requested, found = self._records.setdefault((model, columns), (set(), {}))
        unique = ids if isinstance(ids, set) else set(ids)
        wanted = list(unique - requested if requested else unique)
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            for source in self._row_sources(model):
                missing = [id for id in batch if id not in found] if found else batch
                if missing:
                    one = len(missing) == 1
                    statement = selects.rows_by_id(model, columns, source.visibility, one=one)
                    values = {selects.KEYS: missing[0] if one else missing}
                    for record in await self._budget.read(source, statement, values, layout.weight):
                        found[record[at]] = record
            requested.update(batch)
        return found

    async def pages(
        self,
        source: Source,
        page: Page,
        columns: Columns,
        where: Where | None,
        parents: Sequence[UUID],
    ) -> list[Sequence[Record]]:
        """The records of a page, plus one, for each parent id."""
        model, key = target(source)
        layout = layout_of(model, columns)

        async def read(row_source: RowSource, parents: Sequence[UUID]) -> list[list[Record]]:
            shape, visibility = page.shape, row_source.visibility
            statement = (
                selects.filtered_page(source, columns, shape, visibility, where)
                if where
                else selects.page_of(source, columns, shape, visibility)
            )
            values = {**page.values, selects.KEYS: parents}
            records = await self._budget.read(row_source, statement, values, layout.weight)
            if key is None or len(parents) == 1:
                return [records]
            pages: list[list[Record]] = [[] for _ in range(len(parents) + 1)]
            for record in records:
                pages[record[-1]].append(record)
            return pages[1:]

        pages: list[Sequence[Record]] = []
        for start in range(0, len(parents), BATCH):
            batch = parents[start : start + BATCH]
            sources = self._row_sources(model)
            if len(sources) == 1:
                pages += await read(sources[0], batch)
            else:
                parts = await asyncio.gather(*(read(row_source, batch) for row_source in sources))
                pages += [page.merge(each, layout.index) for each in zip(*parts, strict=True)]
        return pages

    async def counts(
        self, source: Source, where: Where | None, limit: int | None, parents: Sequence[UUID]
    ) -> list[int]:
        """The number of rows of each parent, counted up to a limit."""
        model, key = target(source)

        async def read(row_source: RowSource) -> list[int]:
            visibility = row_source.visibility
            statement = (
                selects.filtered_count(source, visibility, where)
                if where
                else selects.count_of(source, visibility)
            )
            values = {selects.KEYS: parents, selects.COUNT_LIMIT: limit}
            records = await row_source.fetch(statement, values)
            if key is None:
                return [record[0] for record in records]
            found = {record[0]: record[1] for record in records}
            return [found[position] for position in range(1, len(parents) + 1)]

        counts = await asyncio.gather(*(read(row_source) for row_source in self._row_sources(model)))
        return [min(sum(parts), limit) if limit else sum(parts) for parts in zip(*counts, strict=True)]

    def one(self, model: type[Model], columns: Columns) -> Loader:
        """Loads rows by id, with these columns; None for rows that are absent or not visible."""
        layout = layout_of(model, columns)

        async def batch(ids: list[UUID]) -> list[Any]:
            found = await self.records(model, columns, set(ids))
            return [layout.row(found[id]) if id in found else None for id in ids]

        return self._loader((model, columns), batch)

    def page(
        self, source: Source, page: Page, columns: Columns, where: Where | None, tag: Hashable
    ) -> Loader:
        """Loads a page, plus one row, for each parent id, in one statement. `tag` identifies `where`."""
        layout = layout_of(target(source)[0], columns)

        async def batch(parents: list[UUID]) -> list[list[Any]]:
            pages = await self.pages(source, page, columns, where, parents)
            return [[layout.row(record) for record in records] for records in pages]

        return self._loader((source, page, columns, tag), batch)

    def count(self, source: Source, where: Where | None, tag: Hashable, limit: int | None = None) -> Loader:
        """Loads the number of rows of each parent, counted up to a limit, in one statement."""

        async def batch(parents: list[UUID]) -> list[int]:
            return await self.counts(source, where, limit, parents)

        return self._loader(("count", source, tag, limit), batch)

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
            self._loaders[name] = Loader(batch, max_batch_size=BATCH)  # type: ignore[arg-type]
        return self._loaders[name]
