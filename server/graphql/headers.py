"""Request headers, read from the ASGI scope."""

from starlette.types import Scope

MAX_CACHED_LENGTH = 200
"""Length up to which what a header means is remembered by its text: clients repeat a few short ones."""


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of a name in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def media_type(scope: Scope) -> str:
    """The media type of the body, in lower case, without parameters."""
    return (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
