"""Fields with resolvers of their own, and the objects in their values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, is_abstract_type
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import Path, is_iterable

from schema.execution.arguments import argument_values
from schema.execution.fields import FieldPlan, attempt
from schema.execution.leaves import quick_leaf
from schema.execution.levels import Level, Origins

if TYPE_CHECKING:
    from schema.execution.running import Run
    from schema.execution.selections import Selection

SelectionFor = Callable[[GraphQLObjectType, FieldPlan], "Selection"]


class ResolvedField(FieldPlan):
    """A field with a resolver of its own, which is called for each object."""

    def __init__(
        self,
        *field: Any,
        selection_for: SelectionFor,
        compute: Callable[[Any], Any] | None = None,
        waits: bool = False,
    ) -> None:
        super().__init__(*field)
        self.compute, self.waits = compute, int(waits)
        self.selection_for = selection_for
        self._selections: dict[str, Selection] = {}
        self._complete = quick_leaf(self.definition.type) if self.is_leaf else None

    def start(self, run: Run, level: Level) -> None:
        values = self._resolve(run, level)
        is_awaitable, depth = run.executor.is_awaitable, self.list_depth
        pending = {
            index: settle(value, is_awaitable, depth)
            for index, value in enumerate(values)
            if is_awaitable(value) or needs_settling(value, is_awaitable, depth)
        }
        if not pending:
            self._take(run, level, values)
            return

        def deliver(results: list[Any]) -> None:
            for index, result in zip(pending, results, strict=True):
                values[index] = result
            self._take(run, level, values)

        run.wait(asyncio.gather(*pending.values(), return_exceptions=True), deliver)

    def _resolve(self, run: Run, level: Level) -> list[Any]:
        if self.compute is not None:
            return [attempt(self.compute, each) for each in level.objects]
        executor = run.executor
        try:
            arguments = argument_values(run, self)
        except Exception as error:
            return [error] * len(level.sources)
        resolve = self.definition.resolve or executor.field_resolver
        shared = executor.build_resolve_info(
            self.definition, self.nodes, self.parent, Path(None, self.key, None)
        )
        values: list[Any] = []
        for index, source in enumerate(level.objects):
            info = ResolveInfo(shared, level, index, self)
            try:
                values.append(resolve(source, info, **arguments))
            except Exception as error:
                values.append(error)
        return values

    def _take(self, run: Run, level: Level, values: list[Any]) -> None:
        if self.is_leaf:
            level.states[self] = values
        else:
            level.states[self] = Children(run, level, self, values)

    def values(self, run: Run, level: Level) -> list[Any]:
        state = level.states[self]
        if isinstance(state, Children):
            return state.complete(run)
        try:
            assert self._complete is not None
            return [self._complete(value) for value in state]
        except Exception:
            return [self.complete_value(run, level, index, value) for index, value in enumerate(state)]

    def selection(self, kind: GraphQLObjectType) -> Selection:
        """The selection set on an object type, compiled when its first object is met."""
        if kind.name not in self._selections:
            self._selections[kind.name] = self.selection_for(kind, self)
        return self._selections[kind.name]


class Children:
    """The objects that the values of a field hold, as one level for each of their types."""

    def __init__(self, run: Run, level: Level, field: ResolvedField, values: list[Any]) -> None:
        self.field, self.level = field, level
        self._sources: dict[str, list[Any]] = {}
        self._origins: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        self._info: Any = None
        self._shapes = [self._take(run, index, value, ()) for index, value in enumerate(values)]
        self.levels = {}
        for name, sources in self._sources.items():
            kind: Any = run.executor.schema.get_type(name)
            origins = self._origins[name]
            below = Level(field.selection(kind), sources, level, field, one_of(origins))
            self.levels[name] = below
            run.enter(below)

    def _take(self, run: Run, index: int, value: Any, steps: tuple[int, ...]) -> Any:
        """Where the parts of a value are: (type, position), a list of such, or None."""
        field, depth = self.field, len(steps)
        try:
            value = field.checked(value, depth)
            if value is None:
                return None
            if depth < field.list_depth:
                items = list(value)
                counts = self.level.counts
                count = len(items) if counts is None else len(items) * counts[index]
                if depth == 0 and not run.executor.charge(field.named, field.weight, count):
                    items = []
                return [self._take(run, index, item, (*steps, at)) for at, item in enumerate(items)]
            name = self._type_of(run, value)
        except Exception as error:
            run.errors.add(self.level, index, field, error, steps)
            return None
        sources = self._sources.setdefault(name, [])
        sources.append(value)
        self._origins.setdefault(name, []).append((index, steps))
        return name, len(sources) - 1

    def _type_of(self, run: Run, value: Any) -> str:
        executor, kind = run.executor, self.field.named
        if is_abstract_type(kind) or kind.is_type_of is not None:
            if self._info is None:
                field = self.field
                self._info = executor.build_resolve_info(
                    field.definition, field.nodes, field.parent, Path(None, field.key, None)
                )
            if is_abstract_type(kind):
                resolve_type = kind.resolve_type or executor.type_resolver
                name = resolve_type(value, self._info, kind)
                if executor.is_awaitable(name):
                    run.refuse()
                kind = executor.ensure_valid_runtime_type(
                    name, kind, list(self.field.details), self._info, value
                )
            if kind.is_type_of is not None:
                matches = kind.is_type_of(value, self._info)
                if executor.is_awaitable(matches):
                    run.refuse()
                if not matches:
                    raise invalid_return_type_error(kind, value, list(self.field.details))
        return str(kind.name)

    def complete(self, run: Run) -> list[Any]:
        """The completed values."""
        completed = {name: level.selection.complete(run, level) for name, level in self.levels.items()}
        return [self._fill(completed, shape, 0) for shape in self._shapes]

    def _fill(self, completed: dict[str, list[Any]], shape: Any, depth: int) -> Any:
        """The completed value in place of a shape."""
        if shape is None:
            return None
        if isinstance(shape, tuple):
            return completed[shape[0]][shape[1]]
        items = [self._fill(completed, part, depth + 1) for part in shape]
        return None if not self.field.nullable[depth + 1] and None in items else items


def one_of(origins: list[tuple[int, tuple[int, ...]]]) -> Origins:
    """Origins of objects with one parent each."""
    return lambda position: iter((origins[position],))


class ResolveInfo:
    """The info of a resolver: shared by a level, but for the path of the field."""

    __slots__ = ("_field", "_index", "_level", "_shared")

    def __init__(self, shared: Any, level: Level, index: int, field: FieldPlan) -> None:
        self._shared, self._level, self._index, self._field = shared, level, index, field

    @property
    def path(self) -> Path:
        """The path of the field, the first one if its object has several."""
        above = next(self._level.places(self._index)).path
        path: Path | None = None
        for step in above:
            path = Path(path, step, None)
        return Path(path, self._field.key, self._field.parent.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shared, name)


def needs_settling(value: Any, is_awaitable: Callable[[Any], bool], depth: int) -> bool:
    """Whether lists of this depth hold awaitables, or are iterables of another kind."""
    if depth == 0 or value is None or isinstance(value, Exception):
        return False
    if isinstance(value, list | tuple):
        return any(is_awaitable(item) or needs_settling(item, is_awaitable, depth - 1) for item in value)
    return isinstance(value, AsyncIterable) or is_iterable(value)


async def settle(value: Any, is_awaitable: Callable[[Any], bool], depth: int) -> Any:
    """The value with lists for other iterables, and with results or errors for awaitables."""
    try:
        if is_awaitable(value):
            value = await value
        if depth and isinstance(value, AsyncIterable):
            value = [item async for item in value]
        elif depth and is_iterable(value) and not isinstance(value, list | tuple):
            value = list(value)
    except Exception as error:
        return error
    if needs_settling(value, is_awaitable, depth):
        return await asyncio.gather(*(settle(item, is_awaitable, depth - 1) for item in value))
    return value
