"""Mutations that run once per idempotency key."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from uuid import UUID

from graphql import GraphQLObjectType, get_named_type
from strawberry.extensions import FieldExtension
from strawberry.utils.str_converters import to_camel_case

from db.uow import UnitOfWork
from resolvers import access, idempotency
from resolvers.access import Viewer
from schema.framework.decorators import STORED_TYPES


class IdempotentWrite:
    """The transaction of an idempotent mutation: claims the key when it begins, commits after the payload."""

    def __init__(
        self, stack: AsyncExitStack, viewer: Viewer, operation: str, key: str, arguments: Mapping[str, Any]
    ) -> None:
        self._stack, self._viewer = stack, viewer
        self._request = operation, key, arguments
        self._claim: UUID | None = None
        self.uow: UnitOfWork | None = None

    async def begin(self, transaction: AbstractAsyncContextManager[UnitOfWork]) -> UnitOfWork:
        """Begin the transaction. Keys are stored in the viewer's own company, and apply to writes in it."""
        self.uow = uow = await self._stack.enter_async_context(transaction)
        if uow.company_id == self._viewer.company_id:
            self._claim = await idempotency.claim(uow, self._viewer, *self._request)
        return uow

    async def store_result(self, payload: Any) -> None:
        """Store the ids of the rows that the payload holds."""
        if self.uow is not None and self._claim is not None:
            rows = {name: str(row.id) for name, row in vars(payload).items() if hasattr(row, "id")}
            await idempotency.store_result(self.uow, self._claim, rows)


class Idempotent(FieldExtension):
    """Runs a mutation once per `input.idempotencyKey`; a repeated request returns the first one's rows."""

    def apply(self, field: Any) -> None:
        self.payload = field.type

    async def resolve_async(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        key = getattr(arguments.get("input"), "idempotency_key", None)
        if key is None:
            return await next_(source, info, **arguments)
        context = info.context
        async with AsyncExitStack() as stack:
            write = IdempotentWrite(stack, context.viewer, info.field_name, key, arguments)
            context.idempotent_write = write
            try:
                payload = await next_(source, info, **arguments)
                await write.store_result(payload)
                return payload
            except idempotency.AlreadyCompleted as completed:
                return self.payload.of(**await self._rows(info, write, completed.result))
            finally:
                context.idempotent_write = None

    async def _rows(self, info: Any, write: IdempotentWrite, result: Mapping[str, str]) -> dict[str, Any]:
        """The rows of the first request, if the viewer sees them; `NotFound` otherwise."""
        assert write.uow is not None
        returned = get_named_type(info._raw_info.return_type)
        assert isinstance(returned, GraphQLObjectType)
        rows = {}
        for name, id in result.items():
            model = STORED_TYPES[get_named_type(returned.fields[to_camel_case(name)].type).name].model
            rows[name] = await access.find(write.uow, info.context.viewer, model, UUID(id), *idempotency.PATH)
        return rows
