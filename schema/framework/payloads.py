"""Mutation payloads, and decorators of computed fields, mutations and subscriptions."""

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Self, TypeVar, cast, overload

import strawberry
from strawberry.extensions import FieldExtension

from core.errors import DomainError, ErrorCode, Invalid, Unavailable
from resolvers import refusals, validators
from schema.framework.decorators import NEEDS, enumeration, input, output
from schema.framework.idempotency import Idempotent

F = TypeVar("F", bound=Callable[..., Any])

MAX_LIST_SIZE = 100

enumeration(ErrorCode)


@output
class UserError:
    """An error that the client can handle."""

    code: ErrorCode
    """Machine-readable error code."""

    message: str
    """Human-readable error message."""

    path: list[str]
    """Path of the argument that caused the error, from the outermost name to the innermost."""


@input
class ConditionalUpdate:
    """Input of an update with optimistic concurrency control."""

    expected_updated_at: datetime | None = None
    """Expected value of `updatedAt`. If the object has changed since, the mutation fails with `CONFLICT`."""


@input
class IdempotentInput:
    """Input of an operation that is safe to repeat."""

    idempotency_key: str | None = None
    """Idempotency key. Repeating the request with the same key and input returns the first result."""


def input_values(input: Any, *, omit: Collection[str] = ()) -> dict[str, Any]:
    """The fields of an input by their Python names, without its idempotency key and the omitted ones."""
    omitted = {"idempotency_key", *omit}
    return {field.name: getattr(input, field.name) for field in fields(input) if field.name not in omitted}


def input_changes(input: Any, *, omit: Collection[str] = ()) -> dict[str, Any]:
    """The values of an input's `Maybe` fields that the client sent."""
    values = input_values(input, omit=omit)
    return {name: value.value for name, value in values.items() if isinstance(value, strawberry.Some)}


@output
class Payload:
    """Result of a mutation."""

    errors: list[UserError] = strawberry.field(default_factory=list)
    """Errors that prevented the mutation. If not empty, nothing was changed."""

    def __init_subclass__(cls) -> None:
        """Describe a payload by the mutation that it is named after."""
        name = cls.__name__.removesuffix("Payload")
        cls.__doc__ = f"Result of `{name[0].lower()}{name[1:]}`."

    @classmethod
    def of(cls, **rows: Any) -> Self:
        """A payload that holds rows in place of the declared types."""
        return cls(**rows)


class ErrorsAsPayload(FieldExtension):
    """Turns a `DomainError` into the `errors` of the payload, and validates the text of all arguments.

    Outages are errors of the operation, because the response has status 503.
    """

    def apply(self, field: Any) -> None:
        self.payload: Callable[..., Payload] = field.type

    async def resolve_async(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        try:
            validate_arguments(arguments)
            return await next_(source, info, **arguments)
        except Unavailable:
            raise
        except DomainError as refusal:
            viewer = info.context.signed_in
            if refusal.code is ErrorCode.FORBIDDEN and viewer is not None:
                await refusals.record_permission(info.context.services.database, viewer, info.field_name)
            error = UserError(code=refusal.code, message=refusal.message, path=list(refusal.path))
            return self.payload(errors=[error])


def validate_arguments(arguments: dict[str, Any]) -> None:
    """Raise `Invalid` for NUL characters, lone surrogates, and lists of more than 100 items."""
    for path, value in _walk(arguments, ()):
        if isinstance(value, list) and len(value) > MAX_LIST_SIZE:
            name = ".".join(path)
            raise Invalid(f"{name} must have at most {MAX_LIST_SIZE} items (got {len(value)}).", *path)
        if isinstance(value, str) and ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)):
            raise Invalid(f"{'.'.join(path)} must not contain NUL characters or lone surrogates.", *path)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    match value:
        case strawberry.Some(value=inner):
            yield from _walk(inner, path)
        case dict():
            for name, inner in value.items():
                yield (*path, "key"), name
                yield from _walk(inner, (*path, validators.camel(str(name))))
        case list():
            yield path, value
            for position, inner in enumerate(value[: MAX_LIST_SIZE + 1]):
                yield from _walk(inner, (*path, str(position)))
        case str():
            yield path, value
        case _ if is_dataclass(value) and not isinstance(value, type):
            for each in fields(value):
                yield from _walk(getattr(value, each.name), (*path, validators.camel(each.name)))


@overload
def field(resolver: F) -> F: ...
@overload
def field(*, needs: tuple[str, ...] = ()) -> Callable[[F], F]: ...
def field(resolver: Any = None, *, needs: tuple[str, ...] = ()) -> Any:
    """Declare a computed field, described by its docstring. `needs` are the columns that it reads."""

    def declare(resolver: Callable[..., Any]) -> Any:
        return strawberry.field(resolver, description=inspect.getdoc(resolver), metadata={NEEDS: needs})

    return declare(resolver) if resolver else declare


def derived_field(value: Callable[[Any], Any], *, needs: tuple[str, ...]) -> Any:
    """Declare an attribute computed from the columns `needs`, described by the string below it."""
    return strawberry.field(resolver=lambda root: value(root), metadata={NEEDS: needs})


def alias(column: str, reason: str) -> Any:
    """Declare a deprecated alias of an attribute."""
    return strawberry.field(
        resolver=lambda root: getattr(root, column), deprecation_reason=reason, metadata={NEEDS: (column,)}
    )


@overload
def mutation(resolver: F) -> F: ...
@overload
def mutation(*, idempotent: bool) -> Callable[[F], F]: ...
def mutation(resolver: Any = None, *, idempotent: bool = False) -> Any:
    """Declare a mutation, described by its docstring. An idempotent one runs once per `idempotencyKey`."""

    def declare(resolver: Callable[..., Any]) -> Any:
        extensions = [*([Idempotent()] if idempotent else []), ErrorsAsPayload()]  # the last is outermost
        return strawberry.mutation(resolver, description=inspect.getdoc(resolver), extensions=extensions)

    return declare(resolver) if resolver else declare


def subscription(resolver: F) -> F:
    """Declare a subscription, described by its docstring."""
    declared: Any = strawberry.subscription(resolver, description=inspect.getdoc(resolver))
    return cast(F, declared)
