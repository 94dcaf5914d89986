"""Transient database errors."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

TRANSIENT_SQLSTATES = ("08", "40001", "40P01", "53", "55P03", "57P")
"""SQLSTATEs, or their prefixes: connection, serialization, deadlock, resources, lock timeout, shutdown."""


def is_transient(error: BaseException) -> bool:
    """Whether the same statements may succeed on a retry."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state.startswith(TRANSIENT_SQLSTATES)
