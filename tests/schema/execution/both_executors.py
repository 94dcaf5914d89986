"""Runs documents with both executors, and reports where their results differ."""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import OperationType
from strawberry.types import ExecutionResult

from schema.contract import Contract
from schema.framework.metered_executor import MeteredExecutor
from tests.schema.execution.comparison import Outcome, combine_events, differences, outcome
from tests.schema.execution.random_documents import RandomDocument
from tests.schema.execution.shrinking import shrink

DOCUMENTS = int(os.environ.get("DIFFERENTIAL_DOCUMENTS", "1000"))
"""Documents of a run."""

SEED = os.environ.get("DIFFERENTIAL_SEED", "1")
"""Seed of the documents and of the values of the sample schema."""

PART = 250
"""Documents of a test."""

Contexts = Callable[[], AbstractAsyncContextManager[Any]]
"""Opens the context of one execution. All that it opens lead to the same values."""


class ExhaustiveExecutor(MeteredExecutor):
    """Reports every error that is possible: none hides those beside it by making their parent null."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.error_propagation = False


@dataclass
class Executors:
    """One schema with the stock executor, with the compiled one, and with one that reports all errors."""

    stock: Contract
    compiled: Contract
    exhaustive: Contract
    name: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    """Counts of documents."""
    data: Any = None
    """Data of the last document."""

    async def check(self, document: RandomDocument, contexts: Contexts) -> str:
        """A report of what differs, with the document shrunk; empty if nothing does."""
        found = await self.differences(document, contexts)
        if not found:
            return ""

        async def differs(smaller: RandomDocument) -> bool:
            return bool(await self.differences(smaller, contexts))

        small = await shrink(document, differs)
        return "\n".join([str(small), *(await self.differences(small, contexts) or found)])

    async def differences(self, document: RandomDocument, contexts: Contexts) -> list[str]:
        """What is different between the results of the stock and the compiled executor.

        The document is executed again when it is known, with the same variables and with others.
        """
        stock = await execute(self.stock, document, contexts)
        self.data = stock.data
        self.seen["documents"] += 1
        self.seen["refused" if stock.is_refused else "with errors" if stock.errors else "without errors"] += 1
        self.seen["with ten values or more"] += count_values(stock.data) >= 10
        found = await self._compare(document, contexts, stock)
        found += await self._compare(document, contexts, stock)
        if document.other_variables:
            other = replace(document, variables=document.other_variables)
            found += await self._compare(other, contexts, await execute(self.stock, other, contexts))
        return list(dict.fromkeys(found))

    async def _compare(self, document: RandomDocument, contexts: Contexts, stock: Outcome) -> list[str]:
        compiled = await execute(self.compiled, document, contexts)
        if not differences(stock, compiled):
            return []
        possible = await execute(self.exhaustive, document, contexts)
        found = differences(stock, compiled, possible.errors)
        self.seen["with others of several possible errors"] += not found
        return [f"with {document.variables}", *found] if found else []


async def execute(schema: Contract, document: RandomDocument, contexts: Contexts) -> Outcome:
    """The outcome of a request; of a subscription, those of all its events."""
    arguments = document.text, dict(document.variables)
    async with contexts() as context:
        try:
            if document.operation is OperationType.SUBSCRIPTION:
                stream = await schema.subscribe(*arguments, context, operation_name=document.operation_name)
                return combine_events([outcome(result) async for result in stream])
            result = await schema.execute(*arguments, context, operation_name=document.operation_name)
        except Exception as error:
            return Outcome(raised=repr(error))
        assert isinstance(result, ExecutionResult), result
        return outcome(result, getattr(context, "calls", None))


def count_values(data: Any) -> int:
    """The scalars of a result that are not null."""
    if isinstance(data, dict | list):
        return sum(map(count_values, data.values() if isinstance(data, dict) else data))
    return data is not None
