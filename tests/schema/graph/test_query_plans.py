"""Every order and every filter of every root list is answered from an index."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
)
from strawberry import relay

from db.base import TENANT
from db.models import CompanyProfile, Dataset
from db.uow import Scope
from schema.contract import make_schema
from schema.framework.decorators import STORED_TYPES
from server.demo.draft import MAX_AGE
from tests.graphql_client import Client
from tests.schema.graph.conftest import Crowd
from tests.schema.graph.query_plans import SLOW, WHOLE, Statement, explain, plans_of, slow

CONTRACT = make_schema()
SCHEMA = CONTRACT._schema
REQUIRED = {"maxLatencyMs": 3000}
"""What lists want to be told, beside what all lists take."""

FEW = {
    "savedReports.filter.reportId": {"Sort of saved_reports"},
    "messages.filter.conversationId": {"Sort of messages"},
    "images.filter.label": {"Sort of images"},
    "crawlCandidates.filter.state": {"Sort of crawl_candidates"},
}
"""Conditions that few rows meet: one report, 200 messages, no label, no address that
waits. An index finds them to be sorted."""

SNAKE = re.compile("([A-Z])")


class ListRequest(NamedTuple):
    """A root list asked for in one order, or with one condition."""

    list: str
    argument: str
    condition: str = ""

    def __str__(self) -> str:
        return ".".join(part for part in self if part)


def lists() -> dict[str, GraphQLField]:
    """The root lists."""
    assert SCHEMA.query_type is not None
    fields = SCHEMA.query_type.fields.items()
    return {name: field for name, field in fields if str(field.type).endswith("Connection!")}


def orders() -> Iterator[ListRequest]:
    for name, field in lists().items():
        kind = get_named_type(field.args["orderBy"].type) if "orderBy" in field.args else None
        for value in kind.values if isinstance(kind, GraphQLEnumType) else [""]:
            yield ListRequest(name, value)


def filters() -> Iterator[ListRequest]:
    for name, field in lists().items():
        kind = get_named_type(field.args["filter"].type) if "filter" in field.args else None
        for condition in kind.fields if isinstance(kind, GraphQLInputObjectType) else ():
            yield ListRequest(name, "filter", condition)


def examples(listing: ListRequest, crowd: Crowd) -> list[Any]:
    """Values for a condition, as clients send them: of a row in the middle of the list."""
    field = lists()[listing.list]
    kind = SCHEMA.get_type(get_named_type(field.type).name.removesuffix("Connection"))
    taken = get_named_type(field.args["filter"].type)
    assert isinstance(kind, GraphQLObjectType)
    assert isinstance(taken, GraphQLInputObjectType)
    arguments, column = (
        get_named_type(taken.fields[listing.condition].type),
        SNAKE.sub(r"_\1", listing.condition).lower(),
    )
    rows = crowd.draft.rows.get(STORED_TYPES[kind.name].model, [{}])
    found = rows[len(rows) // 2].get(column)
    match arguments.name:
        case "Boolean":
            return [True, False]
        case "ID":
            pointed = get_named_type(kind.fields[listing.condition.removesuffix("Id")].type)
            name = pointed.name if is_composite_type(pointed) else kind.name  # else: a row of the same list
            return [relay.to_base64(name, found or crowd.admin.id)]
        case "DateTime":
            return [(crowd.draft.until - MAX_AGE / 10).isoformat()]
        case "Int":
            return [found if found is not None else 1]
        case "String":
            return [found if found is not None else "something"]
    assert isinstance(arguments, GraphQLEnumType)
    return [found.name] if isinstance(found, Enum) else list(arguments.values)


def document(listing: ListRequest) -> str:
    """The operation that asks it, both from the start and, with `last`, from the end."""
    types = parameters(listing)
    declared = ", ".join(f"${name}: {kind}" for name, kind in types.items())
    passed = ", ".join(f"{name}: ${name}" for name in types)
    return f"query ({declared}) {{ {listing.list}({passed}) {{ nodes {{ id }} }} }}"


def parameters(listing: ListRequest) -> dict[str, str]:
    """The list's arguments, with their types."""
    return {name: str(argument.type) for name, argument in lists()[listing.list].args.items()}


async def problems(crowd: Crowd, listing: ListRequest, **variables: Any) -> list[str]:
    """What is slow about it.

    For somebody who sees a part of the company's rows only, sorting those few may be the quickest way.
    """
    found = []
    for person, kinds in ((crowd.admin, SLOW), (crowd.analyst, WHOLE)):
        client = Client(crowd.services, CONTRACT, user_id=person.id)
        for plan in await plans_of(client, document(listing), **REQUIRED, **variables):
            found += slow(plan, crowd.large, kinds)
    return found


@pytest.mark.parametrize("listing", [*orders()], ids=str)
async def test_an_order_is_read_off_an_index(crowd: Crowd, listing: ListRequest) -> None:
    order = {"orderBy": listing.argument} if listing.argument else {}

    assert await problems(crowd, listing, first=25, **order) == []
    assert await problems(crowd, listing, last=25, **order) == []


@pytest.mark.parametrize("listing", [*filters()], ids=str)
async def test_a_filter_is_answered_from_an_index(crowd: Crowd, listing: ListRequest) -> None:
    for value in examples(listing, crowd):
        found = await problems(crowd, listing, filter={listing.condition: value})

        assert set(found) <= FEW.get(str(listing), set())


def test_the_lists_are_of_large_tables(crowd: Crowd) -> None:
    models = {
        STORED_TYPES[get_named_type(each.type).name.removesuffix("Connection")].model
        for each in lists().values()
    }
    listing = {model.__tablename__ for model in models if model.plane == TENANT}

    assert listing - crowd.large == {CompanyProfile.__tablename__, Dataset.__tablename__}


async def test_a_missing_index_is_noticed(crowd: Crowd) -> None:
    statement = "SELECT id FROM tenant.projects ORDER BY location, id LIMIT 26"

    (plan,) = await explain(crowd.services.database, Scope(crowd.admin.company.id), [Statement(statement)])

    assert slow(plan, crowd.large) == ["Sort of projects"]
