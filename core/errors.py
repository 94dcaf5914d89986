"""The errors a caller can do something about."""

from enum import Enum


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
    EXHAUSTED = "EXHAUSTED"
    """A limit or quota has been reached. The message says which one."""
    UNSUPPORTED = "UNSUPPORTED"
    """The content has a type or size that the server does not process."""
    EXPIRED = "EXPIRED"
    """The link, upload or cursor is no longer valid."""
    UNAVAILABLE = "UNAVAILABLE"
    """A service that the operation depends on is temporarily unavailable. Try again later."""


class DomainError(Exception):
    """Base of every refusal a client may see: a sentence for a person, and the path of the argument at fault.

    Anything else that is raised is a bug, and is masked.
    """

    code: ErrorCode

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[type["DomainError"], tuple[str, ...]]:
        """Keep message and path when an error crosses a process border."""
        return type(self), (self.message, *self.path)


class NotAuthenticated(DomainError):
    """Nobody is signed in, or who is signed in may no longer be."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(DomainError):
    """The viewer can see it and may not do it."""

    code = ErrorCode.FORBIDDEN


class NotFound(DomainError):
    """It does not exist, or this viewer may not know that it does."""

    code = ErrorCode.NOT_FOUND


class Conflict(DomainError):
    """The data is not in a state that allows it."""

    code = ErrorCode.CONFLICT


class Invalid(DomainError):
    """The request makes no sense, whatever the state of the data."""

    code = ErrorCode.INVALID


class LimitExceeded(DomainError):
    """A limit is reached; the message says which and when to try again."""

    code = ErrorCode.EXHAUSTED


class UnsupportedContent(DomainError):
    """The content is of a kind, or of a size, that this server does not work on."""

    code = ErrorCode.UNSUPPORTED


class ResourceExpired(DomainError):
    """It was valid once: a link, an upload, a token."""

    code = ErrorCode.EXPIRED


class Unavailable(DomainError):
    """What this needs does not answer just now; the same request may go well later."""

    code = ErrorCode.UNAVAILABLE
