"""Operations sent to the real schema over the real database, as people of different companies and roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from strawberry.types import ExecutionResult

from resolvers.identity import accounts
from schema.contract import Contract
from schema.framework.context import Context, Services
from tests.factories import Fixture

Refusal = tuple[str, tuple[str, ...]]
"""The code of an error and the path of the argument at fault."""


@dataclass
class Client:
    """Sends operations as one person, or as nobody; `statements` are those of the last operation."""

    services: Services
    schema: Contract
    statements: list[str] = field(default_factory=list)
    user_id: UUID | None = None

    def of(self, user: Fixture | None) -> Client:
        """The same, as this person. Both share `statements`."""
        return Client(self.services, self.schema, self.statements, user.id if user else None)

    async def send(self, document: str, **variables: Any) -> ExecutionResult:
        """The raw result; a person who may not sign in is an exception, as it is for the server."""
        context = await self._context()
        self.statements.clear()
        try:
            result = await self.schema.execute(document, variables, context)
        finally:
            await context.close()
        assert isinstance(result, ExecutionResult)
        return result

    async def __call__(self, document: str, **variables: Any) -> Any:
        """The data; an error fails the test, also one in a mutation's payload."""
        result = await self.send(document, **variables)
        assert result.errors is None, [(error.message, error.extensions) for error in result.errors or ()]
        assert result.data is not None
        for name, payload in result.data.items():
            if isinstance(payload, dict):
                assert not payload.get("errors"), f"{name}: {payload['errors']}"
        return result.data

    @asynccontextmanager
    async def watch(self, document: str, **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """A subscription's results, until it is left."""
        context = await self._context()
        self.statements.clear()
        results = await self.schema.subscribe(document, variables, context)
        try:
            async with aclosing(results):
                yield results
        finally:
            await context.close()

    async def _context(self) -> Context:
        viewer = None
        if self.user_id is not None:
            viewer = await accounts.load_viewer(self.services.database, self.user_id, None)
        return Context(self.services, viewer, "http://seshat.test")

    async def refusals(self, document: str, **variables: Any) -> list[Refusal]:
        """What was refused, at the top or in the payload of the document's only mutation."""
        result = await self.send(document, **variables)
        if result.errors:
            received = [error.extensions or {} for error in result.errors]
            return [(each["code"], tuple(each.get("path", ()))) for each in received]
        assert result.data is not None
        (payload,) = result.data.values()
        return [(error["code"], tuple(error["path"])) for error in (payload or {}).get("errors", ())]
