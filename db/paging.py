"""Keyset pagination: orders, pages and cursors."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from itertools import chain
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, tuple_

from core.errors import Invalid
from db.base import Model


@dataclass(frozen=True, init=False)
class Order:
    """Sort order by non-nullable columns; the id is added unless the columns are `unique`."""

    columns: tuple[str, ...]
    descending: bool

    def __init__(self, *columns: str, descending: bool = False, unique: bool = False) -> None:
        keyed = columns if unique or columns[-1:] == ("id",) else (*columns, "id")
        object.__setattr__(self, "columns", keyed)
        object.__setattr__(self, "descending", descending)


@dataclass(frozen=True, kw_only=True)
class Page:
    """At most `size` rows between two keys (exclusive), from the start or, with `backward`, from the end."""

    size: int
    order: Order
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    backward: bool = False

    def slice(self, statement: Select[Any], entity: Any) -> Select[Any]:
        """Limits the statement to the page and one more row, which says whether there are further rows."""
        key = tuple(getattr(entity, name) for name in self.order.columns)
        bounds = (self.after, not self.order.descending), (self.before, self.order.descending)
        for bound, greater in bounds:
            if bound is not None:
                statement = statement.where(tuple_(*key) > bound if greater else tuple_(*key) < bound)
        descending = self.order.descending != self.backward
        return statement.order_by(*(part.desc() if descending else part for part in key)).limit(self.size + 1)

    def merge(self, parts: list[list[Any]]) -> list[Any]:
        """Merges pages of several lists that were sliced by this page."""
        if len(parts) == 1:
            return parts[0]
        descending = self.order.descending != self.backward
        key = attrgetter(*self.order.columns)
        return sorted(chain(*parts), key=key, reverse=descending)[: self.size + 1]

    def trim(self, rows: list[Any]) -> tuple[list[Any], bool]:
        """The rows of the page in `order`, and whether there are further rows."""
        page = rows[: self.size]
        return (page[::-1] if self.backward else page), len(rows) > self.size


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
