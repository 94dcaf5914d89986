"""Which faults of the database time may cure."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

TRANSIENT_SQLSTATES = ("08", "40001", "40P01", "53", "55P03", "57P")
"""SQLSTATEs, or beginnings of them: lost connections, conflicts, too many of something, locks, shutdowns."""


def is_transient(error: BaseException) -> bool:
    """Whether the same statements may succeed a moment later."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state.startswith(TRANSIENT_SQLSTATES)
