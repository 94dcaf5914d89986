"""Keyset pagination: orders and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Select, bindparam, tuple_


@dataclass(frozen=True, init=False)
class Order:
    """Sort order by non-nullable columns; the id is added unless the columns are `unique`."""

    columns: tuple[str, ...]
    descending: bool

    def __init__(self, *columns: str, descending: bool = False, unique: bool = False) -> None:
        keyed = columns if unique or columns[-1:] == ("id",) else (*columns, "id")
        object.__setattr__(self, "columns", keyed)
        object.__setattr__(self, "descending", descending)


@dataclass(frozen=True)
class PageShape:
    """What the statement of a page depends on. Its keys and its size are parameters."""

    order: Order
    bounds: tuple[str, ...] = ()
    """`after`, `before` or both."""
    backward: bool = False

    def slice(self, statement: Select[Any], entity: Any) -> Select[Any]:
        """Limits the statement to the page."""
        key = tuple(getattr(entity, name) for name in self.order.columns)
        for bound in self.bounds:
            limits = tuple_(*(bound_parameter(bound, part) for part in key))
            greater = (bound == "after") != self.order.descending
            statement = statement.where(tuple_(*key) > limits if greater else tuple_(*key) < limits)
        return self.sort(statement, entity)

    def sort(self, statement: Select[Any], entity: Any) -> Select[Any]:
        """Takes the first rows in the page's order."""
        key = (getattr(entity, name) for name in self.order.columns)
        descending = self.order.descending != self.backward
        ordered = statement.order_by(*(part.desc() if descending else part for part in key))
        return ordered.limit(bindparam("size", None, type_=BigInteger(), required=False))


def bound_parameter(bound: str, part: Any) -> BindParameter[Any]:
    """The parameter of one column of a bound."""
    return bindparam(f"{bound}_{part.key}", None, type_=part.type, required=False)


@dataclass(frozen=True, kw_only=True)
class Page:
    """At most `size` rows between two keys (exclusive), from the start or, with `backward`, from the end."""

    size: int
    order: Order
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    backward: bool = False

    @property
    def shape(self) -> PageShape:
        """The shape of the page's statement."""
        bounds = tuple(bound for bound in ("after", "before") if getattr(self, bound) is not None)
        return PageShape(self.order, bounds, self.backward)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the statement. It reads one more row, which says whether there are further."""
        values: dict[str, Any] = {"size": self.size + 1}
        for bound in ("after", "before"):
            key = getattr(self, bound)
            if key is not None:
                named = zip(self.order.columns, key, strict=True)
                values |= {f"{bound}_{name}": value for name, value in named}
        return values

    def merge(self, parts: Sequence[Sequence[Any]], positions: Mapping[str, int]) -> Sequence[Any]:
        """Merges pages of several lists of records that were sliced by this page."""
        if len(parts) == 1:
            return parts[0]
        descending = self.order.descending != self.backward
        key = itemgetter(*(positions[name] for name in self.order.columns))
        return sorted(chain(*parts), key=key, reverse=descending)[: self.size + 1]

    def contains(self, row: Any) -> bool:
        """Whether the row lies between the keys."""
        key = tuple(getattr(row, name) for name in self.order.columns)
        low, high = (self.before, self.after) if self.order.descending else (self.after, self.before)
        return (low is None or key > low) and (high is None or key < high)

    def trim(self, rows: Sequence[Any]) -> tuple[Sequence[Any], bool]:
        """The rows of the page in `order`, and whether there are further rows."""
        page = rows[: self.size]
        return (page[::-1] if self.backward else page), len(rows) > self.size
