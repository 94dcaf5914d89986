"""Updates that say what they were made of: one that somebody has overtaken is refused."""

from collections.abc import Callable

import pytest
from graphql import GraphQLInputObjectType

from db.models import RoleName
from schema.contract import make_schema
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project, a_session
from tests.factories.chat import a_conversation
from tests.factories.evaluation import a_proposed_requirement, a_requirement_proposal, a_run
from tests.factories.imagery import a_crawl, a_dataset
from tests.factories.knowledge import a_document, an_embedding_model
from tests.graphql_client import Client

Make = Callable[[Fixture], Fixture]

UPDATES: dict[str, tuple[Make, str]] = {
    "projectUpdate": (a_project, "name"),
    "drawingSessionUpdate": (lambda user: a_session(user, a_project(user)), "name"),
    "userUpdate": (lambda user: user, "fullName"),
    "documentUpdate": (a_document, "title"),
    "conversationUpdate": (a_conversation, "title"),
    "crawlJobUpdate": (lambda user: a_crawl(a_project(user)), "name"),
    "datasetUpdate": (lambda user: a_dataset(a_project(user)), "name"),
    "evaluationRunUpdate": (a_run, "name"),
    "proposedRequirementUpdate": (
        lambda user: a_proposed_requirement(a_requirement_proposal(user)),
        "description",
    ),
    "embeddingModelUpdate": (lambda user: an_embedding_model(user, is_active=False), "name"),
}
"""What is updated, and a text field of it."""


def test_every_update_that_can_be_overtaken_is_here() -> None:
    kinds = make_schema()._schema.type_map
    inputs = [name for name, kind in kinds.items() if isinstance(kind, GraphQLInputObjectType)]
    received = [name for name in inputs if "expectedUpdatedAt" in getattr(kinds[name], "fields", {})]

    assert sorted(received) == sorted(name[0].upper() + name[1:] + "Input" for name in UPDATES)


@pytest.mark.parametrize("mutation", UPDATES)
async def test_an_overtaken_update_changes_nothing(
    graphql: Client, people: People, platform: Fixture, save: Save, assert_unchanged: Unchanged, mutation: str
) -> None:
    make, field = UPDATES[mutation]
    person = platform if mutation.startswith("embedding") else people.admin
    assert person.role in (RoleName.ADMIN, RoleName.SUPER_ADMIN)
    made = make(person)
    await save(made)
    kind = mutation.removesuffix("Update")
    input = kind[0].upper() + kind[1:] + "UpdateInput!"
    call = f"{mutation}(id: $id, input: $input) {{ errors {{ code path }} }}"
    update = f"mutation ($id: ID!, $input: {input}) {{ {call} }}"
    read = f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind[0].upper() + kind[1:]} {{ updatedAt }} }} }}"
    client = graphql.of(person)
    before = (await client(read, id=made.gid))["node"]["updatedAt"]

    await client(update, id=made.gid, input={field: f"First {made.id}", "expectedUpdatedAt": before})
    async with assert_unchanged():
        second = {field: f"Second {made.id}", "expectedUpdatedAt": before}
        refused = await client.refusals(update, id=made.gid, input=second)

    assert refused == [("CONFLICT", ("input", "expectedUpdatedAt"))]
