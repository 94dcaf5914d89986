"""Requirement exports: counted, used, judged."""

from typing import Any

import pytest

from tests.conftest import People, Save, Unchanged
from tests.factories.evaluation import a_requirement_export
from tests.graphql_client import Client, Refusal
from tests.onlooker import Onlooker

ITEM = "name type requirement values required description confidence rationale approved edited custom"
FIELDS = f"""id componentType approvedCount editedCount customAddedCount proposalLatencyMs
  usedInPatternRetrieval usedInCodeGeneration user {{ id }}
  requirements {{ props {{ {ITEM} }} events {{ name }} states {{ name }}
  accessibility {{ {ITEM} }} }}"""
CREATE = f"""mutation ($input: RequirementExportCreateInput!) {{ requirementExportCreate(input: $input) {{
  errors {{ code path }} requirementExport {{ {FIELDS} }} }} }}"""
USE = """mutation ($id: ID!, $input: RequirementExportMarkUsedInput!) {
  requirementExportMarkUsed(id: $id, input: $input) { errors { code path }
    requirementExport { usedInPatternRetrieval usedInCodeGeneration
      patternRetrievalAt codeGenerationAt } } }"""
DELETE = "mutation ($id: ID!) { requirementExportDelete(id: $id) { errors { code path } deletedId } }"
LIST = """query ($filter: RequirementExportFilter) { requirementExports(filter: $filter) {
  nodes { id } } }"""
METRICS = """query ($type: String) { approvalMetrics(componentType: $type) {
  avgApproved avgEdited avgCustom total } }"""
FAST = """query ($below: Int! = 3000, $first: Int, $after: String) {
  fastExports(maxLatencyMs: $below, first: $first, after: $after) { totalCount
    pageInfo { hasNextPage endCursor } nodes { proposalLatencyMs } } }"""
FORBIDDEN, MISSING = [("FORBIDDEN", ())], [("NOT_FOUND", ("id",))]
SILENT = {
    "type": None,
    "requirement": None,
    "values": None,
    "required": None,
    "description": None,
    "confidence": None,
    "rationale": None,
    "approved": False,
    "edited": False,
    "custom": False,
}
BUTTON: dict[str, Any] = {
    "componentType": "Button",
    "proposalLatencyMs": 2500,
    "requirements": {
        "props": [
            {"name": "variant", "type": "string", "values": ["a", "b"], "confidence": 0.9, "approved": True},
            {"name": "size", "approved": True, "edited": True},
            {"name": "loading", "custom": True},
            {"name": "tone", "edited": True},
        ],
        "events": [{"name": "onClick", "approved": True}],
        "states": [{"name": "hover", "approved": True}],
        "accessibility": [{"requirement": "Has a name", "approved": True}],
    },
}


async def test_approved_edited_and_added_requirements_are_counted_from_what_was_reviewed(
    graphql: Client, people: People, onlooker: Onlooker
) -> None:
    answer = await graphql.of(people.user)(CREATE, input=BUTTON)

    export = answer["requirementExportCreate"]["requirementExport"]
    counted = export["approvedCount"], export["editedCount"], export["customAddedCount"]
    assert counted == (5, 1, 1)
    assert export["requirements"]["props"][0] == {
        **SILENT,
        "name": "variant",
        "type": "string",
        "values": ["a", "b"],
        "confidence": 0.9,
        "approved": True,
    }
    assert export["requirements"]["events"] == [{"name": "onClick"}]
    assert export["requirements"]["accessibility"] == [
        {**SILENT, "name": None, "requirement": "Has a name", "approved": True}
    ]
    assert (export["usedInPatternRetrieval"], export["usedInCodeGeneration"]) == (False, False)
    assert (export["componentType"], export["proposalLatencyMs"]) == ("Button", 2500)
    assert export["user"] == {"id": people.user.gid}
    logged = await onlooker.fetch(
        "SELECT action FROM tenant.activity_logs WHERE user_id = $1", people.user.id
    )
    assert [row["action"] for row in logged] == ["REQUIREMENT_EXPORT_CREATE"]


