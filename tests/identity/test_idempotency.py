"""Asking twice under one key does once."""

import asyncio
from typing import Any

import pytest

from db.ids import new_id
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, an_upload
from tests.graphql_client import Client
from tests.onlooker import Onlooker

PROJECT = """mutation ($input: ProjectCreateInput!) { projectCreate(input: $input) {
  errors { code path } project { id name } } }"""
UPLOAD = """mutation ($input: UploadCreateInput!) { uploadCreate(input: $input) {
  errors { code path } upload { id filename } } }"""
SESSION = """mutation ($input: DrawingSessionCreateInput!) { drawingSessionCreate(input: $input) {
  errors { code path } session { id name } } }"""
USER = """mutation ($input: UserCreateInput!) { userCreate(input: $input) {
  errors { code path } user { id fullName } } }"""
CREATES = {"project": PROJECT, "upload": UPLOAD, "session": SESSION, "user": USER}
CONFLICT = [("CONFLICT", ("input", "idempotencyKey"))]


async def inputs(save: Save, user: Fixture, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An input, and another one."""
    old, new = an_upload(user), an_upload(user)
    await save(old, new)
    email = f"{new_id().hex}@test.example"
    found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "project": ({"name": "One"}, {"name": "Two"}),
        "upload": (
            {"filename": "a.pdf", "mimeType": "application/pdf", "size": 10, "sha256": "0" * 64},
            {"filename": "a.pdf", "mimeType": "application/pdf", "size": 11, "sha256": "0" * 64},
        ),
        "session": (
            {"oldUploadId": old.gid, "newUploadId": new.gid},
            {"oldUploadId": new.gid, "newUploadId": old.gid},
        ),
        "user": ({"email": email, "role": "USER"}, {"email": email, "role": "VIEWER"}),
    }
    return found[kind]


@pytest.mark.parametrize("kind", CREATES)
async def test_the_same_key_and_input_make_one(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, kind: str
) -> None:
    admin, (values, other) = graphql.of(people.admin), await inputs(save, people.admin, kind)
    key = {"idempotencyKey": "once"}

    first = await admin(CREATES[kind], input=values | key)
    async with assert_unchanged():
        again = await admin(CREATES[kind], input=values | key)
        refusal = await admin.refusals(CREATES[kind], input=other | key)

    assert again == first
    assert refusal == CONFLICT


async def test_a_key_is_its_owners_and_its_operations(graphql: Client, save: Save, people: People) -> None:
    values = {"name": "One", "idempotencyKey": "once"}
    upload, _ = await inputs(save, people.user, "upload")

    own = await graphql.of(people.user)(PROJECT, input=values)
    colleague = await graphql.of(people.manager)(PROJECT, input=values)
    stranger = await graphql.of(people.stranger)(PROJECT, input=values)
    await graphql.of(people.user)(UPLOAD, input=upload | {"idempotencyKey": "once"})

    assert len({answer["projectCreate"]["project"]["id"] for answer in (own, colleague, stranger)}) == 3


async def test_without_a_key_asking_twice_makes_two(graphql: Client, people: People) -> None:
    answers = [await graphql.of(people.user)(PROJECT, input={"name": "One"}) for _ in range(2)]

    assert len({answer["projectCreate"]["project"]["id"] for answer in answers}) == 2


async def test_asking_many_times_at_once_makes_one(
    graphql: Client, onlooker: Onlooker, people: People
) -> None:
    values = {"name": "One", "idempotencyKey": "at once"}

    async def ask() -> Any:
        return await Client(graphql.services, graphql.schema, user_id=people.user.id)(PROJECT, input=values)

    answers = await asyncio.gather(*(ask() for _ in range(8)))

    assert len({answer["projectCreate"]["project"]["id"] for answer in answers}) == 1
    stored = "SELECT count(*) FROM tenant.projects WHERE company_id = $1"
    assert await onlooker.fetchval(stored, people.user.company.id) == 1


async def test_a_refused_request_uses_its_key_up_no_more_than_it_does_anything(
    graphql: Client, assert_unchanged: Unchanged, people: People
) -> None:
    user, key = graphql.of(people.user), {"idempotencyKey": "again"}

    async with assert_unchanged():
        refusal = await user.refusals(PROJECT, input={"name": " "} | key)
    made = await user(PROJECT, input={"name": "One"} | key)

    assert refusal == [("INVALID", ("input", "name"))]
    assert made["projectCreate"]["project"]["name"] == "One"
