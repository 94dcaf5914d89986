"""Fields that run code: computed fields, mutations, subscriptions."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Self, TypeVar, cast, overload

import strawberry
from strawberry.extensions import FieldExtension

from core.errors import DomainError, ErrorCode, Invalid
from resolvers import validators
from schema.framework.decorators import NEEDS, enumeration, input, output

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_LIST = 100

enumeration(ErrorCode)


@output
class UserError:
    """A refusal the caller can act on."""

    code: ErrorCode
    """What kind of refusal."""

    message: str
    """For a person to read."""

    path: list[str]
    """The argument at fault, outermost name first."""


@input
class Update:
    """What every update of something that tells when it was changed may say."""

    expected_updated_at: datetime | None = None
    """`updatedAt` as it was read: a CONFLICT if anybody has changed the object since."""


@output
class Payload:
    """What a mutation answers."""

    errors: list[UserError] = strawberry.field(default_factory=list)
    """Empty when the mutation took effect; otherwise nothing was changed."""

    @classmethod
    def of(cls, **rows: Any) -> Self:
        """A payload holding rows where the contract promises types."""
        return cls(**rows)


class RefuseAsData(FieldExtension):
    """Answer a DomainError with the field's own payload, and refuse text that no database can hold."""

    def apply(self, field: Any) -> None:
        self.payload: Callable[..., Payload] = field.type

    async def resolve_async(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        try:
            check_text(arguments)
            return await next_(source, info, **arguments)
        except DomainError as refusal:
            error = UserError(code=refusal.code, message=refusal.message, path=list(refusal.path))
            return self.payload(errors=[error])


def check_text(arguments: dict[str, Any]) -> None:
    """`Invalid`, with the path, for NUL characters, lone surrogates, and lists of more than 100 items."""
    for path, value in _leaves(arguments, ()):
        if isinstance(value, list) and len(value) > LONGEST_LIST:
            raise Invalid(f"At most {LONGEST_LIST} items.", *path)
        if isinstance(value, str) and ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)):
            raise Invalid("This text has a character that cannot be stored.", *path)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    match value:
        case strawberry.Some(value=inner):
            yield from _leaves(inner, path)
        case dict():
            for name, inner in value.items():
                yield (*path, "key"), name
                yield from _leaves(inner, (*path, validators.camel(str(name))))
        case list():
            yield path, value
            for position, inner in enumerate(value[: LONGEST_LIST + 1]):
                yield from _leaves(inner, (*path, str(position)))
        case str():
            yield path, value
        case _ if is_dataclass(value) and not isinstance(value, type):
            for each in fields(value):
                yield from _leaves(getattr(value, each.name), (*path, validators.camel(each.name)))


@overload
def field(resolver: F) -> F: ...
@overload
def field(*, needs: tuple[str, ...] = ()) -> Callable[[F], F]: ...
def field(resolver: Any = None, *, needs: tuple[str, ...] = ()) -> Any:
    """A computed field described by its docstring; `needs` are the columns that it reads."""

    def declare(resolver: Callable[..., Any]) -> Any:
        return strawberry.field(resolver, description=inspect.getdoc(resolver), metadata={NEEDS: needs})

    return declare(resolver) if resolver else declare


def computed(value: Callable[[Any], Any], *, needs: tuple[str, ...]) -> Any:
    """An attribute made of the columns that it `needs`; described by the string below it."""
    return strawberry.field(resolver=lambda root: value(root), metadata={NEEDS: needs})


def alias(column: str, reason: str) -> Any:
    """A deprecated name of an attribute, kept for clients of the source systems."""
    return strawberry.field(
        resolver=lambda root: getattr(root, column), deprecation_reason=reason, metadata={NEEDS: (column,)}
    )


def mutation(resolver: F) -> F:
    """A mutation field described by its docstring."""
    described = inspect.getdoc(resolver)
    declared: Any = strawberry.mutation(resolver, description=described, extensions=[RefuseAsData()])
    return cast(F, declared)


def subscription(resolver: F) -> F:
    """A subscription field described by its docstring."""
    declared: Any = strawberry.subscription(resolver, description=inspect.getdoc(resolver))
    return cast(F, declared)
