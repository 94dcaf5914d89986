"""Opaque cursors: the key of a row, with the model and the order it is valid for."""

import base64
import json
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger

from core.errors import Invalid
from db.base import Model
from db.pagination import Order


def encode_cursor(model: type[Model], order: Order, row: Any) -> str:
    """An opaque cursor of a row, which includes the model and the order."""
    values = [_serialize_value(getattr(row, name)) for name in order.columns]
    text = json.dumps([_tag(model, order), *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(model: type[Model], order: Order, cursor: str, argument: str) -> tuple[Any, ...]:
    """The key in a cursor. Raises `Invalid` unless the cursor is of the same model and order."""
    try:
        tag, *values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if tag != _tag(model, order) or len(values) != len(order.columns):
            raise ValueError(tag)
        return tuple(
            _parse_value(model, name, value) for name, value in zip(order.columns, values, strict=True)
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid(f"`{argument}` is not a cursor of this list.", argument) from None


def _tag(model: type[Model], order: Order) -> str:
    return f"{model.__name__}:{'-' if order.descending else ''}{','.join(order.columns)}"


def _serialize_value(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
    return value


def _parse_value(model: type[Model], name: str, value: Any) -> Any:
    stored = model.__table__.c[name].type
    kind = stored.python_type
    if kind in (datetime, date, UUID) and not isinstance(value, str):
        raise ValueError(value)
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError(value)
        return instant.astimezone(UTC)
    if kind in (UUID, date) or issubclass(kind, Enum):
        return date.fromisoformat(value) if kind is date else kind(value)
    if type(value) is not kind or (kind is str and "\x00" in value):
        raise ValueError(value)
    if kind is str:
        value.encode()  # refuses lone surrogates
    if kind is int and abs(value) >= (2**63 if isinstance(stored, BigInteger) else 2**31):
        raise ValueError(value)
    return value
