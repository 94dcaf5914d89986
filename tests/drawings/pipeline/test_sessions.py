"""A comparison from upload to answer, and what doing it again changes: nothing."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, update
from strawberry.relay import GlobalID

from db.models import AnalysisResult, Comparison, Drawing, JobStatus, ProcessingJob, Upload
from db.queue import deserialize, enqueue
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import Instance, Person, register
from tests.drawings.pipeline.sample_drawings import sheets

pytestmark = pytest.mark.usefixtures("worker")

Revisions = Callable[..., tuple[Path, Path]]


def key(id: str) -> Any:
    """The UUID inside a global id."""
    return GlobalID.from_id(id).node_id


def sizes(content: bytes) -> tuple[str, tuple[int, int]]:
    """Format and size of a picture that can be read to its end."""
    with Image.open(BytesIO(content)) as picture:
        picture.load()
        return str(picture.format), picture.size


async def test_a_comparison_from_upload_to_answer(person: Person, tmp_path: Path) -> None:
    old = sheets(tmp_path / "a.pdf", 0, "A-101", "A-102", "A-103")
    new = sheets(tmp_path / "b.pdf", 1, "A-104", "A-101", "A-102")
    project = (await person.do(operations.PROJECT, name="Library"))["project"]["id"]

    session = await person.completed(await person.begin(old, new, project))

    assert (session["name"], session["errorMessage"], session["progress"]) == ("a.pdf → b.pdf", None, 100)
    assert (session["onlyInOld"], session["onlyInNew"]) == (["A-103"], ["A-104"])
    assert session["comparisonCounts"] == [{"changesDetected": True, "total": 2}]
    assert [
        (job["jobType"], job["status"], job["progress"], job["attempts"]) for job in session["jobs"]["nodes"]
    ] == [
        ("PDF_EXTRACTION", "COMPLETED", 100, 1),
        ("COMPARISON", "COMPLETED", 100, 1),
        ("AI_ANALYSIS", "COMPLETED", 100, 1),
    ]
    pages = session["drawings"]["nodes"]
    assert [
        (page["drawingType"], page["pageNumber"], page["drawingName"], page["state"], page["errorMessage"])
        for page in pages
    ] == [
        ("OLD", 1, "A-101", "COMPLETED", None),
        ("OLD", 2, "A-102", "COMPLETED", None),
        ("OLD", 3, "A-103", "UNMATCHED", "The new set has no sheet A-103."),
        ("NEW", 1, "A-104", "UNMATCHED", "The old set has no sheet A-104."),
        ("NEW", 2, "A-101", "COMPLETED", None),
        ("NEW", 3, "A-102", "COMPLETED", None),
    ]
    assert [
        [(version["drawingName"], version["versionNumber"]) for version in page["versions"]["nodes"]]
        for page in pages
    ] == [[("A-101", 1)], [("A-102", 1)], [("A-103", 1)], [("A-104", 1)], [("A-101", 2)], [("A-102", 2)]]
    assert {page["originalFilename"] for page in pages} == {"a.pdf", "b.pdf"}
    assert [page["warnings"] for page in pages] == [[]] * 6
    assert [page["pairReason"] for page in pages] == [
        *("NUMBER", "NUMBER", "REMOVED"),
        *("INSERTED", "NUMBER", "NUMBER"),
    ]
    assert pages[3]["drawingMetadata"]["titleBlock"]["scale"] == {
        "text": "1:100",
        "ratio": 100.0,
        "source": "label",
    }
    assert pages[3]["drawingMetadata"] == {
        "width": 1700,
        "height": 1100,
        "dpi": 100.0,
        "reduced": False,
        "widthPoints": 1224.0,
        "heightPoints": 792.0,
        "rotation": 0,
        "scale": "1:100",
        "wordCount": pages[3]["drawingMetadata"]["wordCount"],
        "sheetName": {
            "number": "A-104",
            "score": pages[3]["drawingMetadata"]["sheetName"]["score"],
            "source": "text",
        },
        "titleBlock": pages[3]["drawingMetadata"]["titleBlock"],
    }


async def test_every_stored_picture_has_its_size_and_a_row(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    session = await person.completed(await person.begin(*revisions("A-101", "A-102")))

    for comparison in session["comparisons"]["nodes"]:
        for link in ("overlayUrl", "overlayPreviewUrl", "oldImageUrl", "newImageUrl"):
            assert sizes(await person.fetch(comparison[link])) == ("PNG", (1700, 1100))
        tiles = comparison["overlayTiles"]
        assert (tiles["width"], tiles["height"], tiles["tileSize"], tiles["maxLevel"]) == (
            1700,
            1100,
            256,
            11,
        )
        assert '<Size Width="1700" Height="1100"/>' in tiles["descriptor"]
        for level, column, row, size in ((11, 6, 4, (164, 76)), (11, 0, 0, (256, 256)), (0, 0, 0, (1, 1))):
            url = tiles["urlTemplate"].format(level=level, column=column, row=row)
            assert sizes(await person.fetch(url)) == ("PNG", size)
        outside = tiles["urlTemplate"].format(level=11, column=7, row=0)
        assert (await person.http.get(outside)).status_code == 404
        assert (await person.http.get(outside.replace("/tiles/", "/tiles/A"))).status_code == 404
    for page in session["drawings"]["nodes"]:
        assert sizes(await person.fetch(page["fileUrl"])) == ("PNG", (1700, 1100))
        assert sizes(await person.fetch(page["thumbnailUrl"])) == ("PNG", (480, 311))
    named = {
        path
        for columns in (
            (Upload.storage_key,),
            (Drawing.storage_path, Drawing.thumbnail_path, Drawing.words_path),
            (
                Comparison.overlay_path,
                Comparison.overlay_preview_path,
                Comparison.overlay_tiles["key"].astext,
            ),
        )
        for row in await instance.rows(person.company_id, select(*columns))
        for path in row
    }
    assert named == (await instance.objects(person.company_id)).keys()


async def test_the_same_file_twice_has_no_changes(person: Person, tmp_path: Path) -> None:
    file = sheets(tmp_path / "a.pdf", 0, "A-101", "A-102")

    session = await person.completed(await person.begin(file, file))

    assert session["comparisonCounts"] == [{"changesDetected": False, "total": 2}]
    for comparison in session["comparisons"]["nodes"]:
        assert comparison["alignmentScore"] == 1.0
        assert (comparison["changeRatio"], comparison["changes"]) == (0.0, [])
        assert comparison["words"] == {"removed": [], "added": []}
    assert [page["versions"]["nodes"] for page in session["drawings"]["nodes"]] == [[], [], [], []]


async def test_sets_without_a_sheet_in_common_complete_without_a_comparison(
    person: Person, tmp_path: Path
) -> None:
    old, new = sheets(tmp_path / "a.pdf", 0, "A-101"), sheets(tmp_path / "b.pdf", 1, "A-102")

    session = await person.completed(await person.begin(old, new))

    assert (session["onlyInOld"], session["onlyInNew"]) == (["A-101"], ["A-102"])
    assert session["comparisons"]["nodes"] == []
    assert session["summary"]["avgAlignmentScore"] is None


async def test_starting_again_replaces_and_adds_nothing(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    project = (await person.do(operations.PROJECT, name="Library"))["project"]["id"]
    id = await person.begin(*revisions("A-101", "A-102"), project)
    first = await person.completed(id)
    stored = await instance.objects(person.company_id)

    await person.start(id)
    second = await person.completed(id)

    assert stable_fields(second) == stable_fields(first)
    assert await instance.objects(person.company_id) == stored
    assert len(await instance.rows(person.company_id, select(AnalysisResult.id))) == 2


async def test_the_same_files_are_the_same_versions_in_every_session(
    person: Person, revisions: Revisions
) -> None:
    project = (await person.do(operations.PROJECT, name="Library"))["project"]["id"]
    files = revisions("A-101")
    await person.completed(await person.begin(*files, project))

    session = await person.completed(await person.begin(*files, project))

    numbers = [page["versions"]["nodes"][0]["versionNumber"] for page in session["drawings"]["nodes"]]
    assert numbers == [1, 2]


@pytest.mark.parametrize("stage", ["PDF_EXTRACTION", "COMPARISON", "AI_ANALYSIS"])
async def test_a_stage_that_runs_twice_changes_nothing(
    person: Person, instance: Instance, revisions: Revisions, stage: str
) -> None:
    id = await person.begin(*revisions("A-101"))
    first = await person.completed(id)
    job = key(await person.job(id, stage))

    async with instance.database.tenant(person.company_id) as uow:
        mine = ProcessingJob.id == job
        again = update(ProcessingJob).where(mine).values(status=JobStatus.PENDING)
        row = await uow.one(again.returning(ProcessingJob))
        await enqueue(uow, deserialize(row.task, row.arguments), row.id)
    await person.until(id, lambda state: all(job["status"] == "COMPLETED" for job in state["jobs"]["nodes"]))

    second = (await person.ask(operations.WHOLE, id=id))["drawingSession"]
    assert [job["attempts"] for job in second["jobs"]["nodes"]].count(2) == 1
    assert stable_fields(second) == stable_fields(first)


async def test_another_company_sees_nothing_of_it(person: Person, revisions: Revisions) -> None:
    id = await person.begin(*revisions("A-101"))
    await person.completed(id)
    stranger = await register(person.instance, person.http)

    answer = await stranger.send(operations.WHOLE, id=id)

    assert answer["data"] == {"drawingSession": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


def stable_fields(session: dict[str, Any]) -> Any:
    """An answer without what differs each time it is asked: links, and how often jobs ran."""
    kept = json.loads(json.dumps(session))
    for job in kept["jobs"]["nodes"]:
        del job["attempts"]
    for row in (*kept["drawings"]["nodes"], *kept["comparisons"]["nodes"]):
        for name in [name for name in row if name.endswith("Url")]:
            row[name] = row[name] is not None
        if row.get("overlayTiles"):
            del row["overlayTiles"]["urlTemplate"]
    return kept
