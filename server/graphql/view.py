"""The GraphQL endpoint: Strawberry's ASGI view with the GraphQL-over-HTTP specification."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import anyio
import structlog
from cross_web import AsyncHTTPRequestAdapter
from graphql import GraphQLError, get_operation_ast, parse
from graphql import OperationType as DocumentOperation
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData, GraphQLRequestProtocol
from strawberry.http.streaming import HTTPStreamTransport
from strawberry.schema import BaseSchema
from strawberry.schema._graphql_core import GraphQLIncrementalExecutionResults as IncrementalResults
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from core.errors import DomainError
from schema.framework.error_masking import mask_error
from server.graphql.body import check_media_type, limit_body, media_type, read_operation, too_large
from server.graphql.context import ConnectionInit, OpenContext, OperationContext
from server.graphql.json import decode, encode
from server.graphql.limits import TransportLimits
from server.graphql.negotiation import GRAPHQL, JSON, Acceptance
from server.graphql.persisted import PersistedDocuments
from server.graphql.refusals import Refusal, refusal
from server.graphql.socket import SocketAdapter, SocketHandler
from server.graphql.streams import transports

log = structlog.get_logger(__name__)

Explorer = Callable[[Request], Awaitable[Response]]
"""Responds to a browser that opens the endpoint."""


class GraphQLView(GraphQL[OperationContext, None]):
    """An ASGI application for one path: route both HTTP and WebSocket to it.

    `open_context` is called once per operation, and to authenticate a socket.
    """

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: BaseSchema,
        open_context: OpenContext,
        *,
        limits: TransportLimits | None = None,
        explorer: Explorer | None = None,
    ) -> None:
        self.limits = limits or TransportLimits()
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=self.limits.init_seconds),
            multipart_uploads_enabled=True,
            max_subscriptions_per_connection=self.limits.socket_operations,
            allowed_origins=self.limits.allowed_origins,
        )
        self.open_context = open_context
        self.explorer = explorer
        self.documents = PersistedDocuments(self.limits.persisted_characters, self.limits.trusted_documents)
        self.stream_transports = transports(self.limits.heartbeat_seconds)

    # -- one request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Responds to a request in any case, or serves a socket."""
        if scope["type"] != "http":
            await self.run(WebSocket(scope, receive, send))
            return
        multipart = media_type(Request(scope)) == "multipart/form-data"
        limit = self.limits.multipart_bytes if multipart else self.limits.json_bytes
        request = Request(scope, limit_body(receive, limit))
        try:
            response = await self.answer(request, limit)
            await response(scope, receive, send)
        except ClientDisconnect:
            log.debug("client_disconnected")
        finally:
            await self.end(request)

    async def answer(self, request: Request, limit: int) -> Response:
        """The response to a request. Unexpected errors are masked and logged under an ID."""
        acceptance = Acceptance.of(request.headers.get("accept"))
        try:
            announced = request.headers.get("content-length", "")
            if announced.isdigit() and int(announced) > limit:
                raise too_large(limit)
            response = await self.operate(request, acceptance)
        except ClientDisconnect:
            raise
        except Exception as error:
            response = refusal(error).response(acceptance.json or JSON)
        response.headers["vary"] = "Accept"
        response.headers["x-content-type-options"] = "nosniff"
        response.headers.setdefault("cache-control", "no-store")
        return response

    async def operate(self, request: Request, acceptance: Acceptance) -> Response:
        """Validates the headers, then runs the operation."""
        if request.method not in ("GET", "POST"):
            raise Refusal(405, "METHOD_NOT_ALLOWED", "Use GET or POST.", {"Allow": "GET, POST"})
        if (
            self.explorer
            and request.method == "GET"
            and acceptance.html
            and "query" not in request.query_params
        ):
            return await self.explorer(request)
        if not (acceptance.json or acceptance.stream or acceptance.incremental):
            raise Refusal(406, "NOT_ACCEPTABLE", f"Accept {GRAPHQL} or {JSON}.")
        if request.method == "POST":
            check_media_type(request)
        request.state.acceptance = acceptance
        request.state.context = context = await self.open_context(request, None)
        response = await self.run(request, context=context)
        if not isinstance(response, StreamingResponse):
            await self.end(request)
        return response

    async def end(self, request: Request) -> None:
        """Releases the context, the stream and the uploaded files of a request."""
        context: OperationContext | None = getattr(request.state, "context", None)
        request.state.context = None
        stream = getattr(request.state, "stream", None)
        with anyio.CancelScope(shield=True):
            if stream is not None and context is not None:
                await stream.aclose()
            if context is not None:
                await self.close_context(context)
            await request.close()

    async def close_context(self, context: OperationContext) -> None:
        """Closes a context, even if the operation was cancelled."""
        with anyio.CancelScope(shield=True):
            await context.close()

    # -- Strawberry's hooks, in call order

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Any:
        """The initial context of a socket; requests are given theirs."""
        return ConnectionInit(request) if isinstance(request, WebSocket) else None

    def should_render_graphql_ide(self, request: Any) -> bool:
        """False: `operate` serves the explorer."""
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """Parses the operation, and decides whether its response is streamed."""
        starlette_request: Request = request._request  # type: ignore[attr-defined]
        operation = self.documents.resolve(await read_operation(starlette_request, self.limits))
        document = operation.get("query")
        if not document:
            raise Refusal(400, "BAD_REQUEST", "The request must contain a `query`.")
        name = operation.get("operationName")
        return GraphQLRequestData(
            query=document,
            variables=operation.get("variables"),
            operation_name=name,
            extensions=operation.get("extensions"),
            protocol=protocol(starlette_request.state.acceptance, document, name),
        )

    def _get_stream_transport(self, name: str) -> HTTPStreamTransport | None:
        return self.stream_transports.get(name)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: OperationContext,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Runs a query or mutation."""
        allowed = {OperationType.QUERY}
        if request.method == "POST":
            allowed.add(OperationType.MUTATION)
        try:
            result = await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=allowed,
                operation_extensions=request_data.extensions,
            )
        except CannotGetOperationTypeError as error:
            unresolved = GraphQLError(error.as_http_error_reason(), original_error=error)
            return PreExecutionError(None, [unresolved])
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.SUBSCRIPTION:
                supported = "graphql-transport-ws, text/event-stream or multipart/mixed;subscriptionSpec=1.0"
                raise Refusal(406, "NOT_ACCEPTABLE", f"Subscriptions require {supported}.") from error
            raise Refusal(405, "METHOD_NOT_ALLOWED", "Mutations require POST.", {"Allow": "POST"}) from error
        if isinstance(result, IncrementalResults) and not request.state.acceptance.incremental:
            await result.subsequent_results.aclose()
            raise Refusal(406, "NOT_ACCEPTABLE", "`@defer` and `@stream` require multipart/mixed.")
        return result

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The response body, without `data` if the operation was not executed."""
        response: GraphQLHTTPResponse = {}
        errors = [mask_error(error) for error in result.errors or ()]
        if errors:
            response["errors"] = [error.formatted for error in errors]
        before_execution = result.data is None and bool(errors) and not any(error.path for error in errors)
        if not before_execution:
            response["data"] = result.data
        if result.extensions:
            response["extensions"] = result.extensions
        return response

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """A single response. With `application/graphql-response+json`, 400 if nothing was executed."""
        media, cost = sub_response.headers["content-type"], response_data.get("extensions", {}).get("cost")
        status = 400 if media == GRAPHQL and "data" not in response_data else 200
        headers = {"x-query-cost": str(cost["requested"])} if cost else {}
        return Response(encode(response_data), status, headers, media_type=media)

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """A streamed response. The request keeps the stream so that it is closed."""
        request.state.stream = stream()
        return StreamingResponse(request.state.stream, headers=dict(headers))

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Passes the response media type to `create_response`."""
        return Response(headers={"content-type": request.state.acceptance.json or JSON})

    async def on_ws_connect(self, context: Any) -> Any:
        """Authenticates a socket, or closes it with 4403. The client is told when the token expires."""
        try:
            await self.authenticate(context)
        except DomainError as error:
            raise ConnectionRejectionError from error
        return {"expiresAt": context.expires_at.isoformat()} if context.expires_at else UNSET

    async def authenticate(self, connection: ConnectionInit) -> None:
        """Verifies the token of a socket and sets `expires_at`. Raises `DomainError`."""
        context = await self.open_context(connection.socket, connection.connection_params)
        connection.expires_at = context.expires_at
        await self.close_context(context)

    def decode_json(self, data: str | bytes) -> object:
        """Decodes strict JSON."""
        return decode(data)

    def encode_json(self, data: object) -> str:
        """Encodes as text, for WebSocket messages and server-sent events."""
        return encode(data).decode()


def protocol(acceptance: Acceptance, document: str, name: str | None) -> GraphQLRequestProtocol:
    """The response protocol. Clients accept streams for all operations; only subscriptions require them."""
    if acceptance.stream and (acceptance.json is None or is_subscription(document, name)):
        return acceptance.stream
    return "http"


def is_subscription(document: str, name: str | None) -> bool:
    """Whether the named operation of a document is a subscription; False for what can't be parsed."""
    if "subscription" not in document:
        return False
    with suppress(GraphQLError):
        operation = get_operation_ast(parse(document, no_location=True, max_lexical_tokens=10_000), name)
        return operation is not None and operation.operation is DocumentOperation.SUBSCRIPTION
    return False
