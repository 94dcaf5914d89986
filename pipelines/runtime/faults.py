"""Faults of job attempts: which errors time may cure, and what users are told of each."""

import errno

from core.errors import DomainError
from core.ports import (
    FetchError,
    MailUnavailable,
    ModelFailure,
    StoreFull,
    StoreUnavailable,
    UnknownEmbedder,
    VectorsUnavailable,
)
from db.errors import outage
from db.queue import Fault
from pipelines.runtime.process_pool import ComputationTimeout, ProcessDied

SYSTEM_FAULTS = {
    errno.ENOSPC: "The worker's disk is full.",
    errno.EDQUOT: "The worker's disk is full.",
    errno.EMFILE: "The worker has too many open files.",
    errno.ENFILE: "The worker has too many open files.",
    errno.ENOMEM: "The worker has no memory left.",
    errno.EAGAIN: "The worker cannot start another process.",
}
"""Errors of the operating system that time may cure."""


class Retry(Exception):
    """Raised by a handler for what time may cure: the job is retried after at least `after` seconds.

    If the time is `known`, it is retried then, however often it has waited before.
    """

    def __init__(
        self, message: str = "The job will be retried.", *, after: float = 0, known: bool = False
    ) -> None:
        super().__init__(message)
        self.after, self.known = after, known


def fault_of(error: BaseException) -> Fault | None:
    """The fault for an error after which the job is retried; None for any other error."""
    if isinstance(error, ProcessDied | ComputationTimeout):
        return Fault(str(error), is_transient=False)
    if isinstance(error, BaseExceptionGroup):
        faults = [fault_of(part) for part in error.exceptions]
        return faults[0] if all(faults) else None
    return _provider_fault(error) or _system_fault(error)


def _provider_fault(error: BaseException) -> Fault | None:
    match error:
        case Retry():
            return Fault(str(error), error.after, is_time_known=error.known)
        case ModelFailure(is_transient=True):
            return Fault(error.message, error.retry_after)
        case FetchError(is_transient=True):
            return Fault(error.message, error.retry_after)
        case VectorsUnavailable():
            return Fault("The vector store is unavailable.")
        case StoreUnavailable():
            return Fault("The object store is unavailable.")
        case MailUnavailable():
            return Fault("The mail server is unavailable.")
        case StoreFull():
            return Fault("The object store is full.")
    return None


def _system_fault(error: BaseException) -> Fault | None:
    if isinstance(error, OSError) and error.errno in SYSTEM_FAULTS:
        return Fault(SYSTEM_FAULTS[error.errno])
    if isinstance(error, TimeoutError):
        return Fault("A service did not respond in time.")
    if isinstance(error, ConnectionError):
        return Fault("A connection was lost.")
    return Fault("The database is unavailable.") if outage(error) else None


def message_for_users(error: BaseException) -> str | None:
    """What users are told of a permanent error; None for an internal error."""
    if isinstance(error, DomainError | UnknownEmbedder | ModelFailure | FetchError):
        return str(error)
    return None