async def test_exporting_again_under_one_key_exports_once(
    graphql: Client, assert_unchanged: Unchanged, people: People
) -> None:
    user, request = graphql.of(people.user), {**BUTTON, "idempotencyKey": "1"}
    first = await user(CREATE, input=request)

    async with assert_unchanged():
        assert await user(CREATE, input=request) == first
        other = await user.refusals(CREATE, input={**request, "componentType": "Card"})
        assert other == [("CONFLICT", ("input", "idempotencyKey"))]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"componentType": " "}, ("componentType",)),
        ({"componentType": "x" * 101}, ("componentType",)),
        ({"proposalLatencyMs": -1}, ("proposalLatencyMs",)),
        ({"requirements": {}}, ("requirements",)),
        ({"requirements": {"props": [{"approved": True}]}}, ("requirements", "props", "0", "name")),
        (
            {"requirements": {"states": [{"name": "a"}, {"name": " "}]}},
            ("requirements", "states", "1", "name"),
        ),
        (
            {"requirements": {"accessibility": [{"name": "a"}]}},
            ("requirements", "accessibility", "0", "requirement"),
        ),
        (
            {"requirements": {"props": [{"name": "a", "confidence": 1.1}]}},
            ("requirements", "props", "0", "confidence"),
        ),
        ({"requirements": {"props": [{"name": "x" * 256}]}}, ("requirements", "props", "0", "name")),
        (
            {"requirements": {"events": [{"name": "a", "rationale": "x" * 2001}]}},
            ("requirements", "events", "0", "rationale"),
        ),
        (
            {"requirements": {"props": [{"name": "a", "values": ["b", "\u0000"]}]}},
            ("requirements", "props", "0", "values", "1"),
        ),
        ({"requirements": {"props": [{"name": "a"}] * 101}}, ("requirements", "props")),
    ],
)
async def test_wrong_requirements_are_refused(
    graphql: Client, assert_unchanged: Unchanged, people: People, wrong: Any, path: tuple[str, ...]
) -> None:
    async with assert_unchanged():
        refused = await graphql.of(people.user).refusals(CREATE, input={**BUTTON, **wrong})

    assert refused == [("INVALID", ("input", *path))]


@pytest.mark.parametrize(
    ("counts", "refusal"),
    [
        ({"approvedCount": 9}, ("BAD_USER_INPUT", ("input",))),
        ({"userId": "x"}, ("BAD_USER_INPUT", ("input",))),
    ],
)
async def test_counts_and_owners_are_not_set(
    graphql: Client, assert_unchanged: Unchanged, people: People, counts: Any, refusal: Refusal
) -> None:
    async with assert_unchanged():
        assert await graphql.of(people.user).refusals(CREATE, input={**BUTTON, **counts}) == [refusal]


