"""GraphQL over WebSocket: the graphql-transport-ws protocol."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from core.errors import DomainError, NotAuthenticated
from schema.framework.error_masking import mask_error
from server.graphql.json import decode
from server.graphql.refusals import Refusal

if TYPE_CHECKING:
    from server.graphql.view import GraphQLView

log = structlog.get_logger(__name__)

INVALID, UNAUTHORIZED, FORBIDDEN, TOO_LARGE = 4400, 4401, 4403, 1009


@dataclass
class ConnectionInit:
    """An open socket before its first operation: what its client said, and until when it may stay."""

    socket: WebSocket
    connection_params: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None


class SocketAdapter(ASGIWebSocketAdapter):
    """Reads and writes messages, and closes once."""

    view: "GraphQLView"  # type: ignore[assignment]  # only this view makes them

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """The client's messages, each bounded before it is read as JSON."""
        while self.ws.application_state is WebSocketState.CONNECTED:
            try:
                text = await self.ws.receive_text()
            except KeyError as error:
                raise NonTextMessageReceived from error
            except WebSocketDisconnect:
                return
            if len(text) > self.view.limits.frame_characters:
                await self.close(TOO_LARGE, "Message too large")
                return
            try:
                message = decode(text)
            except JSONDecodeError as error:
                raise NonJsonMessageReceived from error
            yield message

    async def close(self, code: int, reason: str) -> None:
        """Close with a reason of at most 123 bytes; a socket that is closed stays so."""
        try:
            await super().close(code, reason.encode()[:120].decode(errors="ignore"))
        except RuntimeError:
            log.debug("socket_closed", code=code)


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """One socket; every operation on it has a context of its own."""

    view: "GraphQLView"
    context: ConnectionInit
    watch: asyncio.Task[None] | None = None

    async def handle_message(self, message: Any) -> None:
        """Check a message's shape: a malformed one closes the socket with 4400 and a reason."""
        fault = protocol_error(message)
        if fault:
            await self.handle_invalid_message(fault)
            return
        if message["type"] == "connection_init" and message.get("payload") is None:
            message = {**message, "payload": {}}
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Sign in; from then on the socket is closed when its viewer may no longer be there."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self.watch is None:
            self.watch = asyncio.create_task(self.close_in_time())
            self.watch.add_done_callback(self._task_done)

    async def handle_ping(self, message: Any) -> None:
        """Answer with the payload that came."""
        payload = {"payload": message["payload"]} if "payload" in message else {}
        await self.websocket.send_json({"type": "pong", **payload})

    async def handle_subscribe(self, message: Any) -> None:
        """Start an operation, or send why there will be none."""
        if self.connection_acknowledged:
            try:
                if len(self.operations) >= self.view.limits.socket_operations:
                    raise Refusal(429, "EXHAUSTED", "Too many operations on this socket.")
                message = {**message, "payload": self.view.documents.resolve(message["payload"])}
            except Refusal as refusal:
                await self.refuse(message["id"], refusal)
                return
        await super().handle_subscribe(message)

    async def refuse(self, operation_id: str, refusal: Refusal) -> None:
        """Send the `error` message of an operation that does not begin."""
        error = GraphQLError(refusal.message, extensions=refusal.extensions)
        await self.websocket.send_json({"id": operation_id, "type": "error", "payload": [error.formatted]})

    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        """Run one operation in a context of its own, closed before its `complete` is sent."""
        try:
            context = await self.view.open_context(self.context.socket, self.context.connection_params)
            try:
                results = await self.schema.stream(
                    operation.query,
                    variable_values=operation.variables,
                    context_value=context,
                    operation_name=operation.operation_name,
                )
                async with aclosing(results):
                    await self._send_result_stream(operation, results)
            finally:
                await self.view.close_context(context)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except NotAuthenticated as error:
            await self.expel(FORBIDDEN, error.message)
        except Exception as error:
            await operation.send_initial_errors([mask_error(GraphQLError(str(error), original_error=error))])

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """A document that can't run is told as an `error` message; the socket's other operations go on."""
        return None

    async def close_in_time(self) -> None:
        """Close with 4401 when the token ends, with 4403 when its viewer is no longer welcome."""
        while True:
            left = seconds_until(self.context.expires_at)
            await asyncio.sleep(max(0, min(left, self.view.limits.recheck_seconds)))
            if seconds_until(self.context.expires_at) <= 0:
                return await self.expel(UNAUTHORIZED, "Token expired")
            try:
                await self.view.greet(self.context)
            except DomainError as error:
                return await self.expel(FORBIDDEN, error.message)
            except Exception:
                log.exception("session_recheck_failed")

    async def expel(self, code: int, reason: str) -> None:
        """Close the socket and end its operations, without waiting for the client to agree."""
        await self.websocket.close(code, reason)
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)

    async def shutdown(self) -> None:
        """End what the socket began."""
        if self.watch:
            self.watch.cancel()
        await super().shutdown()


def protocol_error(message: Any) -> str | None:
    """Why a message is none of the protocol's, if it isn't."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    kind, payload = message["type"], message.get("payload")
    if kind in ("subscribe", "complete") and (not isinstance(message.get("id"), str) or not message["id"]):
        return "`id` must be a string"
    if kind == "subscribe" and not is_operation(payload):
        return "The payload must be an operation"
    return None


def is_operation(payload: Any) -> bool:
    """Whether a payload has the members of an operation in the right shape."""
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("extensions"), dict | None)
        and (payload.get("query") is not None or bool(payload.get("extensions")))
    )


def seconds_until(instant: datetime | None) -> float:
    """Infinite for None."""
    return float("inf") if instant is None else (instant - datetime.now(UTC)).total_seconds()
