"""Failures of models, with our own messages."""

from core.ports import ModelFailure, RunErrorCode

MESSAGES = {
    RunErrorCode.MODEL_NOT_FOUND: "The {model} does not exist.",
    RunErrorCode.RATE_LIMIT_EXCEEDED: "The {model} is rate limited.",
    RunErrorCode.QUOTA_EXCEEDED: "The quota of the {model} is exhausted.",
    RunErrorCode.SERVICE_UNAVAILABLE: "The {model} is unavailable.",
    RunErrorCode.CONNECTION_ERROR: "The connection to the {model} failed.",
    RunErrorCode.TIMEOUT: "The {model} did not respond in time.",
    RunErrorCode.NO_RESPONSE: "The {model} returned an empty response.",
    RunErrorCode.INVALID_RESPONSE: "The response of the {model} is invalid.",
    RunErrorCode.CONTENT_BLOCKED: "The {model} refused to answer.",
    RunErrorCode.CHAT_FAILED: "The {model} rejected the request.",
}
TRANSIENT_CODES = frozenset(
    {
        RunErrorCode.RATE_LIMIT_EXCEEDED,
        RunErrorCode.SERVICE_UNAVAILABLE,
        RunErrorCode.CONNECTION_ERROR,
        RunErrorCode.TIMEOUT,
        RunErrorCode.NO_RESPONSE,
    }
)
"""Codes after which the request may be retried."""


def model_failure(code: RunErrorCode, after: float = 0, *, model: str = "language model") -> ModelFailure:
    """The failure with our own message, as the endpoint's may contain keys and questions.

    `model` is the kind of the model.
    """
    return ModelFailure(
        code, MESSAGES[code].format(model=model), is_transient=code in TRANSIENT_CODES, retry_after=after
    )
