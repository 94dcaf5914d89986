"""Errors with messages for people: clients of operations, and the operator of an installation."""

from enum import Enum


class OperatorError(Exception):
    """Base class of errors whose message is for operators: one line without secrets or content.

    The message may be logged, unlike that of any other error.
    """


class ErrorCode(Enum):
    """Reason why a request, an operation or a part of it failed: the `code` of payload errors and, as
    `extensions.code`, of all other errors. There are no other codes.
    """

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
    BAD_USER_INPUT = "BAD_USER_INPUT"
    """A value does not have its type. Only in `extensions.code`, with the path of the value."""
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    """The document is not GraphQL. Only in `extensions.code`."""
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    """The document does not fit the schema. Only in `extensions.code`."""
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    """The document has no operation of this name, or several and none is named. Only in `extensions.code`."""
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    """The document, or its answer, is larger than the limits. The message says which one. Only in
    `extensions.code`.
    """
    VALUE_NOT_REPRESENTABLE = "VALUE_NOT_REPRESENTABLE"
    """A stored value cannot be expressed in the field's type. Only in `extensions.code`."""
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """No document is stored under this hash. Send the hash and the document. Only in `extensions.code`."""
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    """The server executes documents on its allow list only. Only in `extensions.code`."""
    CSRF_PREVENTION = "CSRF_PREVENTION"
    """The request lacks a header that shows that no other site sent it. Only in `extensions.code`."""
    BATCHING_NOT_SUPPORTED = "BATCHING_NOT_SUPPORTED"
    """The request has several operations. Only in `extensions.code`."""
    ORIGIN_NOT_ALLOWED = "ORIGIN_NOT_ALLOWED"
    """Pages of this origin may not send requests; the message names the setting. Only in preflights."""
    BAD_REQUEST = "BAD_REQUEST"
    """The request is not a GraphQL request. Only in `extensions.code`."""
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    """The operation requires another HTTP method. Only in `extensions.code`."""
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    """The operation cannot be answered in a media type that the client accepts. Only in `extensions.code`."""
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    """The request's body has a media type that is not read. Only in `extensions.code`."""
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    """The request's body is larger than the limit. Only in `extensions.code`."""
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    """The request was not received in time. Only in `extensions.code`."""
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    """An unexpected error, logged by the server under `extensions.id`. Only in `extensions.code`."""


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
