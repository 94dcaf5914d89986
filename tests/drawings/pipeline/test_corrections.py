"""Corrections by people: what a sheet is compared by, and that later runs keep it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from db.models import Comparison
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import Instance, Person
from tests.drawings.pipeline.sample_drawings import sheets
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("worker")

Revisions = Callable[..., tuple[Path, Path]]

COMPARISONS = """
query ($id: ID!) {
  drawingSession(id: $id) {
    status
    comparisons {
      nodes {
        id drawingName state errorMessage alignmentSource smallChangeCount lowConfidence
        alignmentPoints { old { x y } new { x y } }
        vanishedChanges { id decision }
        changes { id decision note kind box { x y width height } }
        job { status jobType progress }
        analysisResults { nodes { id changesFound } }
      }
    }
  }
}
"""
REALIGN = """
mutation ($id: ID!, $points: [PointPairInput!], $key: String) {
  comparisonRealign(id: $id, input: {points: $points, idempotencyKey: $key}) {
    comparison { id state job { status } }
    errors { code message path }
  }
}
"""
RERUN = """
mutation ($id: ID!) {
  comparisonRerun(id: $id) { comparison { id state } errors { code message path } }
}
"""
REVIEW = """
mutation ($id: ID!, $decision: ChangeDecision!, $note: String) {
  changeReview(id: $id, decision: $decision, note: $note) { errors { code message path } }
}
"""
OPTIONS = """
mutation ($id: ID!, $sensitivity: ComparisonSensitivity!, $size: Float) {
  drawingSessionUpdate(id: $id, input: {sensitivity: $sensitivity, minChangeSize: $size}) {
    session { sensitivity minChangeSize }
    errors { code message path }
  }
}
"""
SAME = [
    {"old": {"x": 200, "y": 200}, "new": {"x": 200, "y": 200}},
    {"old": {"x": 1500, "y": 900}, "new": {"x": 1500, "y": 900}},
]


async def sheets_of(person: Person, id: str) -> Any:
    """The comparisons of a session, by name."""
    return (await person.ask(COMPARISONS, id=id))["drawingSession"]["comparisons"]["nodes"]


def is_finished(comparison: Any) -> bool:
    """Whether it is not pending, and the job that compared it alone has ended."""
    job = comparison["job"]
    return comparison["state"] != "PENDING" and (job is None or job["status"] in ("COMPLETED", "FAILED"))


async def finished_sheets(person: Person, id: str) -> Any:
    """The comparisons of a session as soon as none is pending, and its job has ended."""
    return await until(
        person.instance.listener,
        lambda: sheets_of(person, id),
        lambda found: all(is_finished(each) for each in found),
        60,
    )


def places(comparison: Any) -> list[Any]:
    """Kind and rough place of each change: an alignment by points is not exactly that by content."""
    found = [(each["kind"], each["box"]) for each in comparison["changes"]]
    return sorted((kind, round(box["x"] / 40), round(box["y"] / 40)) for kind, box in found)


async def test_points_align_one_sheet_and_later_runs_keep_them(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101", "A-102"))
    await person.completed(id)
    first, _ = await sheets_of(person, id)
    for change in first["changes"][::2]:
        await person.do(REVIEW, id=change["id"], decision="IGNORED", note="Seen.")
    first, other = await sheets_of(person, id)
    decisions = {change["id"]: change["decision"] for change in first["changes"]}
    stored = await instance.objects(person.company_id)

    made = await person.do(REALIGN, id=first["id"], points=SAME, key="once")
    again = await person.do(REALIGN, id=first["id"], points=SAME, key="once")
    assert again["comparison"]["id"] == made["comparison"]["id"]
    realigned, untouched = await finished_sheets(person, id)

    assert (made["comparison"]["id"], made["comparison"]["state"]) == (first["id"], "PENDING")
    assert realigned["job"] == {"status": "COMPLETED", "jobType": "SHEET_COMPARISON", "progress": 100}
    assert (realigned["state"], realigned["alignmentSource"]) == ("COMPLETED", "POINTS")
    assert realigned["alignmentPoints"] == SAME
    assert places(realigned) == places(first)
    assert [row["id"] for row in realigned["analysisResults"]["nodes"]] == [
        row["id"] for row in first["analysisResults"]["nodes"]
    ]
    assert (untouched, untouched["alignmentSource"], untouched["job"]) == (other, "AUTOMATIC", None)
    assert (await instance.objects(person.company_id)).keys() == stored.keys()

    await person.start(id)
    await person.completed(id)
    kept, _ = await sheets_of(person, id)
    assert (kept["alignmentSource"], kept["alignmentPoints"]) == ("POINTS", SAME)
    for again in (realigned, kept):
        assert {change["id"]: change["decision"] for change in again["changes"]} == decisions
        assert again["vanishedChanges"] == []

    await person.do(REALIGN, id=first["id"], points=None)
    automatic, _ = await finished_sheets(person, id)
    assert (automatic["alignmentSource"], automatic["alignmentPoints"]) == ("AUTOMATIC", None)
    assert places(automatic) == places(first)


async def test_the_options_of_a_session_apply_to_what_is_compared_again(
    person: Person, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101", "A-102"))
    await person.completed(id)
    first, other = await sheets_of(person, id)
    sizes = sorted(max(each["box"]["width"], each["box"]["height"]) for each in first["changes"])
    least = sizes[len(sizes) // 2]

    options = await person.do(OPTIONS, id=id, sensitivity="LOW", size=least / 100 * 25.4 - 0.01)
    assert options["session"]["sensitivity"] == "LOW"
    await person.do(RERUN, id=first["id"])
    again, untouched = await finished_sheets(person, id)

    left = [max(each["box"]["width"], each["box"]["height"]) for each in again["changes"]]
    assert left
    assert min(left) >= least
    assert again["smallChangeCount"] > 0
    assert untouched == other


async def test_what_fails_keeps_the_earlier_results(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    await person.completed(id)
    (first,) = await sheets_of(person, id)
    bad = [{"old": {"x": 1, "y": 1}, "new": {"x": 1, "y": 1}}] * 2
    async with instance.database.tenant(person.company_id) as uow:
        await uow.execute(update(Comparison).values(points=bad))

    await person.do(RERUN, id=first["id"])
    (failed,) = await finished_sheets(person, id)

    assert failed["state"] == "FAILED"
    assert failed["errorMessage"] == "Points 1 and 2 are too close to each other on the old sheet."
    assert (failed["changes"], failed["analysisResults"]) == (first["changes"], first["analysisResults"])


async def test_a_session_is_not_deleted_or_started_while_a_sheet_is_compared(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    await person.completed(id)
    async with instance.database.tenant(person.company_id) as uow:
        await uow.execute(update(Comparison).values(state="pending"))

    for document in (operations.START, operations.DELETE):
        refusal = await person.refused(document, id=id)
        assert (refusal["code"], refusal["path"]) == ("CONFLICT", ["id"])


PAIR = """
mutation ($old: ID!, $new: ID!) {
  comparisonPair(input: {oldDrawingId: $old, newDrawingId: $new}) {
    comparison { id state pairReason drawingName }
    errors { code message path }
  }
}
"""
UNPAIR = """
mutation ($id: ID!) {
  comparisonUnpair(id: $id) { deletedId session { onlyInOld onlyInNew } errors { code message path } }
}
"""
PAIRS = """
query ($id: ID!) {
  drawingSession(id: $id) {
    onlyInOld
    onlyInNew
    comparisons { nodes { id drawingName pairReason state changesDetected } }
    drawings(first: 100) { nodes { id drawingType drawingName state pairReason errorMessage } }
  }
}
"""


async def test_pairs_that_people_make_and_undo_stay(person: Person, tmp_path: Path) -> None:
    old = sheets(tmp_path / "a.pdf", 0, "A-101", "A-102")
    new = sheets(tmp_path / "b.pdf", 1, "A-101", "A-202")
    id = await person.begin(old, new)
    await person.completed(id)
    found = (await person.ask(PAIRS, id=id))["drawingSession"]
    for comparison in found["comparisons"]["nodes"]:
        await person.do(UNPAIR, id=comparison["id"])
    found = (await person.ask(PAIRS, id=id))["drawingSession"]
    assert (found["onlyInOld"], found["onlyInNew"]) == (["A-101", "A-102"], ["A-101", "A-202"])
    ids = {(each["drawingType"], each["drawingName"]): each["id"] for each in found["drawings"]["nodes"]}

    pair = {"old": ids["OLD", "A-102"], "new": ids["NEW", "A-202"]}
    made = (await person.do(PAIR, **pair))["comparison"]
    assert (made["state"], made["pairReason"], made["drawingName"]) == ("PENDING", "MANUAL", "A-202")
    await finished_sheets(person, id)
    taken = await person.refused(PAIR, old=ids["OLD", "A-101"], new=pair["new"])
    assert (taken["code"], taken["path"]) == ("CONFLICT", ["input", "newDrawingId"])
    assert taken["message"] == "A-202 is already compared, as A-202. Unpair it first."

    for again in (False, True):
        if again:
            await person.start(id)
            await person.completed(id)
        found = (await person.ask(PAIRS, id=id))["drawingSession"]
        assert (found["onlyInOld"], found["onlyInNew"]) == (["A-101"], ["A-101"])
        (kept,) = found["comparisons"]["nodes"]
        assert kept == {
            "id": made["id"],
            "drawingName": "A-202",
            "pairReason": "MANUAL",
            "state": "COMPLETED",
            "changesDetected": True,
        }
        assert {each["pairReason"] for each in found["drawings"]["nodes"]} == {"MANUAL"}

    confirmed = await person.do(PAIR, **pair)
    assert confirmed["comparison"]["state"] == "COMPLETED"
