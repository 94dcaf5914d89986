"""Keyset pagination: orders and pages."""

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, tuple_


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
