"""Refusals of values that no column would hold."""

import json
import re
from typing import Any

from core.errors import Invalid

EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s.\x00-\x1f]+(\.[^@\s.\x00-\x1f]+)+")
NO_BREAK = re.compile(r"[\x00-\x1f\x7f]")


def name(value: str, *path: str, limit: int = 255) -> str:
    """One line of text that is not blank, trimmed; `limit` is in characters."""
    trimmed = value.strip()
    if not trimmed:
        raise Invalid("This cannot be blank.", *path)
    if NO_BREAK.search(trimmed):
        raise Invalid("This is one line of text, without control characters.", *path)
    return text(trimmed, *path, limit=limit)


def text(value: str, *path: str, limit: int = 20_000) -> str:
    """Text of at most `limit` characters."""
    if len(value) > limit:
        raise Invalid(f"This is longer than {limit} characters.", *path)
    return value


def optional(value: str | None, *path: str, limit: int = 255) -> str | None:
    """As `name`, where nothing or a blank text means null."""
    return None if value is None or not value.strip() else name(value, *path, limit=limit)


def within(value: float, least: float, most: float, *path: str) -> None:
    """A number in this range, its ends included."""
    if not least <= value <= most:
        raise Invalid(f"This is a number from {least} to {most}.", *path)


def document(value: Any, *path: str, limit: int = 65_536) -> dict[str, Any]:
    """A JSON object of at most `limit` characters."""
    if not isinstance(value, dict):
        raise Invalid("This is a JSON object.", *path)
    if len(json.dumps(value)) > limit:
        raise Invalid(f"This is longer than {limit} characters of JSON.", *path)
    return value


def email(value: str, *path: str) -> str:
    """An address in lower case."""
    address = name(value, *path, limit=255).lower()
    if not EMAIL.fullmatch(address):
        raise Invalid("This is not an email address.", *path)
    return address


def camel(name: str) -> str:
    """A Python name as clients know it."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def changed(**given: Any) -> dict[str, Any]:
    """The values that were given at all: a `Maybe` that was left out is None, and stays out."""
    return {name: value.value for name, value in given.items() if value is not None}
