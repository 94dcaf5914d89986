"""Error masking: errors of the client are returned in full, unexpected ones only as the ID of a log entry."""

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
from strawberry.types import ExecutionContext, StreamExecutionResult
from strawberry.types.arguments import convert_argument

from core.error_reports import fingerprint
from core.errors import DomainError, ErrorCode
from schema.framework.outages import outage
from schema.framework.scalars import InvalidLiteral

log = structlog.get_logger(__name__)

VALUE = re.compile(r"(?:Variable '\$|Argument ')(\w+)'(?: has invalid value(?: at ((?:\.\w+|\[\d+\])+))?:)?")
STEP = re.compile(r"\w+")


FORMATS: tuple[tuple[type[Exception], str | None, ErrorCode], ...] = (
    (CannotGetOperationTypeError, None, ErrorCode.OPERATION_RESOLUTION_FAILURE),
    (InvalidOperationTypeError, None, ErrorCode.METHOD_NOT_ALLOWED),
    (GlobalIDValueError, "The value must be a global ID.", ErrorCode.BAD_USER_INPUT),
    (StrawberryInputCoercionError, None, ErrorCode.BAD_USER_INPUT),
    (InvalidLiteral, None, ErrorCode.BAD_USER_INPUT),
)
"""Errors of the client by exception type: their message, if it is not the original one, and code."""


Cause = tuple[object, ...]


def mask_error(error: GraphQLError, logged: dict[Cause, str] | None = None) -> GraphQLError:
    """The error as clients see it, with `extensions.code`. An unexpected one is logged and masked.

    `logged` holds the IDs of the log entries of this operation: a cause is logged once.
    """
    if "code" in (error.extensions or {}):
        return error
    original = original_error(error)
    if isinstance(error, GraphQLSyntaxError):
        bounded = error.message.endswith("Parsing aborted.")
        return format_error(
            error, error.message, ErrorCode.QUERY_TOO_COMPLEX if bounded else ErrorCode.GRAPHQL_PARSE_FAILED
        )
    if isinstance(original, DomainError):
        path = {"path": list(original.path)} if original.path else {}
        return format_error(error, original.message, original.code, **path)
    if isinstance(original, GraphQLError) and "code" in (original.extensions or {}):
        return format_error(error, original.message, **(original.extensions or {}))
    if is_variable_error(error) or raised_in(error, "graphql.execution.values"):
        return format_error(error, error.message, ErrorCode.BAD_USER_INPUT, **value_path(error.message))
    for exception_type, message, code in FORMATS:
        if isinstance(original, exception_type):
            path = argument_path(original) or value_path(error.message)
            return format_error(error, message or error.message, code, **path)
    logged = {} if logged is None else logged
    unavailable = outage(original) if original else None
    if unavailable is not None:
        log_outage(error, original or error, logged)
        return format_error(error, unavailable.message, unavailable.code)
    return mask_unexpected(error, original or error, logged)


def log_outage(error: GraphQLError, cause: Exception, logged: dict[Cause, str]) -> None:
    """Log an outage unless one of the same cause is logged."""
    key = fingerprint(cause)
    if key not in logged:
        logged[key] = ""
        log.warning("operation_unavailable", path=error.path, cause=cause)


def mask_unexpected(error: GraphQLError, cause: Exception, logged: dict[Cause, str]) -> GraphQLError:
    """Log the cause unless it is logged, and return an error that holds only the ID of the log entry."""
    key = fingerprint(cause)
    error_id = logged.get(key)
    if error_id is None:
        logged[key] = error_id = uuid4().hex
        log.error("operation_failed", error_id=error_id, path=error.path, exc_info=cause)
    return format_error(error, "Internal error", ErrorCode.INTERNAL_SERVER_ERROR, id=error_id)


def format_error(error: GraphQLError, message: str, code: ErrorCode, **extensions: Any) -> GraphQLError:
    """An error at the same location, without the original exception."""
    return GraphQLError(
        message,
        error.nodes,
        error.source,
        error.positions,
        error.path,
        extensions={"code": code.value, **extensions},
    )


def original_error(error: GraphQLError) -> Exception | None:
    """The exception at the end of a chain of located errors, or None."""
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    return original


def is_variable_error(error: GraphQLError) -> bool:
    """Whether the error is about the values of variables, before execution."""
    cause = original_error(error)
    known = cause is None or isinstance(cause, GraphQLError) or error.message.startswith("Variable '$")
    return error.path is None and known


def value_path(message: str) -> dict[str, Any]:
    """The `path` of the invalid value, parsed from the message: graphql-core gives it nowhere else."""
    found = VALUE.match(message)
    return {"path": [found[1], *STEP.findall(found[2] or "")]} if found else {}


def argument_path(error: Exception) -> dict[str, Any]:
    """The `path` of the invalid value, from the frame in which Strawberry converts arguments."""
    path: tuple[str | int, ...] = ()
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code is convert_argument.__code__:
            path = frame.tb_frame.f_locals["path"]
        frame = frame.tb_next
    return {"path": [str(step) for step in path]} if path else {}


def raised_in(error: GraphQLError, module: str) -> bool:
    """Whether the error or its original was raised in this module of graphql-core."""
    cause = original_error(error) or error
    frame: TracebackType | None = cause.__traceback__ if isinstance(cause, GraphQLError) else None
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_globals.get("__name__") == module


class ErrorMasking(SchemaExtension):
    """Masks the errors of every result, and logs each cause once in an operation."""

    def __init__(self, *, execution_context: ExecutionContext | None = None) -> None:
        super().__init__(execution_context=execution_context)
        self.logged: dict[Cause, str] = {}

    def on_operation(self) -> Iterator[None]:
        """Mask the errors of a single result."""
        yield
        mask_errors(self.execution_context.result, self.logged)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Mask the errors of one result of a stream, including incremental delivery."""
        for part in (
            result,
            *(getattr(result, "incremental", ()) or ()),
            *(getattr(result, "completed", ()) or ()),
        ):
            mask_errors(part, self.logged)
        yield


def mask_errors(result: Any, logged: dict[Cause, str]) -> None:
    """Mask the errors of one result in place. Errors that have a code stay as they are."""
    initial = getattr(result, "initial_result", result)
    if getattr(initial, "errors", None):
        initial.errors = [mask_error(error, logged) for error in initial.errors]
