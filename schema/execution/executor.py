"""The executor of the contract: compiled where that is possible, and stock where not."""

from collections import Counter
from typing import Any, ClassVar

import structlog
from graphql import ExecutionResult, OperationType

from schema.execution.plans import Kinds, Plan, Plans, no_kinds
from schema.execution.running import Run, StockOnly
from schema.framework.metered_executor import MeteredExecutor
from schema.framework.operation_size import Limits

log = structlog.get_logger(__name__)


class CompiledExecutor(MeteredExecutor):
    """Executes by plans. Falls back to the stock executor, and counts what it did."""

    plans: ClassVar[Plans]
    counts: ClassVar[Counter[str]]
    """Operations and events by how they were executed: `compiled`, `stock` or `bailed`."""

    plan: Plan | None = None
    execution: str = ""
    """How the operation was executed, as in `counts`."""
    cause: BaseException | None = None
    """Why it was not compiled, if an error is the reason."""

    def count_statements(self) -> int:
        """How many fields of the operation may send a statement."""
        return self.plan.statement_count if self.plan else super().count_statements()

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or an awaitable of it."""
        self.plan = plan = self._plan()
        if plan is None:
            self.count("stock")
            return super().execute_operation(serially)
        return self._run(plan, serially)

    def count(self, execution: str, cause: Exception | None = None) -> None:
        """Count the operation as `compiled`, `stock` or `bailed`."""
        self.execution, self.cause = execution, cause or self.cause
        self.counts[execution] += 1

    def _plan(self) -> Plan | None:
        if self.abort_signal is not None or (
            self.middleware_manager and self.middleware_manager._middleware_resolvers
        ):
            return None
        try:
            return self.plans.find(self)
        except Exception as error:
            log.debug("operation_not_compiled", cause=type(error).__name__)
            self.cause = error
            return None

    async def _run(self, plan: Plan, serially: bool | None) -> ExecutionResult:
        is_mutation = self.operation.operation is OperationType.MUTATION
        run = Run(self, plan)
        try:
            data = await run.execute(self.root_value, serially=is_mutation if serially is None else serially)
        except Exception as error:
            if is_mutation:
                raise
            if not isinstance(error, StockOnly):
                log.error("plan_failed", exc_info=error)
            self.count("bailed", error)
            self.spent.clear()
            result = super().execute_operation(serially)
            stock: Any = await result if self.is_awaitable(result) else result
            return stock  # type: ignore[no-any-return]
        self.count("compiled")
        self.collected_errors.errors.extend(run.errors.collected())
        compiled: ExecutionResult = self.build_response(data)
        del self.async_helpers  # its methods of this executor would be a cycle
        return compiled


def executor_with(
    limits: Limits, *, compiled: bool = True, kinds: Kinds = no_kinds, suggests: bool = True
) -> type[MeteredExecutor]:
    """An executor class with these limits, and plans of its own with further kinds of fields.

    Its errors suggest names of the schema if `suggests`.
    """
    members: dict[str, Any] = {"limits": limits, "suggests": suggests}
    if not compiled:
        return type("StockExecutor", (MeteredExecutor,), members)
    return type("Executor", (CompiledExecutor,), members | {"plans": Plans(kinds), "counts": Counter()})
