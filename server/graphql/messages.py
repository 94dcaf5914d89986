"""Results of subscriptions, encoded once for all who share them."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from graphql import GraphQLError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from schema.framework.error_masking import mask_error
from server.graphql.json import encode
from server.graphql.refusals import status_without_data


@dataclass(frozen=True, slots=True)
class Message:
    """A result of a subscription, encoded. An `error` is the last, and so is one that has `expired`."""

    kind: Literal["next", "error", "expired"]
    result: Any
    payload: str


def encode_result(result: Any, *, is_first: bool) -> tuple[Message, bytes]:
    """A result as a message, and a digest of it. Only the first of a subscription tells its cost."""
    if not isinstance(result, ExecutionResult):
        raise GraphQLError("Incremental delivery is not supported in subscriptions.")
    errors = [error.formatted for error in result.errors or ()]
    if isinstance(result, PreExecutionError) or status_without_data(result.data, errors):
        return Message("error", result, encode(errors).decode()), b""
    answer: dict[str, Any] = {"data": result.data, **({"errors": errors} if errors else {})}
    payload = encode(answer)
    digest = blake2b(payload, digest_size=16).digest()
    if not is_first:
        result.extensions = None
    elif result.extensions:
        payload = encode({**answer, "extensions": result.extensions})
    return Message("next", result, payload.decode()), digest


def failure(error: Exception) -> Message:
    """The message of an error that ends a subscription."""
    masked = mask_error(GraphQLError(str(error), original_error=error))
    message, _ = encode_result(ExecutionResult(data=None, errors=[masked]), is_first=False)
    return message
