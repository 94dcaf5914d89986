"""How an error is told to a client: refusals in full, bugs as an id to look for in the log."""

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.extensions import SchemaExtension
from strawberry.relay import GlobalIDValueError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import StreamExecutionResult
from strawberry.types.arguments import convert_argument

from core.errors import DomainError

log = structlog.get_logger(__name__)

VARIABLE = re.compile(r"Variable '\$(\w+)'(?: has invalid value(?: at ((?:\.\w+|\[\d+\])+))?:)?")
STEP = re.compile(r"\w+")


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
    if speaks_of_variables(error) or raised_in(error, "graphql.execution.values"):
        return worded(error, error.message, "BAD_USER_INPUT", **of_variable(error.message))
    if isinstance(original, CannotGetOperationTypeError):
        return worded(error, error.message, "OPERATION_RESOLUTION_FAILURE")
    if isinstance(original, InvalidOperationTypeError):
        return worded(error, error.message, "METHOD_NOT_ALLOWED")
    if isinstance(original, GlobalIDValueError):
        return worded(error, "It is not the id of anything.", "BAD_USER_INPUT", **of_argument(original))
    if isinstance(original, StrawberryInputCoercionError):
        return worded(error, error.message, "BAD_USER_INPUT", **of_argument(original))
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


def speaks_of_variables(error: GraphQLError) -> bool:
    """Whether the error comes before execution, from values that don't fit the operation's variables."""
    cause = innermost(error)
    known = cause is None or isinstance(cause, GraphQLError) or error.message.startswith("Variable '$")
    return error.path is None and known


def of_variable(message: str) -> dict[str, Any]:
    """The `path` to the value at fault, from its variable on: graphql-core tells it in words only."""
    found = VARIABLE.match(message)
    return {"path": [found[1], *STEP.findall(found[2] or "")]} if found else {}


def of_argument(error: Exception) -> dict[str, Any]:
    """The `path` to the value at fault, from its argument on: Strawberry knows it where it converts it."""
    path: tuple[str | int, ...] = ()
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code is convert_argument.__code__:
            path = frame.tb_frame.f_locals["path"]
        frame = frame.tb_next
    return {"path": [str(step) for step in path]} if path else {}


def raised_in(error: GraphQLError, module: str) -> bool:
    """Whether the error, or the one it locates, was raised in this module of graphql-core."""
    cause = innermost(error) or error
    frame: TracebackType | None = cause.__traceback__ if isinstance(cause, GraphQLError) else None
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_globals.get("__name__") == module


class ErrorMasking(SchemaExtension):
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
