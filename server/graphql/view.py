"""The GraphQL endpoint: Strawberry's ASGI view with the GraphQL-over-HTTP specification."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any, cast

import structlog
from cross_web import AsyncHTTPRequestAdapter
from graphql import GraphQLError
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

from core.errors import DomainError, ErrorCode
from server.graphql.admission import Admission
from server.graphql.body import BodySpace, check_media_type, parse_operation, read_form
from server.graphql.clients import GRACE_SECONDS, ClientWatch, client_host, note_answer
from server.graphql.context import ConnectionInit, IdentifyCaller, OpenContext, OperationContext
from server.graphql.documents import is_subscription, may_be_incremental, root_fields
from server.graphql.headers import header
from server.graphql.json import decode, encode
from server.graphql.limits import TransportLimits
from server.graphql.negotiation import GRAPHQL, JSON, Acceptance
from server.graphql.persisted import PersistedDocuments
from server.graphql.refusals import Refusal, invalid_token, refusal
from server.graphql.request import OperationRequest
from server.graphql.responses import SingleResponse, response_body, single_response, single_response_of
from server.graphql.sessions import Deadlines, Sessions
from server.graphql.shared_streams import SharedStreams
from server.graphql.socket import SocketAdapter, SocketHandler
from server.graphql.streams import transports

log = structlog.get_logger(__name__)

ALLOWED_OPERATIONS = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}
"""Kinds of operations by method of the request."""

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
        admission: Admission | None = None,
        identify_caller: IdentifyCaller = client_host,
        public_fields: frozenset[str] = frozenset(),
    ) -> None:
        self.limits = limits or TransportLimits()
        self.admission, self.identify_caller = admission or Admission(), identify_caller
        self.json_space = BodySpace(self.limits.json_space)
        self.multipart_space = BodySpace(self.limits.multipart_space)
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=self.limits.init_seconds),
            multipart_uploads_enabled=True,
            max_subscriptions_per_connection=self.limits.socket_operations,
            allowed_origins=self.limits.allowed_origins,
        )
        self.open_context, self.public_fields = open_context, public_fields
        self.explorer = explorer
        self.documents = PersistedDocuments(self.limits.persisted_characters, self.limits.trusted_documents)
        self.stream_transports = transports(self.limits.heartbeat_seconds)
        self.sessions, self.deadlines = Sessions(lambda: self.limits.recheck_seconds), Deadlines()
        self.streams = SharedStreams(schema, self.sessions, self.deadlines, self.close_context)

    # -- one request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Responds to a request in any case, or serves a socket."""
        if scope["type"] != "http":
            await self.run(WebSocket(scope, receive, send))
            return
        request = OperationRequest(scope, receive, self.limits, self.json_space, self.multipart_space)
        try:
            response = await self.answer(request)
            await response(scope, receive, send)
            note_answer(scope, response)
        except ClientDisconnect:
            log.debug("client_disconnected")
        finally:
            await self.end(request)

    async def answer(self, request: OperationRequest) -> Response:
        """The response to a request. Unexpected errors are masked and logged under an ID."""
        try:
            request.require_length()
            response = await self.operate(request)
            if isinstance(response, SingleResponse):
                await response.compress(header(request.scope, b"accept-encoding"))
                return response
        except ClientDisconnect:
            raise
        except Exception as error:
            response = refusal(error).response(request.acceptance.json or JSON)
        response.headers["vary"] = "Accept"
        response.headers.setdefault("cache-control", "no-store")
        return response

    async def operate(self, request: OperationRequest) -> Response:
        """Validates the headers, then runs the operation."""
        method, acceptance = request.method, request.acceptance
        if method not in ALLOWED_OPERATIONS:
            raise Refusal(405, ErrorCode.METHOD_NOT_ALLOWED, "Use GET or POST.", {"Allow": "GET, POST"})
        if self.explorer and method == "GET" and acceptance.html and "query" not in request.query_params:
            return await self.explorer(request)
        if not (acceptance.json or acceptance.stream or acceptance.incremental):
            raise Refusal(406, ErrorCode.NOT_ACCEPTABLE, f"Accept {GRAPHQL} or {JSON}.")
        if method == "POST":
            check_media_type(request, request.media_type)
        caller = self.identify_caller(request, None)
        self.admission.require_room(caller)
        form: dict[str, Any] | None = None
        body = b""
        if request.is_form:
            async with self.admission.slot(caller):
                context = await self.open(request)
            context.require_viewer()
            form = await read_form(request, self.limits)
        else:
            body = await request.bounded_body.read()
        with ClientWatch(request) as watch:
            async with self.admission.slot(caller):
                watch.grace = GRACE_SECONDS
                context = await self.open(request)
                operation = parse_operation(request, body) if form is None else form
                operation = self.documents.resolve(operation)
                self.require_accepted_token(operation, context)
                return await self.respond(request, operation, context)

    def require_accepted_token(self, operation: Mapping[str, Any], context: OperationContext) -> None:
        """Refuses a token that is not valid with 401, unless the operation is there to get another one."""
        if context.refused is not None:
            fields = root_fields(operation.get("query") or "", operation.get("operationName"))
            if not fields or not fields <= self.public_fields:
                raise invalid_token(context.refused)

    async def respond(
        self, request: OperationRequest, operation: Mapping[str, Any], context: OperationContext
    ) -> Response:
        """Runs an operation. Strawberry streams subscriptions and incremental delivery."""
        document, name = operation.get("query"), operation.get("operationName")
        if not document:
            raise Refusal(400, ErrorCode.BAD_REQUEST, "The request must contain a `query`.")
        data = GraphQLRequestData(
            query=document,
            variables=operation.get("variables"),
            operation_name=name,
            extensions=operation.get("extensions"),
            protocol=protocol(request.acceptance, document, name),
        )
        if data.protocol != "http" or (request.acceptance.incremental and may_be_incremental(document)):
            request.operation = data
            return await self.run(request, context=context)
        result = await self.execute(request, context, data)
        if isinstance(result, IncrementalResults):
            await result.subsequent_results.aclose()
            raise Refusal(406, ErrorCode.NOT_ACCEPTABLE, "`@defer` and `@stream` require multipart/mixed.")
        return single_response(result, request.acceptance.json or JSON)

    async def execute(
        self, request: Request, context: OperationContext, data: GraphQLRequestData
    ) -> ExecutionResult | IncrementalResults:
        """The result of a query or mutation. `GET` runs queries only."""
        try:
            return await self.schema.execute(
                data.query,
                variable_values=data.variables,
                context_value=context,
                operation_name=data.operation_name,
                allowed_operation_types=ALLOWED_OPERATIONS[request.method],
                operation_extensions=data.extensions,
            )
        except CannotGetOperationTypeError as error:
            unresolved = GraphQLError(error.as_http_error_reason(), original_error=error)
            return PreExecutionError(None, [unresolved])
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.SUBSCRIPTION:
                supported = "graphql-transport-ws, text/event-stream or multipart/mixed;subscriptionSpec=1.0"
                raise Refusal(406, ErrorCode.NOT_ACCEPTABLE, f"Subscriptions require {supported}.") from error
            raise Refusal(
                405, ErrorCode.METHOD_NOT_ALLOWED, "Mutations require POST.", {"Allow": "POST"}
            ) from error

    async def open(self, request: OperationRequest) -> OperationContext:
        """The context of a request, opened once."""
        if request.context is None:
            request.context = await self.open_context(request, None)
        return request.context

    async def end(self, request: OperationRequest) -> None:
        """Releases what a request holds. The client has its response and does not wait."""
        context, request.context = request.context, None
        try:
            if request.results is not None and context is not None:
                await request.results.aclose()
        finally:
            if context is not None:
                await self.close_context(context)
            if request.is_form:
                await request.close()
            request.bounded_body.release()

    async def close_context(self, context: OperationContext) -> None:
        """Closes a context. The response does not depend on it: errors are logged."""
        try:
            await context.close()
        except Exception as error:
            log.warning("context_not_closed", cause=type(error).__name__)

    # -- Strawberry's hooks, in call order

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Any:
        """The initial context of a socket; requests are given theirs."""
        return ConnectionInit(request) if isinstance(request, WebSocket) else None

    def should_render_graphql_ide(self, request: Any) -> bool:
        """False: `operate` serves the explorer."""
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """The operation that `respond` has parsed."""
        operation: GraphQLRequestData = request._request.operation  # type: ignore[attr-defined]
        return operation

    def _get_stream_transport(self, name: str) -> HTTPStreamTransport | None:
        return self.stream_transports.get(name)

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: OperationContext,
        root_value: None,
        sub_response: Response,
    ) -> Any:
        """Runs an operation. Subscriptions share their reads."""
        assert isinstance(request_data, GraphQLRequestData)
        document, name = request_data.query or "", request_data.operation_name
        streamed = self._get_stream_transport(request_data.protocol) is not None
        if context.audience is not None and streamed and is_subscription(document, name):
            assert isinstance(request, OperationRequest)
            return self.shared_results(request, context, document, request_data.variables, name)
        return await super().execute_operation(
            request, request_adapter, request_data, context, root_value, sub_response
        )

    async def shared_results(
        self,
        request: OperationRequest,
        context: OperationContext,
        document: str,
        variables: Any,
        name: str | None,
    ) -> AsyncGenerator[Any, None]:
        """The results of a subscription over HTTP, until the token expires.

        Clients of server-sent events then subscribe again with a new token: the stream was not completed.
        """
        messages = self.streams.watch(context, document, variables, name, expires_at=context.expires_at)
        async with aclosing(messages):
            async for message in messages:
                if message.kind == "expired" and request.is_event_stream:
                    request.is_interrupted = True
                    return
                yield message.result

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: OperationContext,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> Any:
        """Runs a query or mutation whose results may be delivered incrementally."""
        return await self.execute(request, context, request_data)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The body of one of several results."""
        return response_body(result)

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """The response to an operation that was not delivered incrementally after all."""
        return single_response_of(response_data, sub_response.headers["content-type"])

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """A streamed response. The request keeps the stream so that it is closed."""
        assert isinstance(request, OperationRequest)
        request.results = until_interruption(request, cast(AsyncGenerator[str, None], stream()))
        return StreamingResponse(request.results, headers=dict(headers))

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Passes the response media type to `create_response`."""
        assert isinstance(request, OperationRequest)
        return Response(headers={"content-type": request.acceptance.json or JSON})

    async def on_ws_connect(self, context: Any) -> Any:
        """Authenticates a socket, or closes it with 4403. The client is told when the token expires."""
        try:
            await self.authenticate(context)
        except DomainError as error:
            raise ConnectionRejectionError from error
        return {"expiresAt": context.expires_at.isoformat()} if context.expires_at else UNSET

    async def authenticate(self, connection: ConnectionInit) -> None:
        """Verifies the token of a socket, and sets its viewer and expiry. Raises `DomainError`."""
        context = await self.open_context(connection.socket, connection.connection_params)
        connection.expires_at, connection.viewer = context.expires_at, context
        await self.close_context(context)

    def decode_json(self, data: str | bytes) -> object:
        """Decodes strict JSON."""
        return decode(data)

    def encode_json(self, data: object) -> str:
        """Encodes as text, for WebSocket messages and server-sent events."""
        return encode(data).decode()


async def until_interruption(
    request: OperationRequest, chunks: AsyncGenerator[str, None]
) -> AsyncGenerator[str, None]:
    """The chunks of a stream; those after an interruption tell that it was completed, and are not sent."""
    async with aclosing(chunks):
        async for chunk in chunks:
            if request.is_interrupted:
                return
            yield chunk


def protocol(acceptance: Acceptance, document: str, name: str | None) -> GraphQLRequestProtocol:
    """The response protocol. Clients accept streams for all operations; only subscriptions require them."""
    if acceptance.stream and (acceptance.json is None or is_subscription(document, name)):
        return acceptance.stream
    return "http"
