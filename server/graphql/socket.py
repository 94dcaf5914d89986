"""GraphQL over WebSocket: the graphql-transport-ws protocol."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from json import JSONDecodeError
from typing import Any, Protocol

import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from core.errors import DomainError, ErrorCode, NotAuthenticated
from schema.framework.error_masking import mask_error
from schema.framework.outages import outage
from server.graphql.admission import Admission
from server.graphql.context import ConnectionInit, IdentifyCaller, OpenContext, OperationContext
from server.graphql.documents import is_subscription
from server.graphql.json import decode, encode
from server.graphql.limits import TransportLimits
from server.graphql.persisted import PersistedDocuments
from server.graphql.refusals import Refusal, status_without_data
from server.graphql.sessions import Deadlines, Session, Sessions
from server.graphql.shared_streams import SharedStreams

log = structlog.get_logger(__name__)

UNAUTHORIZED, FORBIDDEN, INIT_TIMEOUT = 4401, 4403, 4408
"""Codes of closed sockets. Clients try again after 4403, with a new token, but not after 4401."""
TOO_LARGE, INTERNAL_ERROR, TRY_AGAIN_LATER = 1009, 1011, 1013

LAST_MESSAGE_SECONDS = 0.5
"""Time to send the last messages of operations whose viewer has lost access."""


class SocketEndpoint(Protocol):
    """The endpoint as its sockets use it."""

    limits: TransportLimits
    documents: PersistedDocuments
    open_context: OpenContext
    identify_caller: IdentifyCaller
    admission: Admission
    sessions: Sessions
    deadlines: Deadlines
    streams: SharedStreams

    async def close_context(self, context: OperationContext) -> None:
        """Closes a context, even if the operation was cancelled."""

    async def authenticate(self, connection: ConnectionInit) -> None:
        """Verifies the token of a socket, and sets its viewer and expiry. Raises `DomainError`."""


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

    async def send_text(self, text: str) -> None:
        """Sends an encoded message."""
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Closes with a reason of at most 123 bytes; does nothing if the socket is closed or left."""
        try:
            await super().close(code, reason.encode()[:120].decode(errors="ignore"))
        except (RuntimeError, WebSocketDisconnect):
            log.debug("socket_closed", code=code)


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """One socket. Every operation has its own context."""

    view: SocketEndpoint  # type: ignore[assignment]
    context: ConnectionInit
    websocket: SocketAdapter
    session: Session | None = None
    init_timer: asyncio.TimerHandle | None = None
    warning: asyncio.Task[None] | None = None
    closing: asyncio.Task[None] | None = None
    deadlines: dict[datetime, Callable[[], None]] = {}  # noqa: RUF012  # replaced, never changed

    def on_request_accepted(self) -> None:
        """Starts the time for `connection_init`."""
        seconds = self.view.limits.init_seconds
        self.init_timer = asyncio.get_running_loop().call_later(seconds, self.time_out)

    def time_out(self) -> None:
        """Closes with 4408: no `connection_init` was received in time."""
        self.connection_timed_out = True
        self.close_soon(self.websocket.close(INIT_TIMEOUT, "Connection initialisation timeout"))

    def close_soon(self, closing: Coroutine[Any, Any, None]) -> None:
        """Closes the socket, unless it is being closed."""
        if self.closing is None:
            self.closing = asyncio.create_task(closing)
            self.closing.add_done_callback(self._task_done)
        else:
            closing.close()

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
        if self.init_timer is not None:
            self.init_timer.cancel()
            self.init_timer = None
        try:
            await super().handle_connection_init(message)
        except WebSocketDisconnected:
            raise
        except Exception as error:
            unavailable = outage(error)
            if unavailable is None:
                log.exception("connection_init_failed")
                await self.websocket.close(INTERNAL_ERROR, "Internal error")
            else:
                log.warning("connection_init_unavailable", cause=type(error).__name__)
                await self.websocket.close(TRY_AGAIN_LATER, unavailable.message)
        viewer = self.context.viewer
        if self.connection_acknowledged and self.session is None and viewer and viewer.identity is not None:
            self.session = self.view.sessions.join(viewer, self)
            self.await_expiry()

    def await_expiry(self) -> None:
        """Warns the client before the token expires, and closes the socket when it does."""
        expires_at = self.context.expires_at
        if expires_at is not None:
            left = expires_at - datetime.now(UTC)
            lead = min(timedelta(seconds=self.view.limits.expiry_warning_seconds), left / 2)
            self.deadlines = {expires_at - lead: self.warn, expires_at: self.expire}
            for instant, callback in self.deadlines.items():
                self.view.deadlines.add(instant, callback)

    def forget_expiry(self) -> None:
        """Neither warns the client nor closes the socket."""
        for instant, callback in self.deadlines.items():
            self.view.deadlines.remove(instant, callback)
        self.deadlines = {}

    async def handle_ping(self, message: Any) -> None:
        """Replies with the payload of the ping, unless it is a new token."""
        if await self.renewed_by(message):
            await self.websocket.send_json({"type": "pong", "payload": self.expiry})
            return
        payload = {"payload": message["payload"]} if "payload" in message else {}
        await self.websocket.send_json({"type": "pong", **payload})

    async def handle_pong(self, message: Any) -> None:
        """Goes on with a new token, if the pong has one."""
        await self.renewed_by(message)

    async def renewed_by(self, message: Any) -> bool:
        """Whether a ping or pong has an access token, with which the socket goes on. Closes for another's."""
        token = authorization(message.get("payload"))
        if token is None or not self.connection_acknowledged:
            return False
        try:
            if not await self.renew(token):
                raise NotAuthenticated("The access token belongs to another session.")
        except NotAuthenticated as error:
            self.close_soon(self.disconnect(FORBIDDEN, error.message))
            return False
        return True

    async def renew(self, token: str) -> bool:
        """Goes on with an access token of the same session; False if it is of another one."""
        params = {
            name: value
            for name, value in (self.context.connection_params or {}).items()
            if str(name).lower() != "authorization"
        }
        params["Authorization"] = token
        context = await self.view.open_context(self.context.socket, params)
        await self.view.close_context(context)
        if self.session is None or context.credential != self.session.credential:
            return False
        self.forget_expiry()
        self.context.connection_params, self.context.expires_at = params, context.expires_at
        self.await_expiry()
        return True

    @property
    def expiry(self) -> dict[str, Any]:
        """When the socket's token expires, for its client."""
        expires_at = self.context.expires_at
        if expires_at is None:
            return {}
        seconds = max(0, round((expires_at - datetime.now(UTC)).total_seconds()))
        return {"expiresAt": expires_at.isoformat(), "expiresIn": seconds}

    async def handle_subscribe(self, message: Any) -> None:
        """Starts an operation, or sends an `error` message."""
        if self.connection_acknowledged:
            try:
                limit = self.view.limits.socket_operations
                if len(self.operations) >= limit:
                    raise Refusal(
                        429, ErrorCode.EXHAUSTED, f"A socket may run at most {limit} operations at a time."
                    )
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
            if not is_subscription(operation.query, operation.operation_name):
                async with self.view.admission.slot(self.caller):
                    await self.stream_results(operation, await self.open_context())
            elif self.session is not None and self.session.audience is not None:
                await self.watch(operation, self.session)
            else:
                async with self.view.admission.slot(self.caller):
                    context = await self.open_context()
                await self.stream_results(operation, context)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except NotAuthenticated as error:
            await self.disconnect(FORBIDDEN if self.is_expired else UNAUTHORIZED, error.message)
        except Exception as error:
            await operation.send_initial_errors([mask_error(GraphQLError(str(error), original_error=error))])

    async def watch(self, operation: Operation[Any, Any], session: Session) -> None:
        """Sends the results of a subscription, which others may share."""
        query, variables, name = operation.query, operation.variables, operation.operation_name
        operation.query, operation.variables, id = "", None, encode(operation.id).decode()
        async with aclosing(self.view.streams.watch(session.context, query, variables, name)) as messages:
            del query, variables
            async for message in messages:
                if message.kind == "error":
                    await operation.send_initial_errors(message.result.errors)
                else:
                    await self.websocket.send_text(f'{{"id":{id},"type":"next","payload":{message.payload}}}')

    @property
    def caller(self) -> Hashable:
        """Who sends the operations of the socket."""
        return self.view.identify_caller(self.context.socket, self.context.connection_params)

    async def open_context(self) -> OperationContext:
        """The context of one operation."""
        return await self.view.open_context(self.context.socket, self.context.connection_params)

    async def stream_results(self, operation: Operation[Any, Any], context: OperationContext) -> None:
        """Runs an operation and sends its results. Closes the context."""
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
        if context.issued_token is not None and self.session is not None:
            await self.renew(f"Bearer {context.issued_token}")

    async def _send_result_stream(
        self, operation: Operation[Any, Any], result_source: AsyncGenerator[Any, None]
    ) -> None:
        """Sends the results; one without data because of an outage ends the operation with `error`."""
        async with aclosing(self.until_outage(operation, result_source)) as results:
            await super()._send_result_stream(operation, results)

    async def until_outage(
        self, operation: Operation[Any, Any], results: AsyncGenerator[Any, None]
    ) -> AsyncGenerator[Any, None]:
        """The results before an outage, which is sent as an `error` message."""
        async for result in results:
            errors = getattr(result, "errors", None) or []
            formatted = [error.formatted for error in errors]
            if status_without_data(getattr(result, "data", None), formatted):
                await operation.send_initial_errors(errors)
                return
            yield result

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: an invalid document causes an `error` message, and other operations continue."""
        return None

    @property
    def is_expired(self) -> bool:
        """Whether the token has expired."""
        expires_at = self.context.expires_at
        return expires_at is not None and expires_at <= datetime.now(UTC)

    def warn(self) -> None:
        """Tells the client by a ping that the token expires soon."""
        self.warning = asyncio.create_task(self.send_warning())

    async def send_warning(self) -> None:
        """Sends the warning, unless the client has left."""
        with suppress(WebSocketDisconnect, WebSocketDisconnected, RuntimeError):
            await self.websocket.send_json({"type": "ping", "payload": self.expiry})

    def expire(self) -> None:
        """Closes with 4403: the token has expired."""
        self.close_soon(self.disconnect(FORBIDDEN, "Token expired"))

    def end(self, error: DomainError) -> None:
        """Closes with 4401: the viewer has lost access."""
        self.close_soon(self.end_session(error))

    async def end_session(self, error: DomainError) -> None:
        """Closes with 4401, once the operations have been told."""
        tasks = [operation.task for operation in self.operations.values() if operation.task]
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_MESSAGE_SECONDS)
        await self.disconnect(UNAUTHORIZED, error.message)

    def note_access(self) -> None:
        """Does nothing: each operation looks its viewer up."""

    async def disconnect(self, code: int, reason: str) -> None:
        """Cancels the operations of the socket, and closes it."""
        for operation_id, operation in list(self.operations.items()):
            if operation.task is not asyncio.current_task():
                await self.cleanup_operation(operation_id)
        await self.websocket.close(code, reason)

    async def shutdown(self) -> None:
        """Cancels the operations and timers of the socket."""
        if self.init_timer is not None:
            self.init_timer.cancel()
        if self.session is not None:
            self.view.sessions.leave(self.session, self)
            self.forget_expiry()
        await super().shutdown()


def authorization(payload: Any) -> str | None:
    """The `authorization` of a payload, in any case."""
    if not isinstance(payload, dict):
        return None
    values = (value for name, value in payload.items() if name.lower() == "authorization")
    return next((value for value in values if isinstance(value, str)), None)


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
