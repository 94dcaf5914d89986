"""A run of a plan: it loads level by level, then completes the answer from what is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from itertools import chain
from typing import TYPE_CHECKING, Any

from schema.execution.levels import Errors, Level

if TYPE_CHECKING:
    from schema.execution.executor import CompiledExecutor
    from schema.execution.plans import Plan

Deliver = Callable[[Any], None]
Load = Callable[[Collection[Any]], Awaitable[Any]]


class StockOnly(Exception):
    """The plan met what only the stock executor can do."""


class Run:
    """One execution of a plan."""

    unsupported = False

    def __init__(self, executor: CompiledExecutor, plan: Plan) -> None:
        self.executor, self.plan = executor, plan
        self.context: Any = executor.context_value
        self.errors = Errors()
        self._loads: dict[Hashable, tuple[Load, list[tuple[Collection[Any], Deliver]]]] = {}
        self._tasks: dict[asyncio.Future[Any], Deliver] = {}
        self._levels: list[Level] = []

    async def execute(self, root: Any, *, serially: bool) -> dict[str, Any] | None:
        """The data of the answer."""
        try:
            return await self._execute(Level(self.plan.root, [root]), serially)
        finally:
            while self._levels:  # each is a cycle with those below, and with the run: rows would be garbage
                self._levels.pop().states.clear()

    async def _execute(self, level: Level, serially: bool) -> dict[str, Any] | None:
        try:
            if serially:
                self._levels.append(level)
                for field in level.selection.loaded:
                    field.start(self, level)
                    await self._load()
                    completed = field.values(self, level)
                    level.states[field] = completed
                    if completed[0] is None and field.is_required:
                        return None
                parts = [level.states[field] for field in level.selection.loaded]
                built: list[dict[str, Any] | None] = level.selection.build(self, level, parts)
                return built[0]
            self.enter(level)
            await self._load()
            if self.unsupported:
                raise StockOnly
        finally:
            await self._cancel()
        if end_reads := getattr(self.context, "end_reads", None):
            end_reads()
        answer: list[dict[str, Any] | None] = level.selection.complete(self, level)
        return answer[0]

    def refuse(self) -> None:
        """Give the operation up: the stock executor has to run it."""
        self.unsupported = True
        raise StockOnly

    def enter(self, level: Level) -> None:
        """Start loading what the fields of a level need."""
        self._levels.append(level)
        if level.sources:
            for field in level.selection.loaded:
                field.start(self, level)

    # -- what fields ask for

    def load(self, name: Hashable, load: Load, keys: Collection[Any], deliver: Deliver) -> None:
        """Load the values of keys, in one call with others of an equal name. Delivers its result or error."""
        self._loads.setdefault(name, (load, []))[1].append((keys, deliver))

    def wait(self, work: Awaitable[Any], deliver: Deliver) -> None:
        """Wait for the work beside everything else."""
        self._tasks[asyncio.ensure_future(work)] = deliver

    async def _load(self) -> None:
        while self._loads or self._tasks:
            if not self._loads:
                done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in self._tasks if task in done]:
                    deliver = self._tasks.pop(task)
                    deliver(task.result())
            loads, self._loads = self._loads, {}
            for load, waiting in loads.values():
                keys = waiting[0][0]
                if len(waiting) > 1:
                    keys = dict.fromkeys(chain.from_iterable(some for some, _ in waiting))
                found: Any
                try:
                    found = await load(keys)
                except Exception as error:
                    found = error
                for _, deliver in waiting:
                    deliver(found)

    async def _cancel(self) -> None:
        """End what still runs after an error or a cancellation."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
