"""What people make of a proposal: approved, changed, removed, added, exported."""

from typing import Any

import pytest

from db.models import ComponentType, ProposalStage, RequirementCategory
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture
from tests.factories.evaluation import a_proposed_requirement, a_requirement_proposal
from tests.graphql_client import Client
from tests.requirements.operations import (
    ADD,
    APPROVE,
    APPROVE_ALL,
    DELETE,
    EXPORT,
    LIST,
    PROPOSAL,
    REMOVE,
    UPDATE,
)

CONFLICT = [("CONFLICT", ("id",))]
MISSING, FORBIDDEN = [("NOT_FOUND", ("id",))], [("FORBIDDEN", ())]
ACCESS = {"category": RequirementCategory.ACCESSIBILITY, "requirement": "It has a name."}


@pytest.fixture
def proposal(people: People) -> Fixture:
    """What was proposed to the user."""
    return a_requirement_proposal(people.user, component_type=ComponentType.CARD)


async def review(client: Client, proposal: Fixture) -> Any:
    """How the review stands."""
    return (await client(PROPOSAL, id=proposal.gid))["requirementProposal"]["review"]


async def add(client: Client, proposal: Fixture, **arguments: Any) -> Any:
    """A requirement of one's own."""
    sent = {"requirementProposalId": proposal.gid, "category": "PROPS", "name": "own", **arguments}
    return (await client(ADD, input=sent))["proposedRequirementCreate"]["proposedRequirement"]


async def export(client: Client, proposal: Fixture, **arguments: Any) -> Any:
    """The new export."""
    answer = await client(EXPORT, id=proposal.gid, **arguments)
    return answer["requirementProposalExport"]["requirementExport"]


async def test_the_counts_of_an_export_follow_from_what_was_reviewed(
    graphql: Client, save: Save, people: People, proposal: Fixture
) -> None:
    user = graphql.of(people.user)
    props = [a_proposed_requirement(proposal, source=None) for _ in range(4)]
    events = [a_proposed_requirement(proposal, category=RequirementCategory.EVENTS) for _ in range(2)]
    await save(*props, *events, a_proposed_requirement(proposal, **ACCESS))

    for each in (*props[:3], events[0]):
        await user(APPROVE, id=each.gid)
    await user(UPDATE, id=props[0].gid, input={"values": ["a", "b"], "name": "renamed"})
    await user(UPDATE, id=props[3].gid, input={"description": "Edited, but not approved."})
    await user(REMOVE, id=events[1].gid)
    await add(user, proposal, name="loading", approved=False)
    found = await review(user, proposal)
    kept = await export(user, proposal)

    assert found["total"] == {
        "proposed": 7,
        "approved": 4,
        "edited": 1,
        "removed": 1,
        "added": 1,
        "addedApproved": 0,
        "approvalRate": pytest.approx(4 / 7),
        "editRate": 0.25,
    }
    assert found["exportable"] is True
    rates = {
        each["category"]: (each["tally"]["approvalRate"], each["tally"]["editRate"])
        for each in found["byCategory"]
    }
    assert rates == {
        "PROPS": (0.75, pytest.approx(1 / 3)),
        "EVENTS": (0.5, 0.0),
        "STATES": (None, None),
        "ACCESSIBILITY": (0.0, None),
    }
    assert (kept["approvedCount"], kept["editedCount"], kept["customAddedCount"]) == (4, 1, 1)
    assert (kept["componentType"], kept["proposalLatencyMs"]) == ("Card", 1_500)
    assert kept["proposal"] == {"id": proposal.gid}
    items = kept["requirements"]
    assert items["props"][0] == {
        "name": "renamed",
        "values": ["a", "b"],
        "approved": True,
        "edited": True,
        "custom": False,
        "confidence": 0.8,
        "source": None,
    }
    assert [(each["name"], each["approved"], each["custom"]) for each in items["props"]] == [
        ("renamed", True, False),
        (props[1].name, True, False),
        (props[2].name, True, False),
        ("loading", False, True),
    ]
    assert [each["name"] for each in items["events"]] == [events[0].name]
    assert (items["states"], items["accessibility"]) == ([], [])


