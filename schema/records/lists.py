"""Lists below parents: a page for each, loaded for a whole level at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from strawberry import relay

from db.base import Model
from db.cursors import encode_cursor
from db.loaders import ROOT
from db.rows import Columns, Record, layout_of
from schema.execution.arguments import converted_arguments
from schema.execution.fields import FieldPlan
from schema.execution.levels import Level
from schema.framework.fields import Connection, ListSource, PageRequest, page_info

if TYPE_CHECKING:
    from schema.execution.running import Run
    from schema.execution.selections import Selection


class ListField(FieldPlan):
    """A connection: the same page of each parent, in one statement."""

    waits = 1
    selection: Selection

    def __init__(
        self, *field: Any, listing: ListSource, columns: Columns, position: int | None, reads_rows: bool
    ) -> None:
        super().__init__(*field)
        self.listing, self.columns, self.position = listing, columns, position
        self.reads_rows = reads_rows

    def _parents(self, level: Level) -> list[Any]:
        if not self.listing.is_related:
            return [ROOT] * len(level.sources)
        position = self.position
        if position is not None:
            return [source[position] for source in level.sources]
        return [each.id for each in level.objects]

    def start(self, run: Run, level: Level) -> None:
        try:
            selected = self.listing.select(run.context, **converted_arguments(run, self))
            parents = self._parents(level)
        except Exception as error:
            self._fail(run, level, error)
            return
        source, columns = self.listing.source, self.columns

        async def load(parents: Collection[Any]) -> Any:
            keys = list(parents)
            pages = await run.context.loaders.pages(source, selected.page, columns, selected.where, keys)
            return dict(zip(keys, pages, strict=True))

        def deliver(found: Any) -> None:
            pages = [found if isinstance(found, Exception) else found[parent] for parent in parents]

            def make_pages() -> list[Any]:
                return [
                    LoadedPage(run, self, selected, parent, page)
                    for parent, page in zip(parents, pages, strict=True)
                ]

            page = selected.page
            below = Level(self.selection, pages, level, self, one_each, page, make_pages)
            level.states[self] = below
            run.enter(below)

        if self.reads_rows:
            name = source, selected.page, columns, selected.tag
            run.load(name, load, dict.fromkeys(parents), deliver)
        else:
            deliver(dict.fromkeys(parents, ()))

    def _fail(self, run: Run, level: Level, error: Exception) -> None:
        level.states[self] = None
        for index in range(len(level.sources)):
            run.errors.add(level, index, self, error)

    def values(self, run: Run, level: Level) -> list[Any]:
        below = level.states[self]
        return [None] * len(level.sources) if below is None else self.selection.complete(run, below)


class LoadedPage(Connection):  # type: ignore[type-arg]
    """A page whose records are loaded, in its order, or the error of loading them."""

    def __init__(
        self,
        run: Run,
        field: ListField,
        selected: PageRequest,
        parent: Any,
        found: Sequence[Record] | Exception,
    ) -> None:
        self.model, self.page = field.listing.model, selected.page
        self.error = found if isinstance(found, Exception) else None
        self.records, self.more = selected.page.trim([] if isinstance(found, Exception) else found)
        self.context, self.field, self.selected, self.parent = run.context, field, selected, parent

    async def count(self, limit: int) -> int:
        """The number of rows of the list, counted up to a limit."""
        source, (_, where, tag) = self.field.listing.source, self.selected
        total: int = await self.context.loaders.count(source, where, tag, limit).load(self.parent)
        return total

    def info(self) -> relay.PageInfo:
        """Pagination information."""
        if self.error is not None:
            raise self.error
        layout = layout_of(self.model, self.field.columns)
        rows = [layout.row(record) for record in (*self.records[:1], *self.records[-1:])]
        return page_info(self.model, self.page, rows, self.more)


class ItemsField(FieldPlan):
    """`nodes` or `edges` of loaded pages: their records one after another."""

    selection: Selection

    def start(self, run: Run, level: Level) -> None:
        assert level.page is not None
        size, backward = level.page.size, level.page.backward
        error = level.sources[0]
        if isinstance(error, Exception):
            for index in range(len(level.sources)):
                run.errors.add(level, index, self, error)
            level.states[self] = None
            return
        pages: list[Any] = [records if len(records) <= size else records[:size] for records in level.sources]
        if backward:
            pages = [records[::-1] for records in pages]
        failed = self._charge(run, level, pages)
        ends = list(accumulate(map(len, pages)))

        def origins(position: int) -> Iterator[tuple[int, tuple[int, ...]]]:
            index = bisect_right(ends, position)
            yield index, (position - (ends[index - 1] if index else 0),)

        items = pages[0] if len(pages) == 1 else list(chain.from_iterable(pages))
        below = Level(self.selection, items, level, self, origins, level.page)
        level.states[self] = below, ends, failed
        run.enter(below)

    def _charge(self, run: Run, level: Level, pages: list[Any]) -> set[int]:
        """Counts the items, and empties the pages that are too much."""
        executor = run.executor
        items = list(map(len, pages))
        if level.counts is not None:
            items = [length * count for length, count in zip(items, level.counts, strict=True)]
        if executor.charge_all(self.named, self.weight, sum(items)):
            return set()
        failed = set()
        for index, count in enumerate(items):
            try:
                executor.charge(self.named, self.weight, count)
            except GraphQLError as error:
                run.errors.add(level, index, self, error)
                pages[index] = ()
                failed.add(index)
        return failed

    def values(self, run: Run, level: Level) -> list[Any]:
        if level.states[self] is None:
            return [None] * len(level.sources)
        below, ends, failed = level.states[self]
        items = self.selection.complete(run, below)
        values: list[Any] = [items] if len(ends) == 1 else slices(items, ends)
        for index in failed:
            values[index] = None
        if not self.nullable[1] and None in items:
            values = [None if value is None or None in value else value for value in values]
        return values


def slices(items: list[Any], ends: list[int]) -> list[list[Any]]:
    """The parts of a list that end at these positions."""
    starts = [0, *ends[:-1]]
    return [items[start:end] for start, end in zip(starts, ends, strict=True)]


class NodeField(FieldPlan):
    """`node` of an edge: the record itself."""

    selection: Selection

    def start(self, run: Run, level: Level) -> None:
        below = level.states[self] = Level(self.selection, level.sources, level, self, one_each)
        run.enter(below)

    def values(self, run: Run, level: Level) -> list[Any]:
        return self.selection.complete(run, level.states[self])


class CursorField(FieldPlan):
    """`cursor` of an edge."""

    def __init__(self, *field: Any, model: type[Model]) -> None:
        super().__init__(*field)
        self.model = model

    def start(self, run: Run, level: Level) -> None:
        """Nothing is loaded."""

    def values(self, run: Run, level: Level) -> list[Any]:
        assert level.page is not None
        order = level.page.order
        return [encode_cursor(self.model, order, row) for row in level.objects]


def one_each(position: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Origins of objects of which each parent has one."""
    yield position, ()
