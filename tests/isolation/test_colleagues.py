"""What is one's own within a company: colleagues reach it by no id, list or mutation."""

import asyncio
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from graphql import get_named_type

from db.models import DocumentScope, RoleName
from resolvers.access import POLICIES
from resolvers.access.rules import all_rows, not_deleted, own_company
from schema.framework.context import Services
from schema.framework.decorators import STORED_TYPES
from tests import factories
from tests.factories import Fixture, a_company, a_user, an_activity, an_upload
from tests.factories.chat import (
    a_citation,
    a_conversation,
    a_feedback,
    a_run_log,
    a_text_check,
    a_text_check_sentence,
    a_token_usage,
    a_vote,
    an_answer,
)
from tests.factories.evaluation import a_proposed_requirement, a_requirement_export, a_requirement_proposal
from tests.factories.knowledge import a_chunk, a_document
from tests.fingerprints import fingerprints
from tests.graphql_client import Client
from tests.isolation.generated_operations import Ids, of_type, operation_with_variables, root
from tests.isolation.test_access import LISTS, TAKES_ID, ids_in
from tests.isolation.test_entrances import (
    MUTATION_PLACES,
    NODES,
    SUBSCRIPTION_PLACES,
    Place,
    codes_of,
    places,
    with_foreign_id,
)
from tests.onlooker import Onlooker

SHARED_RULES = {all_rows, own_company, not_deleted}
"""Rules by which colleagues read the same rows."""

PRIVATE = {
    name for name, stored in STORED_TYPES.items() if POLICIES[stored.model].rule not in SHARED_RULES
} - {"Invitation"}
"""Types whose rows are their owner's. Invitations are for those who may create users, whoever sent them."""


class Office(NamedTuple):
    """Two people of the same role, and what is the first one's own, by type."""

    owner: Fixture
    colleague: Fixture
    ids: Ids
    theirs: Ids


def private_rows(user: Fixture) -> dict[str, Fixture]:
    """A row of each type that others do not see."""
    document = a_document(user, scope=DocumentScope.USER, title=f"Private {user.username}")
    conversation = a_conversation(user)
    answer = an_answer(conversation)
    proposal, check = a_requirement_proposal(user), a_text_check(user)
    return {
        "User": user,
        "ActivityLog": an_activity(user),
        "UploadedFile": an_upload(user),
        "Document": document,
        "DocumentChunk": a_chunk(document),
        "Conversation": conversation,
        "Message": answer,
        "Citation": a_citation(answer),
        "Feedback": a_feedback(answer, user),
        "RunLog": a_run_log(user, answer),
        "AgentLog": a_vote(user, answer, "creative"),
        "TokenUsage": a_token_usage(user),
        "TextCheck": check,
        "TextCheckSentence": a_text_check_sentence(check),
        "RequirementProposal": proposal,
        "ProposedRequirement": a_proposed_requirement(proposal),
        "RequirementExport": a_requirement_export(user),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(services: Services, platform: Fixture) -> Office:
    company = a_company()
    owner, colleague = (a_user(company, RoleName.USER) for _ in range(2))
    mine, theirs = private_rows(owner), private_rows(colleague)
    await factories.save(services.database, *mine.values(), *theirs.values())
    return Office(
        owner, colleague, *({name: row.gid for name, row in rows.items()} for rows in (mine, theirs))
    )


PLACES = [place for place in MUTATION_PLACES if of_type(place[0], place[1][-1], "") in PRIVATE]
ROOTS = sorted(
    {
        name
        for name, path in places("Query", TAKES_ID - {"node", "nodes"})
        if of_type(name, path[-1], get_named_type(root("Query")[name].type).name) in PRIVATE
    }
)
WATCHED = [place for place in SUBSCRIPTION_PLACES if of_type(place[0], place[1][-1]) in PRIVATE]


def test_every_private_type_has_a_row() -> None:
    assert set(private_rows(a_user(a_company()))) == PRIVATE


async def test_no_id_opens_what_is_a_colleagues(graphql: Client, office: Office) -> None:
    names = sorted(PRIVATE)
    ids, own = ([found[name] for name in names] for found in (office.ids, office.theirs))
    colleague = graphql.of(office.colleague)

    found = (await colleague(NODES, ids=[*ids, *own]))["nodes"]
    alone = [(await colleague("query ($id: ID!) { node(id: $id) { id } }", id=id))["node"] for id in ids]

    assert found[: len(names)] == alone == [None] * len(names)
    assert [row and row["__typename"] for row in found[len(names) :]] == names


@pytest.mark.parametrize("name", ROOTS)
async def test_no_look_up_finds_what_is_a_colleagues(graphql: Client, office: Office, name: str) -> None:
    document, variables = operation_with_variables("Query", name, office.ids)
    own = operation_with_variables("Query", name, office.theirs)[1]

    result = await graphql.of(office.colleague).send(document, **variables)

    assert ids_in(result.data) == set()
    assert codes_of(result) <= {"NOT_FOUND", "FORBIDDEN"}
    assert codes_of(await graphql.of(office.colleague).send(document, **own)) <= {"FORBIDDEN", "UNAVAILABLE"}


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_no_list_holds_what_is_a_colleagues(graphql: Client, office: Office, name: str) -> None:
    everything: dict[str, Any] = {**dict.fromkeys(STORED_TYPES, office.owner.gid), **office.ids}
    document, variables = operation_with_variables("Query", name, everything)

    result = await graphql.of(office.colleague).send(document, **variables)

    assert ids_in(result.data) & set(office.ids.values()) == set()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]}-{'.'.join(place[1])}")
async def test_no_mutation_changes_what_is_a_colleagues(
    graphql: Client, onlooker: Onlooker, office: Office, place: Place
) -> None:
    own = {**dict.fromkeys(STORED_TYPES, office.colleague.gid), **office.theirs}
    document, variables = with_foreign_id("Mutation", place, own, office.ids)
    before = await fingerprints(onlooker, office.owner.company.id)

    result = await graphql.of(office.colleague).send(document, **variables)

    assert await fingerprints(onlooker, office.owner.company.id) == before
    assert codes_of(result) <= {"NOT_FOUND", "FORBIDDEN", "INVALID"}
    assert codes_of(result)


@pytest.mark.parametrize("place", WATCHED, ids=lambda place: place[0])
async def test_no_subscription_follows_what_is_a_colleagues(
    graphql: Client, office: Office, place: Place
) -> None:
    document, variables = with_foreign_id("Subscription", place, office.theirs, office.ids)

    async with graphql.of(office.colleague).watch(document, **variables) as results, asyncio.timeout(20):
        first = await anext(results)

    assert codes_of(first) == {"NOT_FOUND"}


async def test_chunks_of_a_private_document_are_its_owners(graphql: Client, office: Office) -> None:
    chunks = "query ($id: ID!) { documentChunks(filter: {documentId: $id}) { totalCount nodes { id } } }"
    text = "query ($id: ID!) { documentText(id: $id) }"
    document = office.ids["Document"]

    mine = await graphql.of(office.owner)(chunks, id=document)
    theirs = await graphql.of(office.colleague)(chunks, id=document)
    refused = await graphql.of(office.colleague).refusals(text, id=document)

    assert mine["documentChunks"] == {"totalCount": 1, "nodes": [{"id": office.ids["DocumentChunk"]}]}
    assert theirs["documentChunks"] == {"totalCount": 0, "nodes": []}
    assert refused == [("NOT_FOUND", ("id",))]
