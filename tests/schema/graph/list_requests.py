"""Every list and connection of the contract, in every order, with every filter and pair of filters."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)
from strawberry import relay

from db.base import Model
from db.pagination import Order
from schema.framework.decorators import STORED_TYPES
from schema.requirements.exports import FASTEST_FIRST
from tests.schema.graph.generated_rows import (
    COMMON,
    EPOCH_MS,
    MANY,
    NONE,
    OLD,
    RARE,
    SOME,
    TABLES,
    GeneratedCompany,
)

REQUIRED = {"maxLatencyMs": 3000}
"""What lists require beside what all lists take."""

FIXED_ORDERS = {"fastExports": FASTEST_FIRST}
"""Orders of lists that are neither by id nor chosen by the client."""

SNAKE = re.compile("([A-Z])")
PAGES = ("first", "last", "after", "before", "totalCount")
"""Pages of a list: the first, the last, after and before a row in the middle, and the count."""

PARENTS, MANY_PARENTS = "parents", 100
"""The first pages of as many parents as can be asked for at once."""

PAGE_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "first": {"first": 25},
    "last": {"last": 25},
    "after": {"first": 25, "after": True},
    "before": {"last": 25, "before": True},
    "totalCount": {},
    PARENTS: {"first": 25},
}


class ListField(NamedTuple):
    """A root list, or a connection of a type."""

    parent: str
    name: str
    definition: GraphQLField

    @property
    def kind(self) -> str:
        """The type of the items."""
        return get_named_type(self.definition.type).name.removesuffix("Connection")

    @property
    def model(self) -> type[Model]:
        """The model of the items."""
        return STORED_TYPES[self.kind].model

    def __str__(self) -> str:
        return f"{self.parent}.{self.name}" if self.parent != "Query" else self.name


@dataclass(frozen=True)
class ListRequest:
    """A list in one order, with one filter."""

    list_field: ListField
    order: str | None
    filter: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.list_field), self.order, self.label)))

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages that can be asked for."""
        return PAGES if self.list_field.parent == "Query" else (*PAGES, PARENTS)

    def variables(self, page: str, company: GeneratedCompany, cursor: str | None) -> dict[str, Any]:
        """The variables that ask for a page of it."""
        found: dict[str, Any] = dict(REQUIRED)
        for name, value in PAGE_ARGUMENTS[page].items():
            found[name] = cursor if value is True else value
        if self.order:
            found["orderBy"] = self.order
        if self.filter:
            found["filter"] = dict(self.filter)
        if self.list_field.parent != "Query":
            parent = STORED_TYPES[self.list_field.parent].model
            numbers = range(MANY, MANY + (MANY_PARENTS if page == PARENTS else 1))
            keys = [company.key(parent.__tablename__, number) for number in numbers]
            found["ids"] = [relay.to_base64(self.list_field.parent, key) for key in keys]
        return found

    def document(self, page: str) -> str:
        """The operation that asks for a page of it."""
        types = {name: str(argument.type) for name, argument in self.list_field.definition.args.items()}
        passed = ", ".join(f"{name}: ${name}" for name in types)
        selected = "totalCount" if page == "totalCount" else "nodes { id }"
        body = f"{self.list_field.name}({passed}) {{ {selected} }}"
        if self.list_field.parent != "Query":
            types["ids"] = "[ID!]!"
            body = f"nodes(ids: $ids) {{ ... on {self.list_field.parent} {{ {body} }} }}"
        declared = ", ".join(f"${name}: {kind}" for name, kind in types.items())
        return f"query ({declared}) {{ {body} }}"


def list_fields(schema: GraphQLSchema) -> Iterator[ListField]:
    """All lists and connections of types that companies have many of."""
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and (kind is schema.query_type or name in STORED_TYPES):
            for field_name, definition in kind.fields.items():
                list_field = ListField(name, field_name, definition)
                if str(definition.type).endswith("Connection!") and list_field.model.__tablename__ in TABLES:
                    yield list_field


def orders(list_field: ListField) -> Mapping[str | None, Order]:
    """The orders of a list."""
    kind = (
        get_named_type(list_field.definition.args["orderBy"].type)
        if "orderBy" in list_field.definition.args
        else None
    )
    if not isinstance(kind, GraphQLEnumType):
        return {None: FIXED_ORDERS.get(list_field.name, Order("id"))}
    return {name: value.value for name, value in kind.values.items()}


def requests(
    schema: GraphQLSchema, company: GeneratedCompany, only: ListField | None = None
) -> Iterator[ListRequest]:
    """Every list in every order, with every filter.

    Of two reverse orders one is enough: the last page of one is the first of the other.
    """
    for list_field in [only] if only else list_fields(schema):
        one_way = {order.columns: name for name, order in orders(list_field).items()}
        for order, (conditions, label) in itertools.product(
            one_way.values(), filters(schema, list_field, company)
        ):
            yield ListRequest(list_field, order, conditions, label)


def filters(
    schema: GraphQLSchema, list_field: ListField, company: GeneratedCompany
) -> Iterator[tuple[dict[str, Any], str]]:
    """No filter, each value of each field of the filter, and pairs of fields."""
    yield {}, ""
    if "filter" not in list_field.definition.args:
        return
    kind = get_named_type(list_field.definition.args["filter"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    values = {name: examples(schema, list_field, kind, name, company) for name in kind.fields}
    for name, some in values.items():
        for label, value in some.items():
            yield {name: value}, f"{name}={label}"
    for one, other in itertools.combinations(values, 2):
        for (here, left), (there, right) in itertools.product(
            list(values[one].items())[:2], list(values[other].items())[:2]
        ):
            yield {one: left, other: right}, f"{one}={here} {other}={there}"


def examples(
    schema: GraphQLSchema,
    list_field: ListField,
    filter: GraphQLInputObjectType,
    name: str,
    company: GeneratedCompany,
) -> dict[str, Any]:
    """Values of a filter, as clients send them, by what they match, the most frequent first."""
    argument = get_named_type(filter.fields[name].type)
    if isinstance(argument, GraphQLEnumType):
        words = list(argument.values)
        return {word: word for word in (words[0], words[1], words[-1])}
    match argument.name:
        case "Boolean":
            return {"false": False, "true": True}
        case "ID":
            kind = schema.type_map[list_field.kind]
            assert isinstance(kind, GraphQLObjectType)
            pointed = get_named_type(kind.fields[name.removesuffix("Id")].type)
            pointed_name = (
                pointed.name if is_composite_type(pointed) else kind.name
            )  # else: a row of the same list
            table = STORED_TYPES[pointed_name].model.__tablename__
            keys = {"many": MANY, "rare": RARE, "none": NONE}
            return {
                label: relay.to_base64(pointed_name, company.key(table, number))
                for label, number in keys.items()
            }
    if argument.name == "DateTime":
        return {"early": datetime.fromtimestamp(EPOCH_MS // 1000 + 60, UTC).isoformat()}
    column = SNAKE.sub(r"_\1", name).lower()
    unique = {
        "email": f"{company.key('users', 77)}@x",
        "username": str(company.key("users", 77)),
        "report_id": "77",
    }
    if column in unique:
        return {"unique": unique[column]}
    if column == "drawing_name":
        return {COMMON: COMMON, "unique": "A-78"}
    return {word: word for word in (COMMON, SOME, OLD)}
