"""Decorators that turn an annotated class into part of the GraphQL contract.

A class's docstring is its description, and the string under a field is the field's.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from db.base import Model
from db.loaders import Columns

T = TypeVar("T")
E = TypeVar("E", bound=type[Enum])

NEEDS = "needs"
"""The key of a field's metadata that says which columns its resolver reads."""


@dataclass(frozen=True)
class Stored:
    """A type that is backed by rows: its model, and the columns that each of its GraphQL fields needs."""

    name: str
    model: type[Model]
    needs: dict[str, Columns] = field(default_factory=dict)


STORED: dict[str, Stored] = {}
"""Every `@node` type, by its GraphQL name."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A row where the contract promises an interface: it tells which type it is of."""

    model: type[Model]
    row: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def output(cls: type[T]) -> type[T]:
    """An object type that is computed rather than stored."""
    return strawberry.type(document(cls), description=inspect.getdoc(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def interface(cls: type[T]) -> type[T]:
    """An interface of stored types."""
    return strawberry.interface(document(cls), description=inspect.getdoc(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def input(cls: type[T]) -> type[T]:
    """An input type."""
    return strawberry.input(document(cls), description=inspect.getdoc(cls))


def node(model: type[Model]) -> Callable[[type[T]], type[T]]:
    """An object type whose values are rows of `model`, reachable by id."""

    def is_type_of(cls: type, row: object, info: object) -> bool:
        return not isinstance(row, Typed) or row.model is model

    def declare(cls: type[T]) -> type[T]:
        backed: Any = cls
        backed.is_type_of = classmethod(is_type_of)
        declared = strawberry.type(document(cls), description=inspect.getdoc(cls))
        stored = STORED[cls.__name__] = Stored(cls.__name__, model)
        columns = model.__mapper__.column_attrs.keys()
        for each in declared.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            own = (each.python_name,) if each.python_name in columns else ()
            name = each.graphql_name or to_camel_case(each.python_name)
            stored.needs[name] = each.metadata.get(NEEDS, own)
        return declared

    return declare


def enumeration(kind: E) -> E:
    """An enum of the contract, described by its docstring; two domains may both declare one."""
    declared = "__strawberry_definition__" in vars(kind)
    return kind if declared else strawberry.enum(kind, description=inspect.getdoc(kind))


def document(cls: type[T]) -> type[T]:
    """Give each field the description written beneath it."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    for annotated, note in zip(tree.body, tree.body[1:], strict=False):
        match annotated, note:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                declared: Any = cls.__dict__.get(name, strawberry.UNSET)
                if not isinstance(declared, StrawberryField):
                    default = {} if declared is strawberry.UNSET else {"default": declared}
                    declared = strawberry.field(**default)
                    setattr(cls, name, declared)
                declared.description = inspect.cleandoc(text)
    return cls
