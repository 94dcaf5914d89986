"""Every way in to another company's rows: ids, filters, cursors, keys, links, subscriptions and vectors."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from graphql import GraphQLInputField, GraphQLInputObjectType, get_named_type, get_nullable_type, is_list_type
from strawberry import relay

from core.ports import SearchScope, VectorChunk
from db.base import TenantModel
from db.ids import new_id
from schema.framework.context import Services
from schema.framework.decorators import STORED_TYPES
from tests.fingerprints import fingerprints
from tests.graphql_client import Client
from tests.isolation.conftest import Neighbours
from tests.isolation.generated_operations import (
    SCHEMA,
    Ids,
    arguments,
    fitting_value,
    id_for,
    of_type,
    operation_with_variables,
    root,
    selection_of,
)
from tests.isolation.test_access import LISTS, PLATFORM_ONLY, PUBLIC, SHARED, ids_in
from tests.onlooker import Onlooker

Path = tuple[str, ...]
Place = tuple[str, Path]
"""A root field, and where in its arguments an id goes."""

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
OTHER_CODES: dict[Place, str] = {
    ("messageSend", ("input", "parentMessageId")): "INVALID",
    ("sessionRevoke", ("id",)): "INVALID",
}
"""What is said where an id must be one of the conversation's, or of a session, instead of `NOT_FOUND`."""


EMPTY_LISTS = {"fastExports"}
"""Lists without a row of the owner's company."""


def id_paths(kind: Any, path: Path = ()) -> Iterator[Path]:
    """Where an argument's type takes ids."""
    bare = get_named_type(kind)
    if bare.name == "ID":
        yield path
    elif isinstance(bare, GraphQLInputObjectType) and len(path) < 5:
        for name, field in bare.fields.items():
            yield from id_paths(field.type, (*path, name))


def input_fields(kind: Any) -> dict[str, GraphQLInputField]:
    """The fields of an input type."""
    bare = get_named_type(kind)
    assert isinstance(bare, GraphQLInputObjectType)
    fields: dict[str, GraphQLInputField] = bare.fields
    return fields


def places(operation: str, names: set[str]) -> list[Place]:
    """Every place of an id in the arguments of these root fields."""
    return [
        (name, path)
        for name in sorted(names)
        for argument, declared in root(operation)[name].args.items()
        for path in id_paths(declared.type, (argument,))
    ]


MUTATION_PLACES = places("Mutation", set(root("Mutation")) - PUBLIC - PLATFORM_ONLY)
FILTER_PLACES = [place for place in places("Query", set(root("Query"))) if len(place[1]) > 1]
SUBSCRIPTION_PLACES = places("Subscription", set(root("Subscription")))
KEYED = sorted(
    name
    for name, field in root("Mutation").items()
    if "input" in field.args and "idempotencyKey" in input_fields(field.args["input"].type)
)


def with_foreign_id(operation: str, place: Place, own: Ids, foreign: Ids) -> tuple[str, dict[str, Any]]:
    """An operation whose ids are one's own, but for one place."""
    name, path = place
    field = root(operation)[name]
    answer = get_named_type(field.type)
    kind = field.args[path[0]].type
    variables = arguments(name, field.args, answer.name, own)
    variables.setdefault(path[0], fitting_value(name, path[0], kind, own) if len(path) == 1 else {})
    target, step = variables, path[0]
    for following in path[1:]:
        kind = input_fields(kind)[following].type
        target, step = target.setdefault(step, {}), following
    id = id_for(name, path[-1], answer.name, foreign)
    target[step] = [id] if is_list_type(get_nullable_type(kind)) else id
    return compose(operation, name, variables), variables


def compose(operation: str, name: str, variables: dict[str, Any]) -> str:
    """A document for one root field with these arguments."""
    field = root(operation)[name]
    answer = get_named_type(field.type)
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in variables)
    passed = ", ".join(f"{key}: ${key}" for key in variables)
    selection = payload_selection(answer) if operation == "Mutation" else selection_of(answer)
    return f"{operation.lower()} ({declared}) {{ {name}({passed}){selection} }}"


def payload_selection(payload: Any) -> str:
    """The errors of a payload, and the ids of its objects."""
    objects = [
        f"{name} {{ id }}"
        for name, field in payload.fields.items()
        if "id" in getattr(get_named_type(field.type), "fields", {})
    ]
    return f" {{ errors {{ code path }} {' '.join(objects)} }}"


def codes_of(result: Any) -> set[str]:
    """The codes of all errors, at the top and in payloads."""
    codes = {(error.extensions or {})["code"] for error in result.errors or ()}
    for payload in (result.data or {}).values():
        if isinstance(payload, dict):
            codes |= {error["code"] for error in payload.get("errors") or ()}
    return codes


