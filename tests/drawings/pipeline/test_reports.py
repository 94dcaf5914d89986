"""Reports of sessions: the files, what they say, who gets them, and when they are deleted."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pikepdf
import pypdfium2
import pytest
from sqlalchemy import update

from db.models import DrawingSession
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import Instance, Person, register
from tests.drawings.pipeline.test_deletion import is_cleared
from tests.drawings.pipeline.test_interruptions import until
from tests.waiting import until as until_published

pytestmark = pytest.mark.usefixtures("worker")

Revisions = Callable[..., tuple[Path, Path]]
PATIENCE = 60

REQUEST = """
mutation ($id: ID!, $format: ComparisonReportFormat!) {
  comparisonReport(sessionId: $id, format: $format) {
    session { id } job { id jobType subject } errors { code message path }
  }
}
"""
REPORTS = """
query ($id: ID!, $job: ID!) {
  drawingSession(id: $id) { updatedAt reports { format name size createdAt url } }
  processingJob(id: $job) { status errorMessage }
}
"""


async def report(person: Person, id: str, format: str) -> tuple[Any, bytes]:
    """A report of a session, and its file."""
    job = (await person.do(REQUEST, id=id, format=format))["job"]["id"]

    async def state() -> Any:
        return await person.ask(REPORTS, id=id, job=job)

    ended = await until_published(
        person.instance.listener,
        state,
        lambda s: s["processingJob"]["status"] in ("COMPLETED", "FAILED"),
        PATIENCE,
    )
    assert ended["processingJob"] == {"status": "COMPLETED", "errorMessage": None}
    session = (await state())["drawingSession"]  # which `ended` may have read before the job completed
    (entry,) = [each for each in session["reports"] if each["format"] == format]
    answer = await person.http.get(entry["url"])
    assert (answer.status_code, len(answer.content)) == (200, entry["size"])
    return entry, answer.content


async def test_reports_of_all_formats_list_the_changes_of_the_api(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    session = await person.completed(id)
    pairs = {pair["drawingName"]: pair for pair in session["comparisons"]["nodes"]}
    total = sum(len(pair["changes"]) for pair in pairs.values())
    assert total > 3

    entry, content = await report(person, id, "CSV")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert entry["name"] == "a.pdf _ b.pdf.csv"
    for name, pair in pairs.items():
        listed = [row for row in rows if row["sheet"] == name and row["number"]]
        assert [
            {
                "kind": row["kind"],
                "area": int(row["area_px"]),
                "box": {side: int(row[f"{side}_px"]) for side in ("x", "y", "width", "height")},
            }
            for row in listed
        ] == [{key: change[key] for key in ("kind", "area", "box")} for change in pair["changes"]]

    _, content = await report(person, id, "PDF")
    with pikepdf.open(io.BytesIO(content)) as pdf:
        notes = [note for page in pdf.pages for note in page.get("/Annots", [])]
        assert len(notes) == total
        assert {str(note.Subtype) for note in notes} == {"/Polygon"}
    pages = pypdfium2.PdfDocument(content)
    texts = [page.get_textpage().get_text_range() for page in pages]
    for name in pairs:
        assert name in texts[0]
    pages.close()

    _, content = await report(person, id, "BCF")
    with ZipFile(io.BytesIO(content)) as package:
        assert sum(name.endswith("/markup.bcf") for name in package.namelist()) == total

    _, content = await report(person, id, "XLSX")
    assert content.startswith(b"PK")

    entry, content = await report(person, id, "OVERLAY_PDF")
    assert entry["name"] == "a.pdf _ b.pdf.overlay.pdf"
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == len(pairs)
        assert sum(len(page.get("/Annots", [])) for page in pdf.pages) == total
        for page in pdf.pages:
            old, new = (page.Resources.XObject[name].Resources.XObject.Sheet for name in ("/Old", "/New"))
            assert {str(old.Subtype), str(new.Subtype)} == {"/Form"}


async def test_a_new_report_replaces_the_last_and_goes_with_its_session(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    before = (await person.completed(id))["id"]
    first, _ = await report(person, id, "CSV")
    second, _ = await report(person, id, "CSV")

    assert (before, first["name"]) == (id, second["name"])
    assert httpx.URL(first["url"]) != httpx.URL(second["url"])

    async def stored() -> list[str]:
        await until(lambda: is_cleared(instance, person))
        return [key for key in await instance.objects(person.company_id) if "/reports/" in key]

    assert len(await stored()) == 1
    stranger = await register(instance, person.http)
    refusal = await stranger.refused(REQUEST, id=id, format="CSV")
    assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["sessionId"])

    await person.do(operations.DELETE, id=id)

    assert await stored() == []


@pytest.mark.parametrize("status", ["active", "processing", "error"])
async def test_a_session_without_results_has_no_report(
    person: Person, instance: Instance, revisions: Revisions, status: str
) -> None:
    id = await person.session(*revisions("A-101"))
    async with instance.database.tenant(person.company_id) as uow:
        await uow.execute(update(DrawingSession).values(status=status))

    refusal = await person.refused(REQUEST, id=id, format="PDF")

    assert (refusal["code"], refusal["path"]) == ("CONFLICT", ["sessionId"])


STALENESS = """
query ($id: ID!) { drawingSession(id: $id) {
  reports { format isStale } comparisons { nodes { changes { id } } }
} }
"""
REVIEW = """
mutation ($id: ID!) {
  changeReview(id: $id, decision: ACCEPTED) { change { id } errors { code message path } }
}
"""


async def test_a_report_is_stale_after_a_decision_until_it_is_made_again(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    await person.completed(id)
    await report(person, id, "CSV")

    async def session() -> Any:
        return (await person.ask(STALENESS, id=id))["drawingSession"]

    before = await session()
    change = next(pair["changes"][0]["id"] for pair in before["comparisons"]["nodes"] if pair["changes"])
    await person.do(REVIEW, id=change)
    after = await session()
    await report(person, id, "CSV")

    assert before["reports"] == [{"format": "CSV", "isStale": False}]
    assert after["reports"] == [{"format": "CSV", "isStale": True}]
    assert (await session())["reports"] == before["reports"]
