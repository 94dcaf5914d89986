"""A schema of everything that fields and their values can be, over the values of `sample_values`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated, Any, NewType
from uuid import UUID

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from schema.contract import Contract
from schema.execution.executor import executor_with
from schema.framework.documents import Documents
from schema.framework.error_masking import ErrorMasking
from schema.framework.operation_limits import OperationLimits
from schema.framework.operation_size import Limits
from schema.framework.scalars import SCALARS, BigInt
from tests.schema.execution.sample_values import Item, World

Info = strawberry.Info[World, Any]


@strawberry.enum
class Mood(Enum):
    HAPPY = "happy"
    SAD = 2
    ANGRY = ("very", "angry")


Fussy = NewType("Fussy", str)


def serialize_fussy(value: Any) -> Any:
    """Calm values only."""
    if value == "none":
        return None
    if value != "calm":
        raise ValueError(f"too fussy for {type(value).__name__}")
    return {"calm": True}


FUSSY = strawberry.scalar(name="Fussy", serialize=serialize_fussy, parse_value=str)


class IsAllowed(BasePermission):
    """Refuses a third of all objects."""

    message = "not allowed"

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return getattr(source, "number", 0) % 3 != 0


class IsAllowedLater(BasePermission):
    """Refuses a quarter of all objects, after a while."""

    message = "not allowed later"
    error_extensions = {"code": "FORBIDDEN"}  # noqa: RUF012  declared so by Strawberry

    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        await info.context.pause("permission", getattr(source, "number", 0))
        return getattr(source, "number", 0) % 4 != 0


class Twice(FieldExtension):
    """Resolves the field a second time if the first one raised."""

    def resolve(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        try:
            return next_(source, info, **arguments)
        except ValueError:
            return next_(source, info, **arguments)

    async def resolve_async(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        try:
            return await next_(source, info, **arguments)
        except ValueError:
            return None


def resolve(root: Any, info: Info, **arguments: Any) -> Any:
    """The value of the field."""
    kind, number = (
        (root.kind, root.number) if isinstance(root, Item) else (info._raw_info.parent_type.name, 0)
    )
    return info.context.resolve(kind, number, info.field_name, **arguments)


def sync_field(**options: Any) -> Any:
    """A field with a resolver."""

    def resolver(root: strawberry.Parent[Any], info: Info) -> Any:
        return resolve(root, info)

    return strawberry.field(resolver=resolver, **options)


def async_field(**options: Any) -> Any:
    """A field with an asynchronous resolver."""

    async def resolver(root: strawberry.Parent[Any], info: Info) -> Any:
        await info.context.pause(getattr(root, "number", 0), info.field_name)
        return resolve(root, info)

    return strawberry.field(resolver=resolver, **options)


def mixed_field() -> Any:
    """A field with a resolver that is not asynchronous, and sometimes gives an awaitable."""

    def resolver(root: strawberry.Parent[Any], info: Info) -> Any:
        value = resolve(root, info)
        return info.context.later(value, 1) if getattr(root, "number", 0) % 2 else value

    return strawberry.field(resolver=resolver)


def loader_field() -> Any:
    """A field that a dataloader resolves."""

    async def resolver(root: strawberry.Parent[Any], info: Info) -> Any:
        return await info.context.items.load(getattr(root, "number", 0) * 7 % 11)

    return strawberry.field(resolver=resolver)


@strawberry.input
class Filter:
    text: str = "any"
    number: int | None = None
    moods: list[Mood] | None = None
    day: date | None = None
    inner: Filter | None = None
    changed: strawberry.Maybe[int | None] = None


@strawberry.interface
class Node:
    id: strawberry.ID

    @classmethod
    def resolve_type(cls, value: Any, info: Any, *_: Any) -> str | None:
        return getattr(value, "kind", None)


@strawberry.interface
class Animal(Node):
    name: str
    friend: Animal | None = async_field()
    owner: Node = sync_field()
    nickname: str | None = async_field()


class ItemType:
    """Values of the type are items of its kind."""

    @classmethod
    def is_type_of(cls, value: Any, info: Any) -> bool:
        return isinstance(value, Item) and value.kind == cls.__name__


@strawberry.type
class Cat(Animal, ItemType):
    lives: int
    lives_left: int | None = sync_field()
    weight: float | None
    price: Decimal = async_field()
    moods: list[Mood]
    mood: Mood | None = sync_field()
    toys: list[str | None] | None = async_field()
    matrix: list[list[int | None] | None] | None = sync_field()
    strict_matrix: list[list[int]] = async_field()
    kittens: list[Cat] = sync_field()
    litters: list[list[Cat] | None] | None = async_field()
    best: Pet = sync_field()
    pets: list[Pet | None] | None = async_field()
    stone: Stone = loader_field()
    maybe_stone: Stone | None = loader_field()
    secret: str | None = sync_field(permission_classes=[IsAllowed])
    strict_secret: str = async_field(permission_classes=[IsAllowed, IsAllowedLater])
    secret_friends: list[Animal] | None = sync_field(permission_classes=[IsAllowedLater])
    retried: int | None = sync_field(extensions=[Twice()])
    retried_later: int = async_field(extensions=[Twice()])
    born: date
    seen: datetime | None
    fussy: Fussy | None
    strict_fussy: Fussy = sync_field()

    @strawberry.field
    def echo(
        self: Any,
        info: Info,
        number: int = 3,
        text: str | None = None,
        mood: Mood | None = Mood.SAD,
        filter: Filter | None = None,
        numbers: list[int] | None = None,
        changed: strawberry.Maybe[str | None] = None,
    ) -> str:
        return f"{self.number} {number} {text!r} {mood} {filter} {numbers} {changed}"

    @strawberry.field
    def moody(
        self: Any, filters: list[Filter], moods: list[list[Mood]] | None = strawberry.UNSET
    ) -> str | None:
        return f"{filters} {moods}"

    @strawberry.field
    def place(self, info: Info) -> str:
        raw = info._raw_info
        path = ".".join(map(str, info.path.as_list()))
        names = [node.alias.value if node.alias else "" for node in raw.field_nodes]
        return f"{path} {info.field_name} {info.python_name} {raw.parent_type} {raw.return_type} {names}"

    @strawberry.field
    async def relatives(
        self: Any, info: Info, first: int = 2, skip: list[int | None] | None = None
    ) -> list[Animal]:
        await info.context.pause(self.number, first)
        found: list[Animal] = info.context.resolve("Cat", self.number, "relatives", first=first, skip=skip)
        return found


@strawberry.type
class Dog(Animal, ItemType):
    lives: int | None
    tricks: list[str]
    good: bool
    owner: Cat = async_field()
    mate: Dog | None
    pups: list[Dog | None] = mixed_field()
    score: float = sync_field()
    meta: JSON
    size: BigInt | None = mixed_field()
    number_of_tricks: int = mixed_field()
    uid: UUID | None
    home: Stone | None
    homes: list[Stone]
    things: list[Thing] = async_field()

    @strawberry.field
    def selected(self, info: Info) -> list[str]:
        return [str(field) for field in info.selected_fields]

    @strawberry.field
    def names(self, a: str, b: int | None = None, c: Mood = Mood.HAPPY, d: float = 1.5) -> list[str] | None:
        return [repr(a), repr(b), repr(c), repr(d)]


@strawberry.type
class Stone(ItemType):
    weight: float
    label: str | None
    id: strawberry.ID | None
    under: Thing | None = async_field()
    beside: Stone | None = loader_field()
    facets: list[list[Stone | None]] = sync_field()


Pet = Annotated[Cat | Dog, strawberry.union("Pet")]
Thing = Annotated[Cat | Stone, strawberry.union("Thing")]


@strawberry.type
class Query:
    cats: list[Cat] = sync_field()
    dogs: list[Dog | None] | None = async_field()
    cat: Cat | None = async_field()
    strict_cat: Cat = sync_field()
    dog: Dog | None = sync_field()
    stone: Stone = loader_field()
    pets: list[Pet] | None = async_field()
    pet: Pet | None = sync_field()
    thing: Thing = async_field()
    things: list[list[Thing | None]] | None = sync_field()
    node: Node | None = async_field()
    nodes: list[Node | None] = sync_field()
    animals: list[Animal] | None = sync_field()
    answer: int = async_field()
    mood: Mood | None = sync_field()
    refused: Cat | None = sync_field(permission_classes=[IsAllowedLater])

    @strawberry.field
    async def search(
        self, info: Info, text: str, first: int = 3, filter: Filter | None = None
    ) -> list[Animal]:
        await info.context.pause(text)
        found: list[Animal] = info.context.resolve(
            "Query", 0, "search", text=text, first=first, filter=repr(filter)
        )
        return found

    @strawberry.field
    def by_id(self, info: Info, id: strawberry.ID, moods: list[Mood] | None = None) -> Node | None:
        found: Node | None = info.context.resolve("Query", 0, "by_id", id=id, moods=repr(moods))
        return found


@strawberry.type
class Adoption(ItemType):
    animal: Animal | None
    pet: Pet = async_field()
    errors: list[str]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def adopt(self, info: Info, name: str, filter: Filter | None = None) -> Adoption | None:
        await info.context.pause(name)
        info.context.calls.append(f"adopt {name}")
        adopted: Adoption | None = info.context.resolve(
            "Mutation", len(info.context.calls), "adopt", name=name
        )
        return adopted

    @strawberry.mutation
    def release(self, info: Info, ids: list[strawberry.ID], mood: Mood = Mood.HAPPY) -> Adoption:
        info.context.calls.append(f"release {ids}")
        released: Adoption = info.context.resolve(
            "Mutation", len(info.context.calls), "release", mood=repr(mood)
        )
        return released


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def born(self, info: Info, first: int = 3) -> AsyncGenerator[Animal | None, None]:
        for number in range(min(first, 3)):
            await info.context.pause(number)
            event: Animal | None = info.context.resolve("Subscription", number, "born")
            yield event


def make_sample(*, compiled: bool) -> Contract:
    """The sample schema, executed as the contract is."""
    limits, documents = Limits(cost=10**9, reads=10**6, result=10**9), Documents()
    return Contract(
        Query,
        Mutation,
        Subscription,
        config=StrawberryConfig(scalar_map={**SCALARS, Fussy: FUSSY}, auto_camel_case=False),
        types=[Cat, Dog, Stone],
        limits=limits,
        documents=documents,
        extensions=[partial(OperationLimits, limits, documents), ErrorMasking],
        execution_context_class=executor_with(limits, compiled=compiled),
    )
