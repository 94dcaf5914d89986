"""What servers' answers mean for us."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ssl import SSLError

import httpcore

from core.ports import Fetched, RefusalCode, Refused

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PARTIAL = 206
UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Media types that tell nothing."""
LONGEST_AFTER = 86_400.0

CODES = {
    401: RefusalCode.NOT_PERMITTED,
    402: RefusalCode.NOT_PERMITTED,
    403: RefusalCode.NOT_PERMITTED,
    404: RefusalCode.NOT_FOUND,
    407: RefusalCode.NOT_PERMITTED,
    408: RefusalCode.TIMED_OUT,
    410: RefusalCode.NOT_FOUND,
    425: RefusalCode.THROTTLED,
    429: RefusalCode.THROTTLED,
    451: RefusalCode.NOT_PERMITTED,
}
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""What time may cure."""


def judged(fetched: Fetched) -> None:
    """Raises `Refused` unless the answer is a whole one."""
    status = fetched.status
    if 200 <= status < 300 and status != PARTIAL:
        return
    code = CODES.get(status) or (RefusalCode.SERVER_ERROR if status >= 500 else RefusalCode.INVALID_ANSWER)
    passing = status in PASSING
    after = _asked_to_wait(fetched.headers.get("retry-after", "")) if passing else 0.0
    raise Refused(code, f"The server answered with status {status}.", passing=passing, after=after)


def media_type_judged(fetched: Fetched, accept: tuple[str, ...]) -> None:
    """Raises `Refused` for what is announced as something else."""
    kind = fetched.media_type
    if accept and kind not in UNSAID and not kind.startswith(accept):
        raise Refused(RefusalCode.WRONG_TYPE, "The server says that it is something else.")


def broken(error: Exception, host: str) -> Refused:
    """The refusal for an exchange that failed below HTTP, as httpcore tells it."""
    match error:
        case httpcore.TimeoutException():
            return Refused(RefusalCode.TIMED_OUT, f"{host} took too long.", passing=True)
        case httpcore.ConnectError() if any(isinstance(cause, SSLError) for cause in error.args):
            return Refused(RefusalCode.UNTRUSTED, f"No trusted connection to {host} is possible.")
        case httpcore.ConnectError():
            return Refused(RefusalCode.UNREACHABLE, f"{host} can't be reached.", passing=True)
        case httpcore.LocalProtocolError():
            return Refused(RefusalCode.BAD_ADDRESS, "The address can't be asked for.")
        case _:
            return Refused(RefusalCode.CONNECTION_LOST, f"{host} broke the connection.", passing=True)


def _asked_to_wait(value: str) -> float:
    """Seconds, from a number of them or from a date; 0 where it is neither."""
    try:
        return min(LONGEST_AFTER, max(0.0, float(value)))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    wait = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(LONGEST_AFTER, max(0.0, wait))
