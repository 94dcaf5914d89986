"""Errors with messages for people: clients of operations, and the operator of an installation."""

from enum import Enum


class OperatorError(Exception):
    """Base class of errors whose message is for operators: one line without secrets or content.

    The message may be logged, unlike that of any other error.
    """


class ErrorCode(Enum):
    """Reason why an operation was refused."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    """The request has no valid access token. Sign in and try again."""
    FORBIDDEN = "FORBIDDEN"
    """The viewer can see the object but is not allowed to perform the operation."""
    NOT_FOUND = "NOT_FOUND"
    """The object does not exist or is not visible to the viewer."""
    CONFLICT = "CONFLICT"
    """The current state of the data does not allow the operation."""
    INVALID = "INVALID"
    """An argument is malformed or out of range."""
    AMBIGUOUS = "AMBIGUOUS"
    """The content can be read in several ways. The message asks which one is meant; nothing was stored."""
    EXHAUSTED = "EXHAUSTED"
    """A limit or quota has been reached. The message says which one."""
    UNSUPPORTED = "UNSUPPORTED"
    """The content has a type or size that the server does not process."""
    EXPIRED = "EXPIRED"
    """The link, upload or cursor is no longer valid."""
    UNAVAILABLE = "UNAVAILABLE"
    """A service that the operation depends on is temporarily unavailable. Try again later."""


class DomainError(Exception):
    """Base class of errors that clients see: a message for users, and the path of the invalid argument.

    All other errors are masked.
    """

    code: ErrorCode

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[type["DomainError"], tuple[str, ...]]:
        """Preserves message and path when the error is pickled."""
        return type(self), (self.message, *self.path)


class NotAuthenticated(DomainError):
    """No user is signed in, or the session is no longer valid."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(DomainError):
    """The viewer does not have the permission."""

    code = ErrorCode.FORBIDDEN


class NotFound(DomainError):
    """The object does not exist or is not visible to the viewer."""

    code = ErrorCode.NOT_FOUND


class Conflict(DomainError):
    """The current state of the data does not allow the operation."""

    code = ErrorCode.CONFLICT


class Invalid(DomainError):
    """The input is invalid."""

    code = ErrorCode.INVALID


class Ambiguous(DomainError):
    """The content has several readings; the message asks for the one that is meant."""

    code = ErrorCode.AMBIGUOUS


class LimitExceeded(DomainError):
    """A limit is exceeded; the message says which, and when to retry."""

    code = ErrorCode.EXHAUSTED


class UnsupportedContent(DomainError):
    """The type or size of the content is not supported."""

    code = ErrorCode.UNSUPPORTED


class ResourceExpired(DomainError):
    """A link, an upload or a token has expired."""

    code = ErrorCode.EXPIRED


class Unavailable(DomainError):
    """A service is temporarily unavailable; the request may be retried."""

    code = ErrorCode.UNAVAILABLE


class InstallationError(OperatorError):
    """Base class of errors of an installation, which the command line prints as one line."""