async def test_all_are_approved_but_removed_ones_until_they_come_back(
    graphql: Client, save: Save, people: People, proposal: Fixture
) -> None:
    user, items = graphql.of(people.user), [a_proposed_requirement(proposal) for _ in range(3)]
    await save(*items)
    await user(REMOVE, id=items[0].gid)

    await user(APPROVE_ALL, id=proposal.gid)
    before = (await review(user, proposal))["total"]
    back = (await user(APPROVE, id=items[0].gid))["proposedRequirementApprove"]["proposedRequirement"]
    after = (await review(user, proposal))["total"]

    assert (before["approved"], before["removed"], before["approvalRate"]) == (2, 1, pytest.approx(2 / 3))
    assert (back["approved"], back["removed"]) == (True, False)
    assert (after["approved"], after["removed"], after["approvalRate"]) == (3, 0, 1.0)


async def test_a_change_keeps_what_was_proposed(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, proposal: Fixture
) -> None:
    user, item = graphql.of(people.user), a_proposed_requirement(proposal, values=["s", "m"], required=True)
    await save(item)

    async def changed(**arguments: Any) -> Any:
        return (await user(UPDATE, id=item.gid, input=arguments))["proposedRequirementUpdate"][
            "proposedRequirement"
        ]

    first = await changed(name="width", values=["s"])
    second = await changed(required=False, type="enum")
    async with assert_unchanged():
        again = await changed(type="enum")

    assert (first["name"], first["values"], first["edited"], first["approved"]) == (
        "width",
        ["s"],
        True,
        False,
    )
    assert again == second
    assert (second["required"], second["type"], second["confidence"]) == (False, "enum", 0.8)
    assert second["original"] == {
        "name": item.name,
        "type": None,
        "requirement": None,
        "values": ["s", "m"],
        "required": True,
        "description": None,
    }


async def test_ones_own_requirements_are_sure_and_deleted_when_removed(
    graphql: Client, save: Save, people: People, proposal: Fixture
) -> None:
    user = graphql.of(people.user)
    await save(proposal)

    own = await add(user, proposal, name="tone", values=["calm"], description="How it sounds.")
    changed = (await user(UPDATE, id=own["id"], input={"name": "mood"}))["proposedRequirementUpdate"]
    before = (await review(user, proposal))["total"]
    await user(REMOVE, id=own["id"])
    after = (await review(user, proposal))["total"]

    assert (own["confidence"], own["rationale"], own["origin"]) == (1.0, "Manually added.", "PERSON")
    assert (own["custom"], own["approved"], own["edited"]) == (True, True, False)
    assert (changed["proposedRequirement"]["edited"], changed["proposedRequirement"]["original"]) == (
        False,
        None,
    )
    assert (before["proposed"], before["added"], before["addedApproved"]) == (0, 1, 1)
    assert (before["approvalRate"], before["editRate"], after["added"]) == (None, None, 0)


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"name": " "}, "INVALID", "name"),
        ({"name": "x" * 256}, "INVALID", "name"),
        ({"name": "Taken"}, "CONFLICT", "name"),
        ({"type": "x" * 256}, "INVALID", "type"),
        ({"description": "x" * 2_001}, "INVALID", "description"),
        ({"category": "ACCESSIBILITY"}, "INVALID", "requirement"),
        ({"category": "COLOURS"}, "BAD_USER_INPUT", "category"),
        ({"values": ["x"] * 101}, "INVALID", "values"),
    ],
)
async def test_what_cannot_be_a_requirement_is_refused(
    graphql: Client,
    save: Save,
    assert_unchanged: Unchanged,
    people: People,
    proposal: Fixture,
    wrong: dict[str, Any],
    code: str,
    path: str,
) -> None:
    user = graphql.of(people.user)
    other = a_proposed_requirement(proposal)
    await save(a_proposed_requirement(proposal, name="taken", key="taken"), other)
    sent = {"requirementProposalId": proposal.gid, "category": "PROPS", "name": "own", **wrong}
    changes = {name: value for name, value in wrong.items() if name != "category"}

    async with assert_unchanged():
        assert await user.refusals(ADD, input=sent) == [(code, ("input", path))]
        if changes:
            assert await user.refusals(UPDATE, id=other.gid, input=changes) == [(code, ("input", path))]


