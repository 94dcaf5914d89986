"""JSON fields: what enters comes back equal; what cannot is refused, or an error at its field alone."""

import json

import httpx
import pytest
from graphql import GraphQLObjectType, get_named_type

from schema.framework.context import Services
from schema.framework.decorators import STORED_TYPES
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project, a_session
from tests.factories.everything import everything
from tests.graphql_client import Client
from tests.isolation.generated_operations import SCHEMA
from tests.onlooker import Onlooker

USER_UPDATE = """mutation ($id: ID!, $input: UserUpdateInput!) {
  userUpdate(id: $id, input: $input) { errors { code path } user { preferences } } }"""
SESSION_UPDATE = """mutation ($id: ID!, $input: DrawingSessionUpdateInput!) {
  drawingSessionUpdate(id: $id, input: $input) { errors { code path } session { sessionMetadata } } }"""
USERS = "{ users { nodes { id preferences } } }"

JSON_FIELDS = sorted(
    (name, field)
    for name, kind in SCHEMA.type_map.items()
    if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
    for field, each in kind.fields.items()
    if get_named_type(each.type).name == "JSON"
)

EQUAL = ["1e22", "1e300", "-1e-300", "1.5", "18446744073709551615", "-9223372036854775808", "0.1", "5e-324"]
REFUSED = ["1e400", "9" * 5_000, "9" * 300, "18446744073709551617", "-9223372036854775809"]
TEXTS = ['"\\u0000"', '{"\\u0000": 1}', "[" * 100 + "]" * 100]


def test_the_contract_has_the_json_fields_that_these_tests_know() -> None:
    assert len(JSON_FIELDS) == 12
    assert {name for name, _ in JSON_FIELDS} <= set(STORED_TYPES)


async def send(api: httpx.AsyncClient, services: Services, user: Fixture, body: str) -> httpx.Response:
    """The response to a body that is sent as it is, for numbers that Python would not write so."""
    token = services.token_signer.access_token(user.id)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return await api.post("/graphql", content=body, headers=headers)


def body_of(document: str, id: str, field: str, value: str) -> str:
    """A body with this JSON text as the value of an input field."""
    return (
        f'{{"query": {json.dumps(document)}, "variables": {{"id": "{id}", "input": {{"{field}": {value}}}}}}}'
    )


@pytest.mark.parametrize("number", EQUAL)
async def test_numbers_come_back_equal(
    api: httpx.AsyncClient, services: Services, people: People, number: str
) -> None:
    user, value = people.user, json.loads(number)
    response = await send(
        api, services, user, body_of(USER_UPDATE, user.gid, "preferences", f'{{"a": [{number}]}}')
    )
    assert response.json()["data"]["userUpdate"]["user"]["preferences"] == {"a": [value]}

    arguments = f'id: "{user.gid}", input: {{preferences: {{b: {number}}}}}'
    literal = f"mutation {{ userUpdate({arguments}) {{ user {{ id }} }} }}"
    assert "errors" not in (await send(api, services, user, json.dumps({"query": literal}))).json()

    listed = await send(api, services, people.admin, json.dumps({"query": USERS}))
    assert listed.status_code == 200
    assert {"id": user.gid, "preferences": {"b": value}} in listed.json()["data"]["users"]["nodes"]


@pytest.mark.parametrize("value", [*(f'{{"a": [1, {number}]}}' for number in REFUSED), *TEXTS])
async def test_what_would_not_come_back_is_refused(
    api: httpx.AsyncClient,
    services: Services,
    save: Save,
    people: People,
    assert_unchanged: Unchanged,
    value: str,
) -> None:
    session = a_session(people.user, a_project(people.user))
    await save(session)

    for document, id, field in (
        (USER_UPDATE, people.user.gid, "preferences"),
        (SESSION_UPDATE, session.gid, "sessionMetadata"),
    ):
        async with assert_unchanged():
            response = await send(api, services, people.user, body_of(document, id, field, value))
        (error,) = response.json()["errors"]
        assert (response.status_code, error["extensions"]["code"]) == (200, "BAD_USER_INPUT")
        assert error["extensions"]["path"] == ["input", field]


