"""Embedding models: the platform's, one of them active."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, update

from core.settings import Settings
from db.ids import new_id
from db.models import Company, EmbeddingModel
from providers.embeddings import ConfiguredEmbedders
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture
from tests.factories.knowledge import an_embedding_model
from tests.graphql_client import Client, Refusal

FIELDS = "id name provider dimension maxTokens isActive"
CREATE = f"""mutation ($input: EmbeddingModelCreateInput!) {{ embeddingModelCreate(input: $input) {{
  errors {{ code path }} embeddingModel {{ {FIELDS} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: EmbeddingModelUpdateInput!) {{
  embeddingModelUpdate(id: $id, input: $input) {{
  errors {{ code path }} embeddingModel {{ {FIELDS} }} }} }}"""
ACTIVATE = """mutation ($id: ID!) { embeddingModelActivate(id: $id) {
  errors { code path } embeddingModel { isActive } } }"""
DELETE = "mutation ($id: ID!) { embeddingModelDelete(id: $id) { errors { code path } deletedId } }"
ACTIVE = "{ activeEmbeddingModel { id isActive } }"


@pytest_asyncio.fixture
async def graphql(graphql: Client) -> AsyncIterator[Client]:
    """An installation with an endpoint that has every model."""
    embedders = ConfiguredEmbedders(Settings(embedding_url="http://127.0.0.1:9/v1"))
    yield replace(graphql, services=replace(graphql.services, embedders=embedders))
    await embedders.close()


@pytest_asyncio.fixture(autouse=True)
async def alone(services: Services) -> AsyncIterator[None]:
    """There is no model before and after each test: every company would see it."""
    yield
    async with services.database.platform() as uow:
        await uow.execute(delete(EmbeddingModel))


def a_model(**values: Any) -> dict[str, Any]:
    """An input that is right but for what the test says."""
    defaults = {"name": f"minilm {new_id()}", "provider": "local", "dimension": 384, "maxTokens": 256}
    return {**defaults, **values}


async def test_a_model_is_added_and_seen_by_everybody(
    graphql: Client, platform: Fixture, people: People
) -> None:
    arguments = a_model()

    model = (await graphql.of(platform)(CREATE, input=arguments))["embeddingModelCreate"]["embeddingModel"]

    assert model == {**arguments, "id": model["id"], "isActive": False}
    found = await graphql.of(people.viewer)(
        f"query ($id: ID!) {{ embeddingModel(id: $id) {{ {FIELDS} }} }}", id=model["id"]
    )
    assert found["embeddingModel"] == model


async def test_one_model_is_active(graphql: Client, save: Save, platform: Fixture, people: People) -> None:
    first, second = (an_embedding_model(platform, provider="openai") for _ in range(2))
    await save(first, second)
    admin, viewer = graphql.of(platform), graphql.of(people.viewer)

    assert (await viewer(ACTIVE))["activeEmbeddingModel"] is None
    for model in (first, second, second):
        await admin(ACTIVATE, id=model.gid)
        assert (await viewer(ACTIVE))["activeEmbeddingModel"] == {"id": model.gid, "isActive": True}


async def test_activating_several_at_once_leaves_one(graphql: Client, save: Save, platform: Fixture) -> None:
    models = [an_embedding_model(platform, provider="openai") for _ in range(8)]
    await save(*models)

    await asyncio.gather(*(graphql.of(platform)(ACTIVATE, id=model.gid) for model in models))

    listed = await graphql.of(platform)("{ embeddingModels { nodes { isActive } } }")
    assert sorted(node["isActive"] for node in listed["embeddingModels"]["nodes"]) == [False] * 7 + [True]


async def test_a_model_that_nothing_runs_is_not_activated(
    graphql: Client, save: Save, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    model = an_embedding_model(platform, provider="nobody")
    await save(model)

    async with assert_unchanged():
        assert await graphql.of(platform).refusals(ACTIVATE, id=model.gid) == [("CONFLICT", ("id",))]


async def test_a_model_that_a_company_is_searched_by_stays_as_it_is(
    graphql: Client,
    services: Services,
    save: Save,
    platform: Fixture,
    people: People,
    assert_unchanged: Unchanged,
) -> None:
    model, admin = an_embedding_model(platform), graphql.of(platform)
    await save(model)
    async with services.database.platform() as uow:
        company = Company.id == people.admin.company.id
        await uow.execute(update(Company).where(company).values(embedding_model_id=model.id))

    async with assert_unchanged():
        assert await admin.refusals(DELETE, id=model.gid) == [("CONFLICT", ("id",))]
        refused = await admin.refusals(UPDATE, id=model.gid, input={"dimension": 8})
        assert refused == [("CONFLICT", ("input", "dimension"))]


async def test_the_active_model_keeps_what_vectors_depend_on(
    graphql: Client, save: Save, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    model = an_embedding_model(platform, is_active=True)
    await save(model)
    admin = graphql.of(platform)

    async with assert_unchanged():
        for name, value in (("name", "other"), ("provider", "other"), ("dimension", 8)):
            refused = await admin.refusals(UPDATE, id=model.gid, input={name: value})
            assert refused == [("CONFLICT", ("input", name))]
        assert await admin.refusals(DELETE, id=model.gid) == [("CONFLICT", ("id",))]
    changed = await admin(UPDATE, id=model.gid, input={"maxTokens": 1, "name": model.name})
    assert changed["embeddingModelUpdate"]["embeddingModel"]["maxTokens"] == 1


async def test_a_model_that_is_not_active_may_change_and_go(
    graphql: Client, save: Save, platform: Fixture
) -> None:
    model, admin = an_embedding_model(platform), graphql.of(platform)
    await save(model)

    changed = await admin(UPDATE, id=model.gid, input={"dimension": 8, "provider": "other"})
    found = changed["embeddingModelUpdate"]["embeddingModel"]
    deleted = await admin(DELETE, id=model.gid)

    assert (found["name"], found["dimension"], found["provider"]) == (model.name, 8, "other")
    assert deleted["embeddingModelDelete"]["deletedId"] == model.gid
    assert await admin.refusals(DELETE, id=model.gid) == [("NOT_FOUND", ("id",))]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": " "}, ("INVALID", ("input", "name"))),
        ({"name": "x" * 101}, ("INVALID", ("input", "name"))),
        ({"provider": "x" * 51}, ("INVALID", ("input", "provider"))),
        ({"dimension": 0}, ("INVALID", ("input", "dimension"))),
        ({"dimension": 65_537}, ("INVALID", ("input", "dimension"))),
        ({"maxTokens": -1}, ("INVALID", ("input", "maxTokens"))),
        ({"maxTokens": None}, ("BAD_USER_INPUT", ("input", "maxTokens"))),
    ],
)
async def test_a_wrong_model_is_neither_added_nor_becomes_one(
    graphql: Client,
    save: Save,
    platform: Fixture,
    assert_unchanged: Unchanged,
    changes: dict[str, Any],
    refusal: Refusal,
) -> None:
    model, admin = an_embedding_model(platform), graphql.of(platform)
    await save(model)

    async with assert_unchanged():
        assert await admin.refusals(CREATE, input=a_model(**changes)) == [refusal]
        assert await admin.refusals(UPDATE, id=model.gid, input=changes) == [refusal]


async def test_a_name_is_taken_once_and_a_key_makes_one(
    graphql: Client, save: Save, platform: Fixture, assert_unchanged: Unchanged
) -> None:
    other, admin = an_embedding_model(platform), graphql.of(platform)
    await save(other)
    arguments = a_model(idempotencyKey="once")
    made = await admin(CREATE, input=arguments)
    id = made["embeddingModelCreate"]["embeddingModel"]["id"]
    taken = [("CONFLICT", ("input", "name"))]

    async with assert_unchanged():
        assert await admin(CREATE, input=arguments) == made
        assert await admin.refusals(CREATE, input=a_model(name=arguments["name"])) == taken
        assert await admin.refusals(UPDATE, id=id, input={"name": other.name}) == taken


async def test_only_the_platform_manages_models(
    graphql: Client, save: Save, platform: Fixture, people: People, assert_unchanged: Unchanged
) -> None:
    model, admin = an_embedding_model(platform), graphql.of(people.admin)
    await save(model)

    async with assert_unchanged():
        assert await admin.refusals(CREATE, input=a_model()) == [("FORBIDDEN", ())]
        assert await admin.refusals(UPDATE, id=model.gid, input={"dimension": 1}) == [("FORBIDDEN", ())]
        assert await admin.refusals(ACTIVATE, id=model.gid) == [("FORBIDDEN", ())]
        assert await admin.refusals(DELETE, id=model.gid) == [("FORBIDDEN", ())]
