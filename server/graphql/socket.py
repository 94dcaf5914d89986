"""GraphQL over WebSocket: the graphql-transport-ws protocol."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Any

import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from core.errors import DomainError, NotAuthenticated
from schema.framework.error_masking import mask_error
from server.graphql.context import ConnectionInit, SocketEndpoint
from server.graphql.json import decode
from server.graphql.refusals import Refusal

log = structlog.get_logger(__name__)

INVALID, UNAUTHORIZED, FORBIDDEN, TOO_LARGE = 4400, 4401, 4403, 1009


class SocketAdapter(ASGIWebSocketAdapter):
    """Reads messages with a size limit, and closes the socket at most once."""

    view: SocketEndpoint  # type: ignore[assignment]

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """The client's messages; the size is checked before they are parsed."""
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
        """Closes with a reason of at most 123 bytes; does nothing if the socket is closed."""
        try:
            await super().close(code, reason.encode()[:120].decode(errors="ignore"))
        except RuntimeError:
            log.debug("socket_closed", code=code)


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """One socket. Every operation has its own context."""

    view: SocketEndpoint  # type: ignore[assignment]
    context: ConnectionInit
    expiry_task: asyncio.Task[None] | None = None

    async def handle_message(self, message: Any) -> None:
        """Validates a message; a malformed one closes the socket with 4400 and a reason."""
        fault = protocol_error(message)
        if fault:
            await self.handle_invalid_message(fault)
            return
        if message["type"] == "connection_init" and message.get("payload") is None:
            message = {**message, "payload": {}}
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Authenticates; the socket is closed when the token expires or the viewer loses access."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self.expiry_task is None:
            self.expiry_task = asyncio.create_task(self.close_on_expiry())
            self.expiry_task.add_done_callback(self._task_done)

    async def handle_ping(self, message: Any) -> None:
        """Replies with the payload of the ping."""
        payload = {"payload": message["payload"]} if "payload" in message else {}
        await self.websocket.send_json({"type": "pong", **payload})

    async def handle_subscribe(self, message: Any) -> None:
        """Starts an operation, or sends an `error` message."""
        if self.connection_acknowledged:
            try:
                limit = self.view.limits.socket_operations
                if len(self.operations) >= limit:
                    raise Refusal(429, "EXHAUSTED", f"A socket may run at most {limit} operations at a time.")
                message = {**message, "payload": self.view.documents.resolve(message["payload"])}
            except Refusal as refusal:
                await self.refuse(message["id"], refusal)
                return
        await super().handle_subscribe(message)

    async def refuse(self, operation_id: str, refusal: Refusal) -> None:
        """Sends the `error` message of an operation that is not started."""
        error = GraphQLError(refusal.message, extensions=refusal.extensions)
        await self.websocket.send_json({"id": operation_id, "type": "error", "payload": [error.formatted]})

    async def run_operation(self, operation: Operation[Any, Any]) -> None:
        """Runs one operation in its own context, which is closed before `complete` is sent."""
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
            await self.disconnect(FORBIDDEN, error.message)
        except Exception as error:
            await operation.send_initial_errors([mask_error(GraphQLError(str(error), original_error=error))])

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: an invalid document causes an `error` message, and other operations continue."""
        return None

    async def close_on_expiry(self) -> None:
        """Closes with 4401 when the token expires, and with 4403 when the viewer loses access."""
        while True:
            left = seconds_until(self.context.expires_at)
            await asyncio.sleep(max(0, min(left, self.view.limits.recheck_seconds)))
            if seconds_until(self.context.expires_at) <= 0:
                return await self.disconnect(UNAUTHORIZED, "Token expired")
            try:
                await self.view.authenticate(self.context)
            except DomainError as error:
                return await self.disconnect(FORBIDDEN, error.message)
            except Exception:
                log.exception("session_recheck_failed")

    async def disconnect(self, code: int, reason: str) -> None:
        """Closes the socket and cancels its operations, without waiting for the client."""
        await self.websocket.close(code, reason)
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)

    async def shutdown(self) -> None:
        """Cancels the tasks of the socket."""
        if self.expiry_task:
            self.expiry_task.cancel()
        await super().shutdown()


def protocol_error(message: Any) -> str | None:
    """Why the message violates the protocol, or None."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message must be an object with a type"
    kind, payload = message["type"], message.get("payload")
    if kind in ("subscribe", "complete") and (not isinstance(message.get("id"), str) or not message["id"]):
        return "`id` must be a string"
    if kind == "subscribe" and not is_operation(payload):
        return "The payload must be an operation"
    return None


def is_operation(payload: Any) -> bool:
    """Whether the payload is an operation with fields of the right types."""
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("extensions"), dict | None)
        and (payload.get("query") is not None or bool(payload.get("extensions")))
    )


def seconds_until(instant: datetime | None) -> float:
    """Seconds until then; infinite for None."""
    return float("inf") if instant is None else (instant - datetime.now(UTC)).total_seconds()
