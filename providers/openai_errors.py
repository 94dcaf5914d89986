"""What goes wrong with an endpoint that speaks OpenAI's API, by the codes that are logged."""

import openai

from core.ports import ModelFailure, RunErrorCode

SAID = {
    "insufficient_quota": RunErrorCode.QUOTA_EXCEEDED,
    "billing_hard_limit_reached": RunErrorCode.QUOTA_EXCEEDED,
    "rate_limit_exceeded": RunErrorCode.RATE_LIMIT_EXCEEDED,
    "model_not_found": RunErrorCode.MODEL_NOT_FOUND,
    "content_filter": RunErrorCode.CONTENT_BLOCKED,
    "content_policy_violation": RunErrorCode.CONTENT_BLOCKED,
    "server_error": RunErrorCode.SERVICE_UNAVAILABLE,
}
"""The endpoint's own codes that say more than its status."""

SENTENCES = {
    RunErrorCode.MODEL_NOT_FOUND: "The {model} does not exist.",
    RunErrorCode.RATE_LIMIT_EXCEEDED: "The {model} takes no more requests now.",
    RunErrorCode.QUOTA_EXCEEDED: "The {model}'s quota is used up.",
    RunErrorCode.SERVICE_UNAVAILABLE: "The {model} is out of order.",
    RunErrorCode.CONNECTION_ERROR: "The connection to the {model} failed.",
    RunErrorCode.TIMEOUT: "The {model} took too long.",
    RunErrorCode.NO_RESPONSE: "The {model} answered nothing.",
    RunErrorCode.INVALID_RESPONSE: "The {model}'s answer can't be read.",
    RunErrorCode.CONTENT_BLOCKED: "The {model} refused to answer this.",
    RunErrorCode.CHAT_FAILED: "The {model} refused the request.",
}
PASSING = frozenset(
    {
        RunErrorCode.RATE_LIMIT_EXCEEDED,
        RunErrorCode.SERVICE_UNAVAILABLE,
        RunErrorCode.CONNECTION_ERROR,
        RunErrorCode.TIMEOUT,
        RunErrorCode.NO_RESPONSE,
    }
)
"""What time may cure."""


def model_failure(code: RunErrorCode, after: float = 0, *, model: str = "language model") -> ModelFailure:
    """The failure of this code, in our own words: an endpoint's may repeat keys and what was asked.

    `model` says what kind of model it is that failed.
    """
    return ModelFailure(
        code, SENTENCES[code].format(model=model), is_transient=code in PASSING, retry_after=after
    )


def failure(error: openai.OpenAIError, *, model: str = "language model") -> ModelFailure:
    """What an error of the client means."""
    said = SAID.get(getattr(error, "code", None) or "") or SAID.get(getattr(error, "type", None) or "")
    return model_failure(said or _by_kind(error), retry_after(error), model=model)


def _by_kind(error: openai.OpenAIError) -> RunErrorCode:
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
    """Seconds that the endpoint asks to wait; 0 where it does not say."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    try:
        return max(0.0, float(error.response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0
