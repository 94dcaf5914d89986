"""How an error is told to a client: refusals in full, bugs as an id to look for in the log."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import SchemaExtension
from strawberry.types import StreamExecutionResult

from core.errors import DomainError

log = structlog.get_logger(__name__)

REQUEST_MODULES = ("graphql.execution.values", "strawberry.relay.")
"""Where an exception speaks about the client's arguments, ids and cursors, not about the server."""


def told(error: GraphQLError) -> GraphQLError:
    """The error as the client sees it, with `extensions.code`; what is masked is logged with its id."""
    extensions = error.extensions or {}
    if "code" in extensions:
        return error
    if isinstance(error, GraphQLSyntaxError):
        bounded = error.message.endswith("Parsing aborted.")
        return worded(error, error.message, "QUERY_TOO_COMPLEX" if bounded else "GRAPHQL_PARSE_FAILED")
    original = innermost(error)
    if isinstance(original, DomainError):
        path = {"path": list(original.path)} if original.path else {}
        return worded(error, original.message, original.code.value, **path)
    if isinstance(original, GraphQLError) and "code" in (original.extensions or {}):
        return worded(error, original.message, **(original.extensions or {}))
    about_request = original is None and error.path is None
    if about_request or raised_in(original or error, REQUEST_MODULES):
        return worded(error, error.message, "BAD_USER_INPUT")
    return masked(error, original or error)


def masked(error: GraphQLError, cause: Exception) -> GraphQLError:
    """An error that says nothing but the id under which its cause is logged."""
    error_id = uuid4().hex
    log.error("operation failed", error_id=error_id, path=error.path, exc_info=cause)
    return worded(error, "Internal error", "INTERNAL_SERVER_ERROR", id=error_id)


def worded(error: GraphQLError, message: str, code: str, **extensions: Any) -> GraphQLError:
    """The error at the same place of the document, without the exception behind it."""
    return GraphQLError(
        message,
        error.nodes,
        error.source,
        error.positions,
        error.path,
        extensions={"code": code, **extensions},
    )


def innermost(error: GraphQLError) -> Exception | None:
    """The exception at the bottom of a chain of located errors, if there is one."""
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    return original


def raised_in(error: BaseException, modules: tuple[str, ...]) -> bool:
    """Whether the exception came out of one of these modules."""
    frame: TracebackType | None = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and str(frame.tb_frame.f_globals.get("__name__")).startswith(modules)


class Masking(SchemaExtension):
    """Words every error of every result, whatever the transport."""

    def on_operation(self) -> Iterator[None]:
        """A single result."""
        yield
        reword(self.execution_context.result)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """One result of a stream, incremental delivery included."""
        for part in (
            result,
            *(getattr(result, "incremental", ()) or ()),
            *(getattr(result, "completed", ()) or ()),
        ):
            reword(part)
        yield


def reword(result: Any) -> None:
    """Word the errors of one result, in place; those that are worded already stay."""
    initial = getattr(result, "initial_result", result)
    if getattr(initial, "errors", None):
        initial.errors = [told(error) for error in initial.errors]