def foreign_ids(neighbours: Neighbours, answer: Any) -> set[str]:
    """Ids of the owner's company in an answer."""
    return ids_in(answer) & {id for name, id in neighbours.ids.items() if name not in SHARED}


async def test_every_tenant_table_holds_a_row_of_the_victim(
    neighbours: Neighbours, onlooker: Onlooker
) -> None:
    query = " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, count(*) AS rows FROM {table.fullname} WHERE company_id = $1"
        for table in TenantModel.metadata.sorted_tables
    )

    company_id = neighbours.owner.company.id
    rows = await (await onlooker.at(company_id)).fetch(query, company_id)

    assert [row["name"] for row in rows if not row["rows"]] == []
    assert set(neighbours.ids) == set(neighbours.theirs) == set(STORED_TYPES)


async def test_ids_of_every_type_lead_nowhere(neighbours: Neighbours, graphql: Client) -> None:
    names = sorted(set(STORED_TYPES) - SHARED)
    ids = [neighbours.ids[name] for name in names]
    own = [neighbours.theirs[name] for name in names]
    stranger = graphql.of(neighbours.stranger)

    found = (await stranger(NODES, ids=[*ids, *own]))["nodes"]
    alone = [(await stranger("query ($id: ID!) { node(id: $id) { id } }", id=id))["node"] for id in ids]
    theirs = (await graphql.of(neighbours.owner)(NODES, ids=ids))["nodes"]

    assert found[: len(ids)] == alone == [None] * len(ids)
    assert [row["__typename"] for row in theirs] == names
    assert [row and row["__typename"] for row in found[len(ids) :]] == names


@pytest.mark.parametrize("place", MUTATION_PLACES, ids=lambda place: f"{place[0]}-{'.'.join(place[1])}")
async def test_no_mutation_takes_a_foreign_id_anywhere(
    graphql: Client, onlooker: Onlooker, neighbours: Neighbours, place: Place
) -> None:
    document, variables = with_foreign_id("Mutation", place, neighbours.theirs, neighbours.ids)
    before = await fingerprints(onlooker, neighbours.owner.company.id)

    result = await graphql.of(neighbours.stranger).send(document, **variables)

    assert await fingerprints(onlooker, neighbours.owner.company.id) == before
    assert foreign_ids(neighbours, result.data) == set()
    assert codes_of(result) == {OTHER_CODES.get(place, "NOT_FOUND")}
    unknown = {name: relay.to_base64(name, str(new_id())) for name in neighbours.ids}
    document, variables = with_foreign_id("Mutation", place, neighbours.theirs, unknown)
    assert (await graphql.of(neighbours.stranger).send(document, **variables)).data == result.data


@pytest.mark.parametrize("place", FILTER_PLACES, ids=lambda place: f"{place[0]}-{'.'.join(place[1])}")
async def test_no_filter_reaches_another_company(
    graphql: Client, neighbours: Neighbours, place: Place
) -> None:
    document, variables = with_foreign_id("Query", place, neighbours.theirs, neighbours.ids)

    result = await graphql.of(neighbours.stranger).send(document, **variables)

    assert codes_of(result) <= {"NOT_FOUND"}
    assert ids_in(result.data) == set()
    for answer in (result.data or {}).values():
        assert not isinstance(answer, dict) or answer.get("totalCount", 0) == 0


def nested_places() -> list[tuple[str, str, Path]]:
    """Type, field and place of every id in the arguments of fields below the root."""
    return [
        (name, field_name, path)
        for name in STORED_TYPES
        for field_name, field in getattr(SCHEMA.get_type(name), "fields", {}).items()
        for argument, declared in field.args.items()
        for path in id_paths(declared.type, (argument,))
    ]


@pytest.mark.parametrize("place", nested_places(), ids=lambda place: f"{place[0]}.{place[1]}-{place[2][-1]}")
async def test_no_filter_below_an_object_reaches_another_company(
    graphql: Client, neighbours: Neighbours, place: tuple[str, str, Path]
) -> None:
    name, field, (argument, key) = place
    foreign = neighbours.ids[of_type(field, key)]
    call = f"{field}({argument}: {{ {key}: $foreign }}) {{ totalCount nodes {{ id }} }}"
    document = f"query ($id: ID!, $foreign: ID!) {{ node(id: $id) {{ ... on {name} {{ {call} }} }} }}"

    result = await graphql.of(neighbours.stranger).send(document, id=neighbours.theirs[name], foreign=foreign)

    assert codes_of(result) <= {"NOT_FOUND"}
    assert ids_in(result.data) == set()


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_no_cursor_leads_to_another_company(graphql: Client, neighbours: Neighbours, name: str) -> None:
    _, variables = operation_with_variables("Query", name, neighbours.ids)
    document = compose("Query", name, {**variables, "first": 1})
    page = document.replace("totalCount nodes { id }", "pageInfo { startCursor } nodes { id }")
    cursor = (await graphql.of(neighbours.owner)(page, **variables, first=1))[name]["pageInfo"]["startCursor"]
    assert cursor or name in EMPTY_LISTS
    _, own = operation_with_variables("Query", name, neighbours.theirs)
    for page_arguments in ({"first": 100, "after": cursor}, {"last": 100, "before": cursor}):
        result = await graphql.of(neighbours.stranger).send(
            compose("Query", name, {**own, **page_arguments}), **own, **page_arguments
        )

        assert codes_of(result) == set()
        assert foreign_ids(neighbours, result.data) == set()


