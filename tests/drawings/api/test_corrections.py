"""Corrections of comparisons: what is refused, and what is queued."""

from typing import Any

import pytest
from strawberry import relay

from db.ids import new_id
from db.models import DrawingType, ProjectStatus, SessionStatus
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_comparison, a_drawing, a_project, a_session
from tests.graphql_client import Client
from tests.onlooker import Onlooker

REALIGN = """mutation ($id: ID!, $points: [PointPairInput!]) {
  comparisonRealign(id: $id, input: {points: $points}) {
    errors { code path message } comparison { state } } }"""
RERUN = "mutation ($id: ID!) { comparisonRerun(id: $id) { errors { code path } comparison { state } } }"
REVIEW = """mutation ($id: ID!, $decision: ChangeDecision!, $note: String) {
  changeReview(id: $id, decision: $decision, note: $note) {
    errors { code path }
    change { id decision note reviewedBy { id } reviewedAt }
    comparison { accepted: changes(decision: ACCEPTED) { id } open: changes(decision: OPEN) { id } }
  }
}"""
CHANGES = """query ($id: ID!) { comparison(id: $id) {
  changes { id decision note reviewedAt reviewedBy { id } }
  vanishedChanges { id decision } } }"""
OLD, NEW = {"width": 1000, "height": 800, "dpi": 300}, {"width": 2000, "height": 1600, "dpi": 300}


def pair(old: tuple[float, float], new: tuple[float, float]) -> dict[str, Any]:
    """A pair of points."""
    return {side: {"x": at[0], "y": at[1]} for side, at in (("old", old), ("new", new))}


GOOD = [pair((0, 0), (0, 0)), pair((1000, 800), (2000, 1600))]


def comparison_of(
    user: Fixture, project: Fixture | None = None, status: SessionStatus = SessionStatus.COMPLETED
) -> Fixture:
    """A comparison in a session of this state."""
    session = a_session(user, project, status=status)
    old = a_drawing(session, DrawingType.OLD, drawing_metadata=OLD)
    return a_comparison(session, old, a_drawing(session, drawing_metadata=NEW))


async def test_a_correction_queues_one_job(
    graphql: Client, onlooker: Onlooker, save: Save, people: People
) -> None:
    comparison = comparison_of(people.user)
    await save(comparison)
    user = graphql.of(people.user)

    first = await user(REALIGN, id=comparison.gid, points=GOOD)
    again = await user(RERUN, id=comparison.gid)

    assert first["comparisonRealign"]["comparison"] == {"state": "PENDING"}
    assert again["comparisonRerun"]["comparison"] == {"state": "PENDING"}
    company = people.user.company.id
    assert await onlooker.fetchval("SELECT count(*) FROM platform.leases WHERE company_id = $1", company) == 1
    actions = "SELECT action FROM tenant.activity_logs WHERE company_id = $1 ORDER BY sequence"
    rows = await onlooker.fetch(actions, company)
    assert [row["action"] for row in rows] == ["COMPARISON_REALIGN", "COMPARISON_RERUN"]


@pytest.mark.parametrize(
    ("points", "path"),
    [
        ([], ()),
        (GOOD[:1], ()),
        ([*GOOD, *GOOD, *GOOD], ()),
        ([pair((-0.1, 0), (0, 0)), GOOD[1]], ("0", "old", "x")),
        ([GOOD[0], pair((1000, 800.5), (2000, 1600))], ("1", "old", "y")),
        ([GOOD[0], pair((1000, 800), (2001, 1600))], ("1", "new", "x")),
        ([GOOD[0], pair((10, 10), (2000, 1600))], ("1", "old")),
        ([GOOD[0], pair((1000, 800), (30, 30))], ("1", "new")),
        ([pair((0, 0), (0, 0)), pair((40, 0), (2000, 0))], ()),
        ([*GOOD, pair((1000, 0), (1800, 0)), pair((0, 800), (0, 1600))], ("2",)),
        ([pair((0, 0), (2000, 0)), pair((1000, 0), (0, 0)), pair((1000, 800), (0, 1600))], ("1",)),
    ],
)
async def test_wrong_points_are_refused(
    graphql: Client,
    save: Save,
    assert_unchanged: Unchanged,
    people: People,
    points: list[Any],
    path: tuple[str, ...],
) -> None:
    comparison = comparison_of(people.user)
    await save(comparison)

    async with assert_unchanged():
        refusals = await graphql.of(people.user).refusals(REALIGN, id=comparison.gid, points=points)

    assert refusals == [("INVALID", ("input", "points", *path))]


