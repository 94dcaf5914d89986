"""Primary keys: UUIDv7 of RFC 9562, made by the application, so id order is creation order."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A key greater than every key this process made before."""
    return uuid7()
