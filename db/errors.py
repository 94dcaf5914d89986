"""Errors of the database that pass: lost connections, conflicts, and what is said to users of an outage."""

import errno

import asyncpg
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import Unavailable

TRANSIENT_SQLSTATES = ("08", "40001", "40P01", "53", "55P03", "57P")
"""SQLSTATEs, or their prefixes: connection, serialization, deadlock, resources, lock timeout, shutdown."""

QUERY_CANCELED = "57014"
"""SQLSTATE of a statement that exceeds its time limit, and would again."""

DEPARTED = "SE001"
"""SQLSTATE of `platform.require_present`."""

CONTENTION_SQLSTATES = ("40", "55")
"""Prefixes of the SQLSTATEs of statements that other transactions have stopped."""

SERVER_BUSY = "The server is busy. Try again in a moment."
DATABASE_UNAVAILABLE = "The database is temporarily unavailable. Try again in a moment."


DRIVER_FAULTS = (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError)
"""Errors of a connection that is lost or whose driver is not idle; `ValueError`s of them are about values."""


def is_disconnect(error: BaseException) -> bool:
    """Whether a statement failed because of its connection, which cannot be used again."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or (cause is not None and is_disconnect(cause))
    if isinstance(error, DRIVER_FAULTS):
        return not isinstance(error, ValueError)
    return isinstance(error, ConnectionError) or _is_socket_missing(error)


def _is_socket_missing(error: BaseException) -> bool:
    """Whether no server listens at a Unix socket: unlike for other files, the error names no file."""
    return isinstance(error, FileNotFoundError) and error.errno == errno.ENOENT and error.filename is None


def is_departure(error: BaseException) -> bool:
    """Whether the company of a unit of work has left the database, or is about to."""
    return sqlstate(error) == DEPARTED


def is_transient(error: BaseException) -> bool:
    """Whether the same statements may succeed on a retry."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError) or is_disconnect(error):
        return True
    if isinstance(error, PendingRollbackError):  # an earlier statement of the transaction was cut off
        return True
    return sqlstate(error).startswith(TRANSIENT_SQLSTATES)


def is_outage(error: BaseException) -> bool:
    """Whether no statement succeeds for now: unlike after a conflict or a lock timeout."""
    return is_transient(error) and not sqlstate(error).startswith(CONTENTION_SQLSTATES)


def outage(error: BaseException) -> Unavailable | None:
    """What users are told of an error of the database that passes; None for any other error."""
    if isinstance(error, PoolTimeout) or sqlstate(error) == QUERY_CANCELED:
        return Unavailable(SERVER_BUSY)
    return Unavailable(DATABASE_UNAVAILABLE) if is_transient(error) else None


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of an error of the database; empty for others."""
    return str(getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or "")
