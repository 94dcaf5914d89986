"""Values of arguments for random documents of the contract, and the sizes of these documents."""

from collections import defaultdict, deque
from random import Random
from typing import Any

from tests.isolation.generated_operations import of_type, root
from tests.schema.execution.random_documents import Sizes

TIMED = {"databaseHealth", "documentSearch"}
"""Root fields whose values are not the same a moment later, or that load a model."""

SIZES = Sizes(
    directives=0.06,
    argument=0.2,
    arguments={"first": 0.4, "last": 0.05, "after": 0.15, "before": 0.1, "filter": 0.15, "orderBy": 0.3},
    roots=frozenset(root("Query")) - TIMED,
)


class ContractValues:
    """Values of arguments: IDs of stored rows, cursors that were seen, and some that do not fit."""

    def __init__(self, ids: dict[str, list[str]]) -> None:
        self.ids = ids
        self.all_ids = [id for ids in self.ids.values() for id in ids]
        self.cursors: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=50))

    def scalar(self, random: Random, kind: str, field: str, argument: str) -> Any:
        """A value of the scalar for this argument."""
        if argument in ("after", "before"):
            return random.choice(
                [*self.cursors[field], *(() if random.random() < 0.9 else ("wrong",))] or [None]
            )
        if kind == "ID":
            return self.id(random, field, argument)
        return random.choice(VALUES[kind])

    def id(self, random: Random, field: str, argument: str) -> str:
        """Mostly the ID of a row that the argument is about."""
        drawn = random.random()
        if drawn < 0.02:
            return random.choice(["", "wrong", "UHJvamVjdDox"])
        try:
            return random.choice(self.all_ids if drawn < 0.05 else self.ids[of_type(field, argument)])
        except KeyError:
            return random.choice(self.all_ids)

    def remember(self, data: Any, field: str = "") -> None:
        """Keep the cursors of a result for later documents."""
        if isinstance(data, dict):
            for name, value in data.items():
                if "ursor" in name and isinstance(value, str):
                    self.cursors[field].append(value)
                else:
                    self.remember(value, field if name in ("edges", "pageInfo") else name)
        elif isinstance(data, list):
            for value in data:
                self.remember(value, field)


VALUES: dict[str, tuple[Any, ...]] = {
    "Int": (0, 1, 2, 3, 3, 5, 5, 8, 20, 100),
    "BigInt": (0, 7, "12"),
    "Float": (0, 0.5, 1e9),
    "Boolean": (True, False),
    "String": ("", "a", "plan", "Project 1", "guide.pdf", "a\x00b"),
    "Date": ("2024-02-29", "2030-01-01"),
    "DateTime": ("2024-02-29T00:00:00Z", "2030-01-01T00:00:00+02:00", "2024-02-29T00:00:00"),
    "JSON": ({}, {"a": [1]}, None),
}
