"""Arguments that make no sense: refused with code and path, by every list and every look-up."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type
from strawberry import relay

from db.ids import new_id
from schema.framework.decorators import STORED_TYPES
from tests.conftest import People, Save
from tests.factories import a_drawing, a_project, a_session
from tests.graphql_client import Client
from tests.isolation.generated_operations import of_type, root, selection_of

QUERIES = root("Query")
LISTS = sorted(name for name, field in QUERIES.items() if "after" in field.args)
LOOKUPS = sorted(
    name
    for name, field in QUERIES.items()
    if str(getattr(field.args.get("id"), "type", "")) == "ID!" and name != "node"
)
FILTERED = sorted(name for name in LISTS if "filter" in QUERIES[name].args)
TYPED = {"first": "Int", "last": "Int", "after": "String", "before": "String"}


def cursor(*values: Any) -> str:
    """Something that is encoded like a cursor."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def list_query(name: str, **arguments: Any) -> str:
    """A document that asks a list with these arguments as variables."""
    declared = ", ".join(f"${key}: {TYPED[key]}" for key in arguments)
    passed = ", ".join(f"{key}: ${key}" for key in arguments)
    return f"query ({declared}) {{ {name}({passed}) {{ totalCount nodes {{ __typename }} }} }}"


@pytest.mark.parametrize("name", LISTS)
async def test_pages_of_no_size_are_refused(graphql: Client, people: People, name: str) -> None:
    admin = graphql.of(people.admin)

    for size in (-1, 101, 10**9):
        assert await admin.refusals(list_query(name, first=size), first=size) == [("INVALID", ("first",))]
        assert await admin.refusals(list_query(name, last=size), last=size) == [("INVALID", ("last",))]
    for unfit in ("2", 1.5):
        assert await admin.refusals(list_query(name, first=unfit), first=unfit) == [
            ("BAD_USER_INPUT", ("first",))
        ]
    both = await admin.refusals(list_query(name, first=1, last=1), first=1, last=1)
    assert both == [("INVALID", ("last",))]


WRONG_CURSORS = {
    "empty": "",
    "noise": "noise",
    "not base64": "\u00e9",
    "surrogate": "\ud800",
    "NUL": "\x00",
    "JSON of no list": base64.b64encode(b"5").decode(),
    "no values": cursor(),
    "another list's": cursor("Other:id", str(new_id())),
    "deep": base64.b64encode(b"[" * 20_000).decode(),
    "long number": base64.b64encode(b"9" * 5_000).decode(),
    "long": "A" * 45_000,
}


@pytest.mark.parametrize("wrong", WRONG_CURSORS)
async def test_a_cursor_that_no_list_gave_is_refused_by_every_list(
    graphql: Client, people: People, wrong: str
) -> None:
    admin, arguments = graphql.of(people.admin), WRONG_CURSORS[wrong]

    for name in LISTS:
        assert await admin.refusals(list_query(name, after=arguments), after=arguments) == [
            ("INVALID", ("after",))
        ], name
    assert await admin.refusals(list_query("projects", before=arguments), before=arguments) == [
        ("INVALID", ("before",))
    ]


async def test_a_cursor_is_its_lists_and_its_orders(graphql: Client, save: Save, people: People) -> None:
    await save(a_drawing(a_session(people.user, a_project(people.user))))
    admin = graphql.of(people.admin)

    async def cursor_of(call: str) -> str:
        name = call.partition("(")[0]
        answer = await admin(f"{{ {call} {{ edges {{ cursor }} }} }}")
        arguments: str = answer[name]["edges"][0]["cursor"]
        return arguments

    async def refused(call: str, arguments: str) -> bool:
        document = f"query ($after: String) {{ {call.replace('CURSOR', '$after')} {{ totalCount }} }}"
        return await admin.refusals(document, after=arguments) == [("INVALID", ("after",))]

    by_name = await cursor_of("projects(orderBy: NAME_ASC)")
    defaults = await cursor_of("projects")
    sheets = await cursor_of("drawings")
    assert not await refused("projects(after: CURSOR)", defaults)
    assert not await refused("projects(after: CURSOR, orderBy: NAME_ASC)", by_name)
    assert await refused("projects(after: CURSOR)", by_name)
    assert await refused("projects(after: CURSOR, orderBy: NAME_DESC)", by_name)
    assert await refused("projects(after: CURSOR)", sheets)
    assert await refused("drawingSessions(after: CURSOR)", defaults)


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-01-01", "9999-12-31T23:59:59", "10000-01-01T00:00:00+00:00", 5, None, [], "\x00"],
)
async def test_a_forged_cursor_holds_nothing_that_a_column_would_not(
    graphql: Client, people: People, value: Any
) -> None:
    forged = cursor("Project:-created_at,id", value, str(new_id()))

    refusal = await graphql.of(people.admin).refusals(list_query("projects", after=forged), after=forged)

    assert refusal == [("INVALID", ("after",))]


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_forged_cursor_beyond_the_end_of_time_is_none(
    graphql: Client, people: People, instant: str
) -> None:
    forged = cursor("Project:-created_at,id", instant, str(new_id()))

    refusal = await graphql.of(people.admin).refusals(list_query("projects", after=forged), after=forged)

    assert refusal == [("INVALID", ("after",))]