@pytest.mark.parametrize("value", [*(f"{{a: [1, {number}]}}" for number in REFUSED), '{a: "\\u0000"}'])
async def test_a_literal_that_would_not_come_back_is_refused(
    graphql: Client, people: People, assert_unchanged: Unchanged, value: str
) -> None:
    arguments = f'id: "{people.user.gid}", input: {{preferences: {value}}}'
    document = f"mutation {{ userUpdate({arguments}) {{ errors {{ code }} }} }}"

    async with assert_unchanged():
        refusals = await graphql.of(people.user).refusals(document)

    assert refusals == [("BAD_USER_INPUT", ("input", "preferences"))]


async def test_variables_inside_a_literal_are_checked(
    graphql: Client, people: People, assert_unchanged: Unchanged
) -> None:
    client = graphql.of(people.user)
    arguments = "{preferences: {text: $text, unset: $unset, list: [$unset, $text]}}"
    document = f"""mutation ($text: String, $unset: Int) {{
      userUpdate(id: "{people.user.gid}", input: {arguments}) {{ user {{ preferences }} }} }}"""

    stored = await client(document, text="x")
    assert stored["userUpdate"]["user"]["preferences"] == {"text": "x", "list": [None, "x"]}
    async with assert_unchanged():
        assert await client.refusals(document, text="\x00") == [("BAD_USER_INPUT", ("input", "preferences"))]


STORED = ["9" * 5_000, "1e400", "18446744073709551617", "[" * 300 + "]" * 300, "[" * 1_500 + "]" * 1_500]


@pytest.mark.parametrize(("name", "field"), JSON_FIELDS)
async def test_a_stored_value_that_cannot_be_encoded_is_an_error_at_its_field(
    api: httpx.AsyncClient,
    services: Services,
    save: Save,
    people: People,
    onlooker: Onlooker,
    name: str,
    field: str,
) -> None:
    rows = everything([people.admin, people.user])
    await save(*(row for each in rows.values() for row in each))
    stored, (good, bad) = STORED_TYPES[name], rows[name][:2]
    (attribute,) = stored.needs[field]
    column = stored.model.__mapper__.get_property(attribute).columns[0]
    query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on {name} {{ value: {field} }} }} }}"
    body = json.dumps({"query": query, "variables": {"ids": [good.gid, bad.gid]}})
    update = f'UPDATE {stored.model.__table__} SET "{column.name}" = CAST($1 AS text)::jsonb WHERE id = $2'
    await onlooker.execute(update, '{"a": 1}', good.id)

    for value in STORED:
        await onlooker.execute(update, value, bad.id)
        response = await send(api, services, people.admin, body)
        (error,) = response.json()["errors"]
        assert response.json()["data"]["nodes"] == [
            {"id": good.gid, "value": {"a": 1}},
            {"id": bad.gid, "value": None},
        ]
        assert error["extensions"]["code"] == "VALUE_NOT_REPRESENTABLE"
        assert error["path"] == ["nodes", 1, "value"]

    await onlooker.execute(update, '{"a": 1e22}', bad.id)
    response = await send(api, services, people.admin, body)
    assert response.json()["data"]["nodes"][1] == {"id": bad.gid, "value": {"a": 1e22}}


async def test_other_users_are_listed_beside_one_with_such_preferences(
    api: httpx.AsyncClient, services: Services, people: People, onlooker: Onlooker
) -> None:
    poison = "UPDATE platform.users SET preferences = CAST($1 AS text)::jsonb WHERE id = $2"
    await onlooker.execute(poison, f'{{"a": {"9" * 5_000}}}', people.user.id)

    response = await send(api, services, people.admin, json.dumps({"query": USERS}))

    nodes = response.json()["data"]["users"]["nodes"]
    assert {node["id"]: node["preferences"] for node in nodes} == {
        person.gid: None if person is people.user else {} for person in people[:4]
    }