async def test_use_is_said_once_and_stays(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    export, user = a_requirement_export(people.user), graphql.of(people.user)
    await save(export)
    retrieval, generation = {"inPatternRetrieval": True}, {"inCodeGeneration": True}

    first = await user(USE, id=export.gid, input=retrieval)
    second = await user(USE, id=export.gid, input=generation)
    async with assert_unchanged():
        third = await user(USE, id=export.gid, input={**retrieval, "inCodeGeneration": False})
        nothing = await user.refusals(USE, id=export.gid, input={})

    used = [
        tuple(answer["requirementExportMarkUsed"]["requirementExport"].values())
        for answer in (first, second, third)
    ]
    assert [each[:2] for each in used] == [(True, False), (True, True), (True, True)]
    (since, never), (still, then), last = (each[2:] for each in used)
    assert (never, still, last) == (None, since, (since, then))
    assert since < then
    assert nothing == [("INVALID", ("input",))]


async def test_people_see_their_own_exports_and_who_oversees_all(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    mine, theirs = (
        a_requirement_export(people.user),
        a_requirement_export(people.manager, component_type="Card"),
    )
    await save(mine, theirs)

    async def found(person: Any, **filter: Any) -> list[str]:
        answer = await graphql.of(person)(LIST, filter=filter)
        return [node["id"] for node in answer["requirementExports"]["nodes"]]

    assert await found(people.user) == [mine.gid]
    assert await found(people.admin) == [theirs.gid, mine.gid]
    assert await found(people.admin, componentType="Card") == [theirs.gid]
    assert await found(people.admin, userId=people.user.gid) == [mine.gid]
    assert await found(people.stranger) == []
    async with assert_unchanged():
        used = {"inCodeGeneration": True}
        assert await graphql.of(people.viewer).refusals(CREATE, input=BUTTON) == FORBIDDEN
        assert await graphql.of(people.viewer).refusals(USE, id=mine.gid, input=used) == FORBIDDEN
        assert await graphql.of(people.viewer).refusals(DELETE, id=mine.gid) == FORBIDDEN
        assert await graphql.of(people.user).refusals(USE, id=theirs.gid, input=used) == MISSING
        assert await graphql.of(people.user).refusals(DELETE, id=theirs.gid) == MISSING
        assert await graphql.of(people.stranger).refusals(DELETE, id=mine.gid) == MISSING
    assert (await graphql.of(people.user)(DELETE, id=mine.gid))["requirementExportDelete"][
        "deletedId"
    ] == mine.gid
    assert await found(people.admin) == [theirs.gid]


async def test_approval_is_the_mean_over_what_the_viewer_sees(
    graphql: Client, save: Save, people: People
) -> None:
    rows = [("Button", 5, 1, 0), ("Button", 2, 0, 1), ("Card", 8, 4, 2)]
    for kind, approved, edited, custom in rows:
        counts = {"approved_count": approved, "edited_count": edited, "custom_added_count": custom}
        await save(a_requirement_export(people.user, component_type=kind, **counts))
    admin = graphql.of(people.admin)

    async def metrics(client: Client, kind: str | None = None) -> tuple[Any, ...]:
        return tuple((await client(METRICS, type=kind))["approvalMetrics"].values())

    assert await metrics(admin) == (5.0, pytest.approx(5 / 3), 1.0, 3)
    assert await metrics(admin, "Button") == (3.5, 0.5, 0.5, 2)
    assert await metrics(admin, "Tabs") == (None, None, None, 0)
    assert await metrics(graphql.of(people.manager)) == (5.0, pytest.approx(5 / 3), 1.0, 3)
    assert await metrics(graphql.of(people.stranger)) == (None, None, None, 0)
    assert await admin.refusals(METRICS, type="\u0000") == [("INVALID", ("componentType",))]


async def test_fast_exports_are_strictly_faster_timed_and_quickest_first(
    graphql: Client, save: Save, people: People
) -> None:
    latencies = (3000, 2999, None, 10, 500, 3001)
    await save(*(a_requirement_export(people.user, proposal_latency_ms=each) for each in latencies))
    admin = graphql.of(people.admin)

    async def page(**arguments: Any) -> tuple[list[int], Any]:
        found = (await admin(FAST, **arguments))["fastExports"]
        return [node["proposalLatencyMs"] for node in found["nodes"]], found

    everything, found = await page()
    assert everything == [10, 500, 2999]
    assert found["totalCount"] == 3
    assert (await page(below=500))[0] == [10]
    first, found = await page(first=2)
    assert (first, found["pageInfo"]["hasNextPage"]) == ([10, 500], True)
    assert (await page(first=2, after=found["pageInfo"]["endCursor"]))[0] == [2999]
    assert (await graphql.of(people.stranger)(FAST))["fastExports"]["nodes"] == []
