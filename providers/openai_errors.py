"""Errors of OpenAI-compatible endpoints, as `ModelFailure`."""

import openai

from core.ports import ModelFailure, RunErrorCode
from providers.model_failures import model_failure
from providers.retry_after import parse_retry_after

ENDPOINT_CODES = {
    "insufficient_quota": RunErrorCode.QUOTA_EXCEEDED,
    "billing_hard_limit_reached": RunErrorCode.QUOTA_EXCEEDED,
    "rate_limit_exceeded": RunErrorCode.RATE_LIMIT_EXCEEDED,
    "model_not_found": RunErrorCode.MODEL_NOT_FOUND,
    "content_filter": RunErrorCode.CONTENT_BLOCKED,
    "content_policy_violation": RunErrorCode.CONTENT_BLOCKED,
    "server_error": RunErrorCode.SERVICE_UNAVAILABLE,
}
"""Error codes of the endpoint that are more specific than its status."""


def failure(error: openai.OpenAIError, *, model: str = "language model") -> ModelFailure:
    """The failure for an error of the OpenAI client."""
    code = ENDPOINT_CODES.get(getattr(error, "code", None) or "") or ENDPOINT_CODES.get(
        getattr(error, "type", None) or ""
    )
    return model_failure(code or _code_of(error), retry_after(error), model=model)


def _code_of(error: openai.OpenAIError) -> RunErrorCode:
    match error:
        case openai.APITimeoutError():
            return RunErrorCode.TIMEOUT
        case openai.APIConnectionError():
            return RunErrorCode.CONNECTION_ERROR
        case openai.RateLimitError():
            return RunErrorCode.RATE_LIMIT_EXCEEDED
        case openai.NotFoundError():
            return RunErrorCode.MODEL_NOT_FOUND
        case openai.InternalServerError():
            return RunErrorCode.SERVICE_UNAVAILABLE
        case openai.APIResponseValidationError():
            return RunErrorCode.INVALID_RESPONSE
        case _:
            return RunErrorCode.CHAT_FAILED


def retry_after(error: openai.OpenAIError) -> float:
    """Seconds of the `Retry-After` header; 0 if it is missing or invalid."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    return parse_retry_after(error.response.headers.get("retry-after", ""))
