"""Validation of values that clients send."""

import json
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from core.errors import Invalid
from db.base import Model

EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s.\x00-\x1f]+(\.[^@\s.\x00-\x1f]+)+")
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


def values(model: type[Model], values: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """The values as the columns of `model` store them: lengths and nullability follow from the columns.

    A column with a length takes one line of text, trimmed; if it is nullable, a blank line means null.
    Names that are no columns pass unchanged. Raises `Invalid`.
    """
    columns = model.__mapper__.columns
    return {
        name: _column_value(columns[name], value, *path, camel(name)) if name in columns else value
        for name, value in values.items()
    }


def _column_value(column: sa.Column[Any], value: Any, *path: str) -> Any:
    is_text = isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)
    limit: int | None = getattr(column.type, "length", None) if is_text else None
    if limit is not None:
        return (
            optional(value, *path, limit=limit) if column.nullable else name(value or "", *path, limit=limit)
        )
    if value is None and not column.nullable:
        raise Invalid(f"{field_name(*path)} cannot be null.", *path)
    return text(value, *path) if is_text and value is not None else value


def name(value: str, *path: str, limit: int = 255) -> str:
    """One line of text that is not blank, trimmed; `limit` is in characters."""
    trimmed = value.strip()
    if not trimmed:
        raise Invalid(f"{field_name(*path)} cannot be blank.", *path)
    if CONTROL_CHARACTER.search(trimmed):
        raise Invalid(f"{field_name(*path)} must be one line of text without control characters.", *path)
    return text(trimmed, *path, limit=limit)


def text(value: str, *path: str, limit: int = 20_000) -> str:
    """Text of at most `limit` characters."""
    if len(value) > limit:
        raise Invalid(f"{field_name(*path)} must be at most {limit} characters (got {len(value)}).", *path)
    return value


def optional(value: str | None, *path: str, limit: int = 255) -> str | None:
    """As `name`, where null or a blank text means null."""
    return None if value is None or not value.strip() else name(value, *path, limit=limit)


def within(value: float, minimum: float, maximum: float, *path: str) -> None:
    """Raise `Invalid` unless the value is from `minimum` to `maximum`, both included."""
    if not minimum <= value <= maximum:
        raise Invalid(f"{field_name(*path)} must be between {minimum} and {maximum} (got {value}).", *path)


def json_object(value: Any, *path: str, limit: int = 65_536) -> dict[str, Any]:
    """A JSON object of at most `limit` characters."""
    if not isinstance(value, dict):
        raise Invalid(f"{field_name(*path)} must be a JSON object.", *path)
    if (length := len(json.dumps(value))) > limit:
        raise Invalid(
            f"{field_name(*path)} must be at most {limit} characters of JSON (got {length}).", *path
        )
    return value


def email(value: str, *path: str) -> str:
    """An email address, in lower case."""
    address = name(value, *path, limit=255).lower()
    if not EMAIL.fullmatch(address):
        raise Invalid(f"{field_name(*path)} must be an email address.", *path)
    return address


def field_name(*path: str) -> str:
    """The field at a path in a sentence: `options.shardSize`, `keywords[0]`."""
    names = path[1:] if path[:1] == ("input",) and len(path) > 1 else path
    return "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in names).lstrip(".") or "The value"


def camel(name: str) -> str:
    """A Python name as clients know it."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
