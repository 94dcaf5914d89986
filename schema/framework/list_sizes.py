"""Sizes of lists: the maximum that a field declares, and the real sizes of the schema for introspection."""

import re
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    GraphQLSchema,
    get_named_type,
    introspection_types,
    is_enum_type,
    is_input_object_type,
    is_wrapping_type,
)

INTROSPECTION = frozenset(introspection_types)
"""Names of the types of introspection."""

MAXIMUM = re.compile(r"\b(?:[Mm]aximum|[Aa]t most) ([0-9][0-9,]*)")
"""How the description of a plain list declares its maximum."""

Sizes = dict[tuple[str, str], float]

_sizes: WeakKeyDictionary[GraphQLSchema, Sizes] = WeakKeyDictionary()


@cache
def maximum_in(description: str) -> int | None:
    """The maximum that a description declares, or None."""
    found = MAXIMUM.search(description)
    return int(found[1].replace(",", "")) if found else None


def declared_maximum(definition: Any) -> int | None:
    """The maximum number of items of a list field, or None if its description declares none."""
    return maximum_in(definition.description or "")


def introspection_sizes(schema: GraphQLSchema) -> Sizes:
    """How many objects each list of introspection holds on average, by type and field.

    `__type` counts as the type with the most fields.
    """
    if schema not in _sizes:
        _sizes[schema] = measure_schema(schema)
    return _sizes[schema]


def measure_schema(schema: GraphQLSchema) -> Sizes:
    """Count the types of a schema and what they hold."""
    types = list(schema.type_map.values())
    fields = [list(getattr(kind, "fields", {}).values()) for kind in types if not is_input_object_type(kind)]
    inputs = [list(kind.fields.values()) for kind in types if is_input_object_type(kind)]
    field_count, input_count = sum(map(len, fields)), sum(map(len, inputs))
    arguments = [len(each.args) for some in fields for each in some]
    references = [each.type for some in (*fields, *inputs) for each in some]
    largest = max((len(some) + sum(len(each.args) for each in some) for some in fields), default=1)
    average = max(1, (field_count + sum(arguments)) / len(types))
    wrapped = sum(map(wrappers, references))
    return {
        ("__Schema", "types"): len(types),
        ("__Schema", "directives"): len(schema.directives),
        ("__Directive", "args"): 3,
        ("__Type", "fields"): field_count / len(types),
        ("__Type", "inputFields"): input_count / len(types),
        ("__Type", "enumValues"): sum(len(kind.values) for kind in types if is_enum_type(kind)) / len(types),
        ("__Type", "interfaces"): sum(len(getattr(kind, "interfaces", ())) for kind in types) / len(types),
        ("__Type", "possibleTypes"): 0.5,
        ("__Type", "ofType"): wrapped / max(1, wrapped + len(references)),
        ("__Field", "args"): sum(arguments) / max(1, field_count),
        ("", "__type"): largest / average,
    }


def wrappers(kind: Any) -> int:
    """How many times a type is wrapped as a list or as not null."""
    count = 0
    while is_wrapping_type(kind):
        kind, count = kind.of_type, count + 1
    return count


def takes_password(definition: Any) -> bool:
    """Whether an input of the field holds a password."""
    inputs = (get_named_type(argument.type) for argument in definition.args.values())
    return any("password" in kind.fields for kind in inputs if is_input_object_type(kind))
