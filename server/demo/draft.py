"""Deterministic rows from a seed, parents before children."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from db.base import Model

T = TypeVar("T")
Row = dict[str, Any]
Counts = Mapping[type[Model], int]

MAX_AGE = timedelta(days=90)
"""Age of the oldest rows."""


class Draft:
    """The rows of one company, as many of each model as `counts` says; the same seed gives the same rows.

    `people` own them. The newest are of the instant `until`.
    """

    def __init__(
        self, seed: str, company_id: UUID, people: Sequence[UUID], until: datetime, counts: Counts
    ) -> None:
        self.random = Random(seed)
        self.company_id, self.people, self.until, self.counts = company_id, people, until, counts
        self.rows: dict[type[Model], list[Row]] = {}

    def add(self, model: type[Model], at: datetime, /, **values: Any) -> Row:
        """Adds a row whose key has that time."""
        row = {"id": self.key(at), **values}
        self.rows.setdefault(model, []).append(row)
        return row

    def each(self, model: type[Model]) -> Iterator[tuple[int, datetime]]:
        """Number and time of each row to create, oldest first."""
        count = self.counts.get(model, 0)
        for number in range(count):
            yield number, self.until - MAX_AGE * (1 - (number + self.random.random()) / count)

    def under(self, model: type[Model], parent: type[Model]) -> Iterator[tuple[int, Row, datetime]]:
        """Number within the parent, parent and time of each row to create.

        Rows are distributed evenly. Without parents there are none.
        """
        parents = self.rows.get(parent, [])
        for number in range(self.counts.get(model, 0) if parents else 0):
            above = parents[number % len(parents)]
            position = number // len(parents)
            born = instant(above["id"])
            yield position, above, min(born + timedelta(seconds=41 * (position + 1)), self.until)

    def key(self, at: datetime) -> UUID:
        """A UUIDv7 of that time."""
        head = int(at.timestamp() * 1000) << 80 | 7 << 76 | self.random.getrandbits(12) << 64
        return UUID(int=head | 2 << 62 | self.random.getrandbits(62))

    def person(self) -> UUID:
        """A random user."""
        return self.random.choice(self.people)

    def one(self, choices: Sequence[T]) -> T:
        """A random choice."""
        return self.random.choice(choices)

    def share(self, low: float, high: float) -> float:
        """A random number in the range, to three digits."""
        return round(self.random.uniform(low, high), 3)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.random.random() < probability

    def words(self, pool: Sequence[str], count: int) -> list[str]:
        """Distinct random words, sorted."""
        return sorted(self.random.sample(pool, min(count, len(pool))))


def instant(key: UUID) -> datetime:
    """The time of a UUIDv7, in UTC."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)
