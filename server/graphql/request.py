"""A request to the GraphQL endpoint, and what it holds until it is answered."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.types import Receive, Scope
from strawberry.http import GraphQLRequestData

from server.graphql.body import FORM, BodySpace, BoundedBody, too_large
from server.graphql.context import OperationContext
from server.graphql.headers import header, media_type
from server.graphql.limits import TransportLimits
from server.graphql.negotiation import Acceptance


class OperationRequest(Request):
    """A request with a bounded body."""

    def __init__(
        self, scope: Scope, receive: Receive, limits: TransportLimits, space: BodySpace, form_space: BodySpace
    ) -> None:
        self.media_type = media_type(scope)
        self.is_form = self.media_type == FORM
        self.acceptance = Acceptance.of(header(scope, b"accept"))
        self.limit = limits.multipart_bytes if self.is_form else limits.json_bytes
        self.bounded_body = BoundedBody(
            receive,
            self.limit,
            form_space if self.is_form else space,
            limits.body_seconds,
            idle=self.is_form,
            is_here=scope.get("state", {}).get("is_here", False),
        )
        self.context: OperationContext | None = None
        self.operation: GraphQLRequestData | None = None
        """The operation whose results are streamed."""
        self.results: AsyncGenerator[str, None] | None = None
        """Its results, as they are sent."""
        self.is_interrupted = False
        """Whether the results end without being complete."""
        super().__init__(scope, self.bounded_body)

    @property
    def is_event_stream(self) -> bool:
        """Whether results are sent as server-sent events."""
        return self.operation is not None and self.operation.protocol == "sse"

    def require_length(self) -> None:
        """Raises `Refusal` if the announced length of the body is over the limit."""
        announced = header(self.scope, b"content-length") or ""
        if announced.isdigit() and int(announced) > self.limit:
            raise too_large(self.limit)
