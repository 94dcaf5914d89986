"""Values of the sample schema, drawn from a seed: the same place holds the same value in every execution."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLSchema,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
)

from core.errors import Invalid, NotFound
from db.loaders import Loader

ITEMS = 30
"""Objects of each kind."""


class Item:
    """An object of the sample schema. Its attributes are drawn when they are read; reading one may raise."""

    def __init__(self, world: World, kind: str, number: int) -> None:
        self.world, self.kind, self.number = world, kind, number

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.world.resolve(self.kind, self.number, name)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.number}>"


class Countdown:
    """An iterable that is no list."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


class World:
    """The values of one execution, with a share of faults, and the time that resolvers take."""

    def __init__(self, schema: GraphQLSchema, seed: int, faults: float, timing: int = 0) -> None:
        self.schema, self.seed, self.faults, self.timing = schema, seed, faults, timing
        self.items = Loader(self.load_items)
        self.calls: list[str] = []

    def random(self, *place: object) -> Random:
        """The random numbers of a place."""
        return Random(f"{self.seed}{place}")

    async def pause(self, *place: object) -> None:
        """Let other resolvers go first, several times or not at all."""
        for _ in range(Random(f"{self.timing}{place}").choice((0, 1, 1, 2, 5))):
            await asyncio.sleep(0)

    async def load_items(self, numbers: list[int]) -> list[Any]:
        """Objects by their numbers, for the dataloader; some are missing, and some are errors."""
        await asyncio.sleep(0)
        return [self.load_item(number) for number in numbers]

    def load_item(self, number: int) -> Any:
        """One object of the dataloader."""
        random = self.random("load", number)
        if random.random() < self.faults:
            return random.choice(
                (None, ValueError(f"load {number}"), NotFound("There is no such stone.", "id"))
            )
        return Item(self, "Stone", number)

    def resolve(self, kind: str, number: object, field: str, **arguments: Any) -> Any:
        """The value of a field of an object. Raises the error that it stands for."""
        definition = self.schema.type_map[kind].fields[field]  # type: ignore[attr-defined]
        random = self.random(kind, number, field, sorted(arguments.items()))
        if random.random() < self.faults / 2:
            raise random.choice(self.errors(f"{kind}.{field} of {number}"))
        return self.value(definition.type, random)

    def errors(self, place: str) -> list[Exception]:
        """Errors that resolvers raise, or give as a value."""
        return [
            ValueError(f"bad {place}"),
            KeyError(place),
            NotFound("There is no such thing.", "id"),
            Invalid(f"{place} is invalid.", "filter", "text"),
            GraphQLError(f"refused {place}", extensions={"code": "REFUSED", "place": [place]}),
            ExceptionGroup("several", [ValueError(place)]),
        ]

    def value(self, kind: Any, random: Random) -> Any:
        """A value of the type, or with the share of faults something else."""
        if random.random() < self.faults:
            return self.fault(random)
        bare = get_nullable_type(kind)
        if not is_non_null_type(kind) and random.random() < 0.15:
            return None
        if is_list_type(bare):
            return self.items_of(bare.of_type, random)
        if isinstance(bare, GraphQLEnumType):
            return random.choice([value.value for value in bare.values.values()])
        if is_abstract_type(bare):
            possible = sorted(each.name for each in self.schema.get_possible_types(bare))
            return Item(self, random.choice(possible), random.randrange(ITEMS))
        if make := SCALARS.get(bare.name):
            return make(random)
        return Item(self, bare.name, random.randrange(ITEMS))

    def items_of(self, kind: Any, random: Random) -> Any:
        """A list, or another iterable that may stand for one."""
        items = [self.value(kind, random) for _ in range(random.choice((0, 1, 2, 2, 3)))]
        drawn = random.random()
        if drawn < 0.06:
            return tuple(items)
        if drawn < 0.12:
            return (item for item in items)
        if drawn < 0.16:
            return Countdown(items)
        if drawn < 0.2:
            return self.stream(items, random.random() < self.faults)
        if drawn < 0.26:
            return [self.later(item, n) if n % 2 else item for n, item in enumerate(items)]
        if drawn < 0.28:
            return dict.fromkeys(("1", "2"))
        if drawn < 0.3 + self.faults / 2:
            return self.failing(items, random.random() < self.faults)
        return items

    async def later(self, item: Any, place: int) -> Any:
        """The item of a list, awaited."""
        await self.pause("item", place)
        if isinstance(item, Exception):
            raise item
        return item

    async def stream(self, items: list[Any], fails: bool) -> AsyncIterator[Any]:
        """The items one after another, with an error at the end."""
        for item in items:
            await asyncio.sleep(0)
            yield item
        if fails:
            raise ValueError("the stream broke")

    def failing(self, items: list[Any], fails: bool) -> Iterator[Any]:
        """The same without waiting."""
        yield from items
        if fails:
            raise ValueError("the iteration broke")

    def fault(self, random: Random) -> Any:
        """A value of some type, null, or an error as a value."""
        return random.choice(
            (
                None,
                None,
                "wrong",
                1.5,
                2**40,
                True,
                b"bytes",
                [],
                [None],
                {},
                math.nan,
                math.inf,
                (),
                Item(self, random.choice(("Cat", "Dog", "Stone", "Ghost")), random.randrange(ITEMS)),
                random.choice(self.errors("value")),
            )
        )


SCALARS: dict[str, Callable[[Random], Any]] = {
    "Int": lambda random: random.choice((0, -3, 7, 4.0, True, "12", 2**31 - 1)),
    "Float": lambda random: random.choice((0, 2, 1.5, True, "2.5", -1e300, Decimal("1.50"))),
    "String": lambda random: random.choice(("", "text", "ÄÖ €", 5, 1.5, True, "a\x00b")),
    "Boolean": lambda random: random.choice((True, False, 1, 0)),
    "ID": lambda random: random.choice(("Q2F0OjE=", 17, "", UUID(int=5))),
    "JSON": lambda random: random.choice(({"b": [1, None], "a": {}}, [], "text", 0, None, {"x": 1.5})),
    "BigInt": lambda random: random.choice((2**40, 0, -1, True)),
    "Date": lambda random: random.choice((date(2020, 2, 29), date(1, 1, 1))),
    "DateTime": lambda random: random.choice(
        (datetime(2024, 1, 2, 3, 4, 5, 6, UTC), datetime(2024, 1, 2, tzinfo=UTC))
    ),
    "Decimal": lambda random: random.choice((Decimal("1.50"), Decimal("0"))),
    "UUID": lambda random: UUID(int=random.randrange(9)),
    "Fussy": lambda random: random.choice(("calm", "none", "calm", "calm")),
}
"""Values that the scalars accept."""