async def test_what_cannot_be_corrected_is_not(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    archived = a_project(people.user, status=ProjectStatus.ARCHIVED)
    running = comparison_of(people.user, status=SessionStatus.PROCESSING)
    fresh = comparison_of(people.user, status=SessionStatus.ACTIVE)
    closed, foreign, mine = (
        comparison_of(people.user, archived),
        comparison_of(people.stranger),
        comparison_of(people.user),
    )
    await save(running, fresh, closed, foreign, mine)

    async with assert_unchanged():
        for document, variables in ((REALIGN, {"points": GOOD}), (RERUN, {})):
            for comparison, code in (
                (running, "CONFLICT"),
                (fresh, "CONFLICT"),
                (closed, "CONFLICT"),
                (foreign, "NOT_FOUND"),
                (archived, "INVALID"),
            ):
                refusals = await graphql.of(people.user).refusals(document, id=comparison.gid, **variables)
                assert refusals == [(code, ("id",))]
            refusals = await graphql.of(people.viewer).refusals(document, id=mine.gid, **variables)
            assert refusals == [("FORBIDDEN", ())]


def stored_change(left: int, **more: Any) -> dict[str, Any]:
    """A change as the pipeline stores it."""
    words: dict[str, Any] = {"words_removed": [], "words_added": []}
    return {"kind": "added", "box": [left, 0, 10, 10], "area": 50, "description": "Added", **words, **more}


async def test_a_decision_is_stored_with_who_and_when_and_taken_back(
    graphql: Client, onlooker: Onlooker, save: Save, people: People
) -> None:
    comparison = comparison_of(people.user)
    comparison.values["changes"] = [stored_change(0), stored_change(100, id=str(new_id()))]
    await save(comparison)
    user = graphql.of(people.user)
    before = (await user(CHANGES, id=comparison.gid))["comparison"]["changes"]
    first, second = (change["id"] for change in before)

    made = (await user(REVIEW, id=first, decision="ACCEPTED", note=" As agreed.\nSee RFI 12. "))[
        "changeReview"
    ]

    assert {change["decision"] for change in before} == {"OPEN"}
    answer = made["change"]
    assert (answer["id"], answer["decision"]) == (first, "ACCEPTED")
    assert (answer["note"], answer["reviewedBy"]) == ("As agreed.\nSee RFI 12.", {"id": people.user.gid})
    assert answer["reviewedAt"].startswith("20")
    assert made["comparison"] == {"accepted": [{"id": first}], "open": [{"id": second}]}
    await user(REVIEW, id=second, decision="IGNORED")
    after = (await user(CHANGES, id=comparison.gid))["comparison"]["changes"]
    assert [change["decision"] for change in after] == ["ACCEPTED", "IGNORED"]
    back = (await user(REVIEW, id=first, decision="OPEN"))["changeReview"]["change"]
    empty = {"decision": "OPEN", "note": None, "reviewedBy": None, "reviewedAt": None}
    assert back == {"id": first, **empty}
    rows = await onlooker.fetch(
        "SELECT action FROM tenant.activity_logs WHERE company_id = $1 ORDER BY sequence",
        people.user.company.id,
    )
    assert [row["action"] for row in rows] == ["CHANGE_REVIEW"] * 3


async def test_a_decision_on_what_is_gone_can_only_be_taken_back(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    review = {
        "decision": "ignored",
        "note": None,
        "user_id": str(people.user.id),
        "at": "2026-03-01T00:00:00+00:00",
    }
    comparison = comparison_of(people.user)
    comparison.values["vanished_reviews"] = [stored_change(0, id=str(new_id()), review=review)]
    await save(comparison)
    user = graphql.of(people.user)
    (gone,) = (await user(CHANGES, id=comparison.gid))["comparison"]["vanishedChanges"]

    async with assert_unchanged():
        assert gone["decision"] == "IGNORED"
        refusals = await user.refusals(REVIEW, id=gone["id"], decision="ACCEPTED")
        assert refusals == [("CONFLICT", ("id",))]
    answer = await user(REVIEW, id=gone["id"], decision="OPEN")

    assert (answer["changeReview"]["errors"], answer["changeReview"]["change"]) == ([], None)
    assert (await user(CHANGES, id=comparison.gid))["comparison"]["vanishedChanges"] == []


async def test_wrong_decisions_are_refused(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    archived = a_project(people.user, status=ProjectStatus.ARCHIVED)
    mine, foreign, closed = (
        comparison_of(user, project)
        for user, project in ((people.user, None), (people.stranger, None), (people.user, archived))
    )
    for comparison in (mine, foreign, closed):
        comparison.values["changes"] = [stored_change(0, id=str(comparison.id))]
    await save(mine, foreign, closed)

    def change_id(comparison: Fixture, key: Any) -> str:
        return relay.to_base64("Change", f"{comparison.id}.{key}")

    async with assert_unchanged():
        for id, refusal in (
            (change_id(mine, new_id()), ("NOT_FOUND", ("id",))),
            (change_id(foreign, foreign.id), ("NOT_FOUND", ("id",))),
            (change_id(closed, closed.id), ("CONFLICT", ("id",))),
            (change_id(mine, "x"), ("INVALID", ("id",))),
            (mine.gid, ("INVALID", ("id",))),
        ):
            assert await graphql.of(people.user).refusals(REVIEW, id=id, decision="IGNORED") == [refusal]
        known = change_id(mine, mine.id)
        long = {"decision": "IGNORED", "note": "x" * 2001}
        refusals = await graphql.of(people.user).refusals(REVIEW, id=known, **long)
        assert refusals == [("INVALID", ("note",))]
        refusals = await graphql.of(people.viewer).refusals(REVIEW, id=known, decision="IGNORED")
        assert refusals == [("FORBIDDEN", ())]
