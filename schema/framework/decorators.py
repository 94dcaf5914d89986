"""Decorators that turn an annotated class into part of the GraphQL contract.

The docstring of a class is its description. The string under a field or enum member is the description of it.
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from db.base import Model
from db.pagination import Order
from db.rows import Columns

T = TypeVar("T")
E = TypeVar("E", bound=type[Enum])

NEEDS = "needs"
"""Key of a field's metadata: the columns that its resolver reads."""


@dataclass(frozen=True)
class StoredType:
    """A type backed by rows: its model, and the columns that each of its GraphQL fields reads."""

    name: str
    model: type[Model]
    needs: dict[str, Columns] = dataclass_field(default_factory=dict)


STORED_TYPES: dict[str, StoredType] = {}
"""Every `@node` type, by its GraphQL name."""


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row with its model, from which an interface resolves the concrete type."""

    model: type[Model]
    row: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def output(cls: type[T]) -> type[T]:
    """Declare an object type that is not backed by a model."""
    return strawberry.type(document(cls), description=inspect.getdoc(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def interface(cls: type[T]) -> type[T]:
    """Declare an interface of stored types."""
    return strawberry.interface(document(cls), description=inspect.getdoc(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def input(cls: type[T]) -> type[T]:
    """Declare an input type."""
    return strawberry.input(document(cls), description=inspect.getdoc(cls))


def node(model: type[Model]) -> Callable[[type[T]], type[T]]:
    """Declare an object type whose values are rows of `model`; `node(id:)` resolves it."""

    def is_type_of(cls: type, row: object, info: object) -> bool:
        return not isinstance(row, TypedRow) or row.model is model

    def declare(cls: type[T]) -> type[T]:
        backed: Any = cls
        backed.is_type_of = classmethod(is_type_of)
        declared = strawberry.type(document(cls), description=inspect.getdoc(cls))
        stored = STORED_TYPES[cls.__name__] = StoredType(cls.__name__, model)
        columns = model.__mapper__.column_attrs.keys()
        for field in declared.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            own = (field.python_name,) if field.python_name in columns else ()
            name = field.graphql_name or to_camel_case(field.python_name)
            stored.needs[name] = field.metadata.get(NEEDS, own)
        return declared

    return declare


def enumeration(kind: E) -> E:
    """Declare an enum. Declaring it again has no effect."""
    if "__strawberry_definition__" not in vars(kind):
        declared: Any = strawberry.enum(kind, description=inspect.getdoc(kind))
        descriptions = attribute_docstrings(kind)
        for value in declared.__strawberry_definition__.values:
            ordered = isinstance(value.value, Order)
            value.description = order_description(value.name) if ordered else descriptions.get(value.name)
    return kind


def order_description(name: str) -> str:
    """The description of an order such as `CREATED_AT_DESC`."""
    column, direction = name.rsplit("_", 1)
    verb = {"ASC": "Ascending", "DESC": "Descending"}[direction]
    return f"{verb} by `{to_camel_case(column.lower())}`."


def document(cls: type[T]) -> type[T]:
    """Give each field the description written beneath it."""
    for name, description in attribute_docstrings(cls).items():
        declared: Any = cls.__dict__.get(name, strawberry.UNSET)
        if not isinstance(declared, StrawberryField):
            default = {} if declared is strawberry.UNSET else {"default": declared}
            declared = strawberry.field(**default)
            setattr(cls, name, declared)
        declared.description = description
    return cls


def attribute_docstrings(cls: type) -> dict[str, str]:
    """The string literal beneath each attribute or enum member, by its name."""
    return file_docstrings(inspect.getfile(cls)).get(cls.__qualname__, {})


@cache
def file_docstrings(path: str) -> dict[str, dict[str, str]]:
    """The attribute docstrings of all classes of a file, by the qualified name of the class."""
    return dict(class_docstrings(ast.parse(Path(path).read_text(), path).body))


def class_docstrings(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """The qualified name and the attribute docstrings of each class."""
    for statement in body:
        match statement:
            case ast.ClassDef(name=name, body=inner):
                docstrings = {}
                for attribute, docstring in pairwise(inner):
                    match attribute, docstring:
                        case (
                            ast.AnnAssign(target=ast.Name(id=id)) | ast.Assign(targets=[ast.Name(id=id)]),
                            ast.Expr(value=ast.Constant(value=str(text))),
                        ):
                            docstrings[id] = inspect.cleandoc(text)
                yield prefix + name, docstrings
                yield from class_docstrings(inner, f"{prefix}{name}.")
            case ast.FunctionDef(name=name, body=inner) | ast.AsyncFunctionDef(name=name, body=inner):
                yield from class_docstrings(inner, f"{prefix}{name}.<locals>.")
