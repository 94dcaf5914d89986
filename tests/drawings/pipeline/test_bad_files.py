"""Bad files: a refusal at once, or a failed page or session with a reason; nothing is left half done."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from db.models import Comparison, Drawing, Upload, UploadState
from pipelines.drawings import handlers, rendering
from tests.drawings.pipeline import failing_functions, operations
from tests.drawings.pipeline.conftest import Instance, Person
from tests.drawings.pipeline.sample_drawings import (
    HUGE,
    blank,
    bomb,
    cut,
    image,
    png_header,
    resize_page,
    sheets,
    without_pages,
)

pytestmark = pytest.mark.usefixtures("worker")

Maker = Callable[[Path, Path], Path]
"""Makes a bad file at the first path; the second is a good one."""

HTML = b"<!DOCTYPE html><html><body>Please sign in.</body></html>"

FAILING: dict[str, tuple[Maker, str]] = {
    "encrypted": (
        lambda bad, good: blank(bad, 1, password="secret"),
        "The PDF is encrypted. Upload it without a password.",
    ),
    "truncated": (
        lambda bad, good: cut(bad, good, 0.5),
        "The PDF is incomplete: its end is missing. Upload the whole file again.",
    ),
    "no page": (lambda bad, good: without_pages(bad), "no pages."),
    "5,000 pages": (
        lambda bad, good: blank(bad, 5000),
        "The file has 5,000 pages; at most 500 are compared.",
    ),
    "huge page": (
        lambda bad, good: resize_page(bad, good, 1, HUGE),
        "no page could be rendered. The page is 500 x 500 inches, too large to draw legibly.",
    ),
    "page that unpacks to 128 MB": (
        lambda bad, good: bomb(bad, 128 * 2**20),
        "The PDF contains a stream that decompresses to more than 100 MB.",
    ),
    "1 pixel": (
        lambda bad, good: image(bad.with_suffix(".png"), (1, 1)),
        "The image is 1 x 1 pixels; a drawing needs 100 on each side.",
    ),
    "60,000 pixels long": (
        lambda bad, good: image(bad.with_suffix(".png"), (60_000, 200)),
        "The image is 60,000 x 200 pixels; a side may have 32,000 at most.",
    ),
    "156 megapixels": (
        lambda bad, good: image(bad.with_suffix(".tiff"), (13_000, 12_000)),
        "The image has 156 megapixels; at most 150 are compared.",
    ),
    "40 gigapixels in 1 kB": (
        lambda bad, good: png_header(bad.with_suffix(".png"), (200_000, 200_000)),
        "The image has far more pixels than can be compared.",
    ),
    "image that is cut off": (
        lambda bad, good: cut(bad.with_suffix(".png"), image(bad.with_name("whole.png"), (3000, 2000)), 0.6),
        "The image is damaged or incomplete.",
    ),
}


@pytest.mark.parametrize("name", FAILING)
async def test_a_bad_file_fails_its_session_with_a_reason(
    person: Person, instance: Instance, tmp_path: Path, name: str
) -> None:
    make, reason = FAILING[name]
    good = sheets(tmp_path / "good.pdf", 0, "A-101")
    bad = make(tmp_path / "bad.pdf", good)

    state = await person.ended(await person.begin(good, bad))

    assert state["status"] == "ERROR"
    assert state["errorMessage"].startswith(f"{bad.name}: ")
    assert state["errorMessage"].endswith(reason)
    stages = [(job["status"], job["errorMessage"], job["attempts"]) for job in state["jobs"]["nodes"]]
    assert stages == [("FAILED", state["errorMessage"], 1), ("CANCELLED", None, 0), ("CANCELLED", None, 0)]
    assert state["comparisons"]["nodes"] == []
    await only_rows_have_objects(instance, person)


UNSENDABLE = {"html": HTML, "text": b"not a drawing\n" * 50, "zip": b"PK\x03\x04" + bytes(500)}


@pytest.mark.parametrize("content", UNSENDABLE.values(), ids=UNSENDABLE)
async def test_what_is_no_drawing_is_not_stored(
    person: Person, instance: Instance, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "plan.pdf"
    file.write_bytes(content)

    id, answer = await person.put(file)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, "UNSUPPORTED")
    assert await instance.objects(person.company_id) == {}
    refusal = await person.refused(operations.CREATE, old=id, new=id)
    assert (refusal["code"], refusal["path"]) == ("CONFLICT", ["input", "oldUploadId"])


async def test_an_empty_file_is_refused_when_it_is_announced(person: Person, instance: Instance) -> None:
    digest = hashlib.sha256(b"").hexdigest()

    refusal = await person.refused(operations.ANNOUNCE, filename="plan.pdf", size=0, sha256=digest)

    assert (refusal["code"], refusal["path"]) == ("INVALID", ["input", "size"])
    assert await instance.rows(person.company_id, select(Upload.id)) == []


async def test_a_good_session_completes_beside_bad_ones(person: Person, tmp_path: Path) -> None:
    good = sheets(tmp_path / "good.pdf", 0, "A-101")
    names = ("truncated", "huge page", "40 gigapixels in 1 kB")
    bad = [FAILING[name][0](tmp_path / f"{place}.pdf", good) for place, name in enumerate(names)]

    begun = [await person.begin(good, file) for file in bad]
    session = await person.completed(await person.begin(good, good))

    assert session["comparisonCounts"] == [{"changesDetected": False, "total": 1}]
    assert {(await person.ended(id))["status"] for id in begun} == {"ERROR"}


async def test_a_page_that_cannot_be_drawn_fails_alone(
    person: Person, instance: Instance, tmp_path: Path
) -> None:
    whole = sheets(tmp_path / "whole.pdf", 0, "A-101", "A-102", "A-103")
    old = resize_page(tmp_path / "a.pdf", whole, 2, HUGE)
    new = sheets(tmp_path / "b.pdf", 1, "A-101", "A-102", "A-103")

    session = await person.completed(await person.begin(old, new))

    failed, partner = session["drawings"]["nodes"][1], session["drawings"]["nodes"][4]
    assert (failed["state"], failed["drawingName"], failed["fileUrl"]) == ("FAILED", "Page_002", None)
    assert failed["errorMessage"] == "The page is 500 x 500 inches, too large to draw legibly."
    assert (partner["state"], partner["drawingName"]) == ("UNMATCHED", "A-102")
    assert partner["errorMessage"] == "The old set has no readable sheet A-102."
    assert (session["onlyInOld"], session["onlyInNew"]) == ([], ["A-102"])
    compared = [(each["drawingName"], each["state"]) for each in session["comparisons"]["nodes"]]
    assert compared == [("A-101", "COMPLETED"), ("A-103", "COMPLETED")]
    await only_rows_have_objects(instance, person)


FAULTS: dict[str, tuple[Callable[..., Any], float, str]] = {
    "never ends": (
        failing_functions.endless_second_page,
        6.0,
        "Processing exceeded the timeout of 6 seconds.",
    ),
    "kills its process": (
        failing_functions.deadly_second_page,
        60.0,
        "The computation stopped unexpectedly (signal 9).",
    ),
    "meets a fault of ours": (failing_functions.faulty_second_page, 60.0, "Internal error (id "),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_page_whose_drawing_goes_wrong_fails_alone(
    person: Person,
    revisions: Callable[..., tuple[Path, Path]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    render, seconds, reason = FAULTS[name]
    monkeypatch.setattr(rendering, "render", render)
    monkeypatch.setattr(handlers, "RENDER_SECONDS", seconds)

    session = await person.completed(await person.begin(*revisions("A-101", "A-102")))

    rows = session["drawings"]["nodes"]
    assert [row["state"] for row in rows] == ["COMPLETED", "UNMATCHED", "COMPLETED", "FAILED"]
    assert rows[3]["errorMessage"].startswith(reason)
    assert [each["drawingName"] for each in session["comparisons"]["nodes"]] == ["A-101"]


async def test_a_pair_whose_comparison_goes_wrong_fails_alone(
    person: Person, revisions: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await person.begin(*revisions("A-101", "A-102"))
    await person.completed(id)
    monkeypatch.setattr(handlers, "compare", failing_functions.faulty_comparison)

    await person.start(id)
    session = await person.completed(id)

    good, failed = session["comparisons"]["nodes"]
    assert (good["drawingName"], good["state"], good["errorMessage"]) == ("A-101", "COMPLETED", None)
    assert (failed["drawingName"], failed["state"]) == ("A-102", "FAILED")
    assert failed["errorMessage"].startswith("Internal error (id ")
    assert (failed["alignmentScore"], failed["overlayUrl"], failed["changes"]) == (None, None, [])
    assert failed["words"] == {"removed": [], "added": []}
    (analysis,) = failed["analysisResults"]["nodes"]
    assert (analysis["success"], analysis["errorMessage"]) == (False, failed["errorMessage"])
    assert session["summary"]["failedComparisons"] == 1


async def test_a_failed_extraction_that_is_retried_draws_the_failed_pages_again(
    person: Person, revisions: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(rendering, "render", failing_functions.faulty_page)
        id = await person.begin(*revisions("A-101"))
        state = await person.ended(id)
    assert state["status"] == "ERROR"
    assert state["errorMessage"].startswith("a.pdf: no page could be rendered. Internal error (id ")

    await person.do(operations.RETRY, id=await person.job(id, "PDF_EXTRACTION"))
    session = await person.completed(id)

    assert [each["state"] for each in session["comparisons"]["nodes"]] == ["COMPLETED"]


async def only_rows_have_objects(instance: Instance, person: Person) -> None:
    """Everything stored for the company is named by a row, and what rows name is stored."""
    named = set()
    for statement in (
        select(Upload.storage_key).where(Upload.state == UploadState.STORED),
        select(Drawing.storage_path, Drawing.thumbnail_path, Drawing.words_path),
        select(
            Comparison.overlay_path, Comparison.overlay_preview_path, Comparison.overlay_tiles["key"].astext
        ),
    ):
        rows = await instance.rows(person.company_id, statement)
        named |= {path for row in rows for path in row if path is not None}
    assert (await instance.objects(person.company_id)).keys() == named