@pytest.mark.parametrize("name", ["\ud800", "\x00", 5, None])
async def test_a_forged_cursor_holds_no_text_that_cannot_be_stored(
    graphql: Client, people: People, name: Any
) -> None:
    forged = cursor("Project:name,id", name, str(new_id()))
    document = "query ($after: String) { projects(after: $after, orderBy: NAME_ASC) { nodes { id } } }"

    assert await graphql.of(people.admin).refusals(document, after=forged) == [("INVALID", ("after",))]


NO_IDS = [
    "",
    "noise",
    "\u00e9",
    "\x00",
    "UHJvamVjdA",
    "A" * 40_000,
    relay.to_base64("Nothing", str(UUID(int=0))),
]
NO_KEYS = ["", "1", "\x00", "not a key", "0" * 31, "{" + str(UUID(int=1)) + "}x"]


@pytest.mark.parametrize("name", LOOKUPS)
async def test_an_id_of_nothing_is_refused(graphql: Client, people: People, name: str) -> None:
    admin = graphql.of(people.admin)
    kind = of_type(name, "id", get_named_type(QUERIES[name].type).name)
    another = next(other for other in STORED_TYPES if other != kind)
    document = f"query ($id: ID!) {{ {name}(id: $id){selection_of(get_named_type(QUERIES[name].type))} }}"
    refused = [[(code, ("id",))] for code in ("INVALID", "BAD_USER_INPUT")]

    for id in NO_IDS:
        assert await admin.refusals(document, id=id) in refused, id
    for id in (relay.to_base64(kind, key) for key in NO_KEYS):
        assert await admin.refusals(document, id=id) in refused, id
    foreign = relay.to_base64(another, str(new_id()))
    assert await admin.refusals(document, id=foreign) == [("INVALID", ("id",))]
    unknown = relay.to_base64(kind, str(new_id()))
    assert await admin.refusals(document, id=unknown) == [("NOT_FOUND", ("id",))]


async def test_any_object_of_no_id_is_refused_and_of_an_unknown_one_null(
    graphql: Client, people: People
) -> None:
    admin = graphql.of(people.admin)
    one = "query ($id: ID!) { node(id: $id) { id } }"
    several = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    unknown = relay.to_base64("Project", str(new_id()))

    for id in NO_IDS:
        refusal = await admin.refusals(one, id=id)
        assert refusal in ([("BAD_USER_INPUT", ("id",))], [("INVALID", ("id",))]), id
    assert (await admin(one, id=unknown))["node"] is None
    assert (await admin(several, ids=[unknown] * 100))["nodes"] == [None] * 100
    assert (await admin(several, ids=[]))["nodes"] == []
    assert await admin.refusals(several, ids=[unknown] * 101) == [("INVALID", ("ids",))]


def filters() -> list[tuple[str, str, str]]:
    """Every filter of every root list: (list, field, type)."""
    found = []
    for name in FILTERED:
        kind = get_named_type(QUERIES[name].args["filter"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        found += [(name, field, str(get_named_type(each.type))) for field, each in kind.fields.items()]
    return found


@pytest.mark.parametrize(("name", "field", "kind"), filters())
async def test_a_filter_refuses_what_it_cannot_hold(
    graphql: Client, people: People, name: str, field: str, kind: str
) -> None:
    admin = graphql.of(people.admin)
    filter_type = get_named_type(QUERIES[name].args["filter"].type)
    document = f"query ($filter: {filter_type}) {{ {name}(filter: $filter) {{ totalCount nodes {{ id }} }} }}"
    wrong: dict[str, list[Any]] = {
        "String": ["\x00", "a\ud800", 5],
        "ID": [*NO_IDS, relay.to_base64("Permission", str(new_id()))],
        "DateTime": ["yesterday", "", "10000-01-01T00:00:00Z", 5],
        "Date": ["yesterday", "", "10000-01-01", 5],
        "Boolean": ["true", 1],
        "Int": ["1", 2**31],
        "Float": ["1"],
        "BigInt": [2**63, "x"],
    }

    for value in wrong.get(kind, ["NO_SUCH_VALUE", 5]):
        ((code, path),) = await admin.refusals(document, filter={field: value})
        assert (code, path) in (("BAD_USER_INPUT", ("filter", field)), ("INVALID", ("filter", field))), value


@pytest.mark.parametrize("name", [name for name in LISTS if "orderBy" in QUERIES[name].args])
async def test_every_order_and_none_other_is_known(graphql: Client, people: People, name: str) -> None:
    admin, kind = graphql.of(people.admin), get_named_type(QUERIES[name].args["orderBy"].type)
    assert isinstance(kind, GraphQLEnumType)
    document = f"query ($order: {kind}) {{ {name}(orderBy: $order) {{ nodes {{ id }} edges {{ cursor }} }} }}"

    for value in kind.values:
        await admin(document, order=value)
    assert await admin.refusals(document, order="SIDEWAYS") == [("BAD_USER_INPUT", ("order",))]
