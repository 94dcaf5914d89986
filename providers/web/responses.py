"""Errors from HTTP responses and transport failures."""

from ssl import SSLError

import httpcore

from core.ports import FetchError, FetchErrorCode, FetchResponse
from providers.retry_after import parse_retry_after

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
PARTIAL_CONTENT = 206
GENERIC_MEDIA_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Media types that any content may have."""

STATUS_CODES = {
    401: FetchErrorCode.NOT_PERMITTED,
    402: FetchErrorCode.NOT_PERMITTED,
    403: FetchErrorCode.NOT_PERMITTED,
    404: FetchErrorCode.NOT_FOUND,
    407: FetchErrorCode.NOT_PERMITTED,
    408: FetchErrorCode.TIMED_OUT,
    410: FetchErrorCode.NOT_FOUND,
    425: FetchErrorCode.THROTTLED,
    429: FetchErrorCode.THROTTLED,
    451: FetchErrorCode.NOT_PERMITTED,
}
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which a request may be retried."""


def raise_for_status(response: FetchResponse) -> None:
    """Raises `FetchError` unless the status is 2xx with a complete body."""
    status = response.status
    if 200 <= status < 300 and status != PARTIAL_CONTENT:
        return
    code = STATUS_CODES.get(status) or (
        FetchErrorCode.SERVER_ERROR if status >= 500 else FetchErrorCode.INVALID_ANSWER
    )
    is_transient = status in TRANSIENT_STATUSES
    retry_after = parse_retry_after(response.headers.get("retry-after", "")) if is_transient else 0.0
    raise FetchError(
        code,
        f"The server responded with status {status}.",
        is_transient=is_transient,
        retry_after=retry_after,
    )


def check_media_type(response: FetchResponse, accept: tuple[str, ...]) -> None:
    """Raises `FetchError` if the media type is not accepted."""
    if not is_accepted(response, accept):
        raise FetchError(FetchErrorCode.WRONG_TYPE, "The media type of the response is not allowed.")


def is_accepted(response: FetchResponse, accept: tuple[str, ...]) -> bool:
    """Whether the media type is accepted; a missing or generic one is."""
    media_type = response.media_type
    return not accept or media_type in GENERIC_MEDIA_TYPES or media_type.startswith(accept)


def transport_error(error: Exception, host: str) -> FetchError:
    """The `FetchError` for an httpcore exception."""
    match error:
        case httpcore.TimeoutException():
            return FetchError(FetchErrorCode.TIMED_OUT, f"{host} did not respond in time.", is_transient=True)
        case httpcore.ConnectError() if any(isinstance(cause, SSLError) for cause in error.args):
            return FetchError(FetchErrorCode.UNTRUSTED, f"The TLS certificate of {host} is not trusted.")
        case httpcore.ConnectError():
            return FetchError(FetchErrorCode.UNREACHABLE, f"{host} cannot be reached.", is_transient=True)
        case httpcore.LocalProtocolError():
            return FetchError(FetchErrorCode.BAD_ADDRESS, "The URL cannot be requested.")
        case _:
            return FetchError(
                FetchErrorCode.CONNECTION_LOST, f"{host} closed the connection.", is_transient=True
            )