async def test_nothing_approved_is_not_exported_and_nothing_unfinished_is_reviewed(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, proposal: Fixture
) -> None:
    user = graphql.of(people.user)
    unfinished = a_requirement_proposal(people.user, stage=ProposalStage.ANALYZING)
    early, late = a_proposed_requirement(unfinished), a_proposed_requirement(proposal, removed=True)
    await save(early, late)
    await add(user, proposal, approved=False)

    async with assert_unchanged():
        assert await user.refusals(EXPORT, id=proposal.gid) == CONFLICT
        assert await user.refusals(UPDATE, id=late.gid, input={"name": "other"}) == CONFLICT
        for refused, id in (
            (APPROVE_ALL, unfinished.gid),
            (EXPORT, unfinished.gid),
            (APPROVE, early.gid),
            (REMOVE, early.gid),
        ):
            assert await user.refusals(refused, id=id) == CONFLICT
        sent = {"requirementProposalId": unfinished.gid, "category": "PROPS", "name": "own"}
        assert await user.refusals(ADD, input=sent) == [("CONFLICT", ("input", "requirementProposalId"))]


async def test_adding_and_exporting_again_under_one_key_does_once(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, proposal: Fixture
) -> None:
    user = graphql.of(people.user)
    await save(proposal)
    own = await add(user, proposal, idempotencyKey="1")
    kept = await export(user, proposal, input={"idempotencyKey": "1"})

    async with assert_unchanged():
        assert await add(user, proposal, idempotencyKey="1") == own
        assert await export(user, proposal, input={"idempotencyKey": "1"}) == kept


async def test_people_review_their_own_proposals_and_who_oversees_all(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, proposal: Fixture
) -> None:
    item, theirs = a_proposed_requirement(proposal), a_requirement_proposal(people.manager)
    await save(item, theirs)

    async def listed(person: Fixture, **filter: Any) -> list[str]:
        answer = await graphql.of(person)(LIST, filter=filter)
        return [node["id"] for node in answer["requirementProposals"]["nodes"]]

    assert await listed(people.user) == [proposal.gid]
    assert await listed(people.admin) == [theirs.gid, proposal.gid]
    assert await listed(people.admin, componentType="CARD") == [proposal.gid]
    assert await listed(people.admin, stage="FAILED") == []
    assert await listed(people.admin, userId=people.manager.gid) == [theirs.gid]
    assert await listed(people.viewer) == await listed(people.stranger) == []
    async with assert_unchanged():
        for mutation, id in ((APPROVE_ALL, proposal.gid), (APPROVE, item.gid), (DELETE, proposal.gid)):
            assert await graphql.of(people.viewer).refusals(mutation, id=id) == FORBIDDEN
            assert await graphql.of(people.stranger).refusals(mutation, id=id) == MISSING
        assert await graphql.of(people.user).refusals(DELETE, id=theirs.gid) == MISSING
    await graphql.of(people.manager)(APPROVE, id=item.gid)
    kept = await export(graphql.of(people.user), proposal)
    await graphql.of(people.user)(DELETE, id=proposal.gid)
    assert await listed(people.admin) == [theirs.gid]
    left = await graphql.of(people.user)("{ requirementExports { nodes { id proposal { id } } } }")
    assert left["requirementExports"]["nodes"] == [{"id": kept["id"], "proposal": None}]
