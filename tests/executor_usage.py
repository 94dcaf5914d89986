"""How the operations of a test run are executed: compiled, stock or bailed, by root selections and CPU time.

`make test ARGS=--executor-usage` prints the shares. Operations of the differential tests do not count.
"""

import os
import time
from collections import defaultdict
from collections.abc import Awaitable
from typing import Any

import pytest

from schema.execution.executor import CompiledExecutor

Usage = dict[tuple[str, str, str], tuple[int, float]]
"""Root selections and seconds of CPU time, by execution, cause and root field."""

DIFFERENTIAL = "tests/schema/execution/"


class ExecutorUsage:
    """Records each operation of a process, and adds up those of all processes of a parallel run."""

    def __init__(self) -> None:
        self.usage: Usage = {}

    def pytest_configure(self) -> None:
        """Measure each execution from its beginning to its end."""
        execute = CompiledExecutor.execute_operation

        def measured(executor: CompiledExecutor, serially: bool | None = None) -> Any:
            began = time.thread_time()
            result = execute(executor, serially)
            if executor.is_awaitable(result):
                return self._finish(executor, result, began)
            self._record(executor, time.thread_time() - began)
            return result

        CompiledExecutor.execute_operation = measured  # type: ignore[method-assign, assignment]

    async def _finish(self, executor: CompiledExecutor, result: Awaitable[Any], began: float) -> Any:
        try:
            return await result
        finally:
            self._record(executor, time.thread_time() - began)

    def _record(self, executor: CompiledExecutor, seconds: float) -> None:
        if os.environ.get("PYTEST_CURRENT_TEST", "").startswith(DIFFERENTIAL):
            return
        selections = executor.operation.selection_set.selections
        cause = type(executor.cause).__name__ if executor.cause else ""
        for selection in selections:
            name = selection.name.value if hasattr(selection, "name") else "a fragment"
            field = f"{executor.operation.operation.value} {name}"
            self.add({(executor.execution or "cancelled", cause, field): (1, seconds / len(selections))})

    def add(self, usage: Usage) -> None:
        """Add what was recorded."""
        for key, (count, seconds) in usage.items():
            known = self.usage.get(key, (0, 0.0))
            self.usage[key] = known[0] + count, known[1] + seconds

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand what a process of a parallel run has recorded to the process that began it."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["executor_usage"] = [[list(key), list(value)] for key, value in self.usage.items()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """Take it."""
        self.add({tuple(key): tuple(value) for key, value in node.workeroutput.get("executor_usage", ())})

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the shares, and what was not compiled."""
        terminalreporter.section("executor usage")
        for line in self.report():
            terminalreporter.write_line(line)

    def report(self) -> list[str]:
        """The shares of each way of execution, and the root fields that were not compiled."""
        totals: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
        for (execution, _, _), (count, seconds) in self.usage.items():
            totals[execution][0] += count
            totals[execution][1] += seconds
        selections = sum(count for count, _ in totals.values()) or 1
        duration = sum(seconds for _, seconds in totals.values()) or 1
        lines = [
            f"{execution}: {count:.0f} root selections ({count / selections:.2%}), "
            f"{seconds:.2f} s CPU ({seconds / duration:.2%})"
            for execution, (count, seconds) in sorted(totals.items())
        ]
        others = {key: value for key, value in self.usage.items() if key[0] != "compiled"}
        for (execution, cause, field), (count, seconds) in sorted(
            others.items(), key=lambda each: -each[1][0]
        ):
            lines.append(f"  {execution} {field} {cause}: {count} times, {seconds:.3f} s")
        return lines
