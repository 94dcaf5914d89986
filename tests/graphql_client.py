"""Operations sent to the real schema over the real database, as people of different companies and roles."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from strawberry.types import ExecutionResult

from resolvers.identity import accounts
from schema.contract import Contract
from schema.framework.context import Context, Services
from schema.framework.introspection_cache import EncodedData, fragment_of
from server.graphql.context import OperationContext
from server.graphql.sessions import Deadlines, Sessions
from server.graphql.shared_streams import SharedStreams
from tests.factories import Fixture

Refusal = tuple[str, tuple[str, ...]]
"""The code of an error and the path of the argument at fault."""


def shared_streams(schema: Contract) -> SharedStreams:
    """What subscriptions share, as in a process of their own."""

    async def close_context(context: OperationContext) -> None:
        await context.close()

    return SharedStreams(schema, Sessions(lambda: 3600), Deadlines(), close_context)


def decode_again(data: Any) -> Any:
    """Data as clients receive it: decoded from JSON, unless it is encoded already."""
    return data if isinstance(data, EncodedData) else orjson.loads(orjson.dumps(data, default=fragment_of))


@dataclass
class Client:
    """Sends operations as one person, or as nobody; `statements` are those of the last operation."""

    services: Services
    schema: Contract
    statements: list[str] = field(default_factory=list)
    user_id: UUID | None = None
    address: str | None = None
    streams: SharedStreams = field(init=False)

    def __post_init__(self) -> None:
        self.streams = shared_streams(self.schema)

    def of(self, user: Fixture | None) -> Client:
        """The same, as this person. Both share `statements` and what subscriptions share."""
        client = Client(self.services, self.schema, self.statements, user.id if user else None)
        client.streams = self.streams
        return client

    async def send(self, document: str, **variables: Any) -> ExecutionResult:
        """The raw result; a person who may not sign in is an exception, as it is for the server."""
        context = await self._context()
        self.statements.clear()
        try:
            result = await self.schema.execute(document, variables, context)
        finally:
            await context.close()
        assert isinstance(result, ExecutionResult)
        result.data = decode_again(result.data)
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
        results = (
            await self.schema.subscribe(document, variables, context)
            if context.audience is None
            else self._results(context, document, variables)
        )
        try:
            async with aclosing(results):
                yield results
        finally:
            await context.close()

    async def _results(self, context: Context, document: str, variables: Any) -> AsyncGenerator[Any, None]:
        messages = self.streams.watch(context, document, variables, None)
        async with aclosing(messages):
            async for message in messages:
                yield message.result

    async def _context(self) -> Context:
        viewer = None
        if self.user_id is not None:
            viewer = await accounts.load_viewer(self.services.database, self.user_id, None)
        return Context(self.services, viewer, address=self.address)

    async def refusals(self, document: str, **variables: Any) -> list[Refusal]:
        """What was refused, at the top or in the payload of the document's only mutation."""
        result = await self.send(document, **variables)
        if result.errors:
            received = [error.extensions or {} for error in result.errors]
            return [(each["code"], tuple(each.get("path", ()))) for each in received]
        assert result.data is not None
        (payload,) = result.data.values()
        return [(error["code"], tuple(error["path"])) for error in (payload or {}).get("errors", ())]