@pytest.mark.parametrize("name", KEYED)
async def test_an_idempotency_key_belongs_to_one_company(
    graphql: Client, neighbours: Neighbours, name: str
) -> None:
    answers, codes = [], []
    for user, ids in ((neighbours.owner, neighbours.ids), (neighbours.stranger, neighbours.theirs)):
        _, variables = operation_with_variables("Mutation", name, ids)
        variables.setdefault("input", {})["idempotencyKey"] = f"the same key of {name}"
        if name == "energySourceCreate":  # a code is taken in a company in which a test has used it
            variables["input"]["code"] = "of_the_same_key"
        result = await graphql.of(user).send(compose("Mutation", name, variables), **variables)
        answers.append(ids_in(result.data))
        codes.append(codes_of(result))

    assert answers[0] & answers[1] == set()
    assert codes[0] == codes[1] or name == "userCreate"  # the address is taken by then


@pytest.mark.parametrize("place", SUBSCRIPTION_PLACES, ids=lambda place: place[0])
async def test_no_subscription_follows_a_foreign_object(
    graphql: Client, neighbours: Neighbours, place: Place
) -> None:
    document, variables = with_foreign_id("Subscription", place, neighbours.theirs, neighbours.ids)

    async with graphql.of(neighbours.stranger).watch(document, **variables) as results:
        async with asyncio.timeout(20):
            first = await anext(results)

    assert codes_of(first) == {"NOT_FOUND"}
    assert not any((first.data or {}).values())


def change_payload(token: str, own: str, foreign: str) -> str:
    """A token that names something else, with the signature that it had."""
    payload, _, signature = token.partition(".")
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    changed = orjson.dumps([foreign if part == own else part for part in orjson.loads(raw)])
    assert changed != raw
    return base64.urlsafe_b64encode(changed).rstrip(b"=").decode() + "." + signature


async def test_a_link_opens_nothing_but_what_it_was_made_for(
    services: Services, api: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    links, own, foreign = services.links, neighbours.stranger.company.id, neighbours.owner.company.id
    download = links.download_url(f"{own}/a.pdf", "a.pdf", "application/pdf").rpartition("/")[2]
    bundle = links.bundle_url(f"{own}/index", "a.tar").rpartition("/")[2]
    upload = links.upload_url(own, UUID(int=1), links.clock()).rpartition("/")[2]

    answers = [
        await api.get("/files/" + change_payload(download, f"{own}/a.pdf", f"{foreign}/a.pdf")),
        await api.get("/files/bundles/" + change_payload(bundle, f"{own}/index", f"{foreign}/index")),
        await api.put("/files/uploads/" + change_payload(upload, str(own), str(foreign)), content=b"x"),
        await api.get("/files/" + bundle),
        await api.get("/files/bundles/" + download),
        await api.put("/files/uploads/" + download, content=b"x"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6


async def test_no_vector_of_another_company_is_found(
    services: Services, graphql: Client, neighbours: Neighbours
) -> None:
    embedder = services.embedders.default
    store = services.vectors.of(embedder.model, embedder.dimension)
    document, chunk, text = UUID(int=11), UUID(int=12), "The planted boiler hums in the cellar."
    query = (await embedder.embed([text], "query"))[0]
    owner, stranger = neighbours.owner, neighbours.stranger
    planted = VectorChunk(chunk, document, owner.id, "company", text, [query])
    await store.upsert(owner.company.id, [planted])
    scopes = [
        SearchScope(stranger.company.id),
        SearchScope(stranger.company.id, stranger.id),
        SearchScope(stranger.company.id, owner.id),
        SearchScope(stranger.company.id, None, owner.company.id),
        SearchScope(stranger.company.id, owner.id, owner.company.id, frozenset({document})),
    ]

    found = [await store.search(scope, vector=query, text=text, limit=100) for scope in scopes]
    control = await store.search(SearchScope(owner.company.id, owner.id), vector=query, text=text)
    await store.delete(owner.company.id, document)

    assert [hit.chunk_id for hit in control] == [chunk]
    assert [hit for hits in found for hit in hits if hit.company_id != stranger.company.id] == []
