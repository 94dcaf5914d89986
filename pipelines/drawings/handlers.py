"""Jobs of a drawing session: rendering the pages of both files, and comparing pairs of sheets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog

from core.errors import Conflict, DomainError, Invalid
from core.settings import Settings
from core.working_folders import working_folder
from db.models import (
    Comparison,
    ComparisonSensitivity,
    Drawing,
    DrawingSession,
    DrawingType,
    ProcessingJobType,
    SessionType,
    SheetState,
    Upload,
)
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.drawings import sizes
from pipelines.drawings.change_detection import Sensitivity
from pipelines.drawings.change_values import change_values
from pipelines.drawings.comparison import ComparisonOptions, ComparisonResult, compare
from pipelines.drawings.overlay import configured_colours
from pipelines.drawings.overlay_tiles import write_overlay_tiles
from pipelines.drawings.page_drawing import draw_page, inspect_file
from pipelines.drawings.pairing import pair_sheets
from pipelines.drawings.rendering import DocumentInfo
from pipelines.drawings.sizes import SheetScale
from pipelines.drawings.title_blocks import TitleBlock
from pipelines.runtime.handlers import Run, handles
from pipelines.runtime.process_pool import ProcessDied, RemoteTraceback
from resolvers.drawings import comparison_results, sessions
from resolvers.drawings.sessions import CompareSheets, ExtractSheets
from resolvers.object_removal import session_prefix

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

RENDER_SECONDS, COMPARE_SECONDS, TILE_SECONDS = 120.0, 180.0, 60.0
"""Limits in CPU seconds of rendering a page at the lowest resolution, and of comparing a pair."""


TOLERANCES = {
    ComparisonSensitivity.HIGH: 2,
    ComparisonSensitivity.NORMAL: 3,
    ComparisonSensitivity.LOW: 6,
}
"""Tolerated displacement of ink, in pixels."""

MILLIMETRES_PER_INCH = 25.4


@handles(ExtractSheets)
async def extract_sheets(job: ExtractSheets, run: Run) -> CompletionHook:
    """Render all pages of both files. Idempotent: skips pages that an earlier attempt has rendered."""
    async with run.read() as uow:
        uploads = await comparison_results.session_uploads(uow, job.session_id)
        session = await comparison_results.find_session(uow, job.session_id)
        rendered = {
            (page.drawing_type, page.page_number)
            for page in await comparison_results.list_pages(uow, job.session_id)
            if page.state is not SheetState.PENDING
        }
    counts: dict[DrawingType, int] = {}
    is_comparison = session.session_type is not SessionType.UPLOAD
    revisions = (DrawingType.OLD, DrawingType.NEW) if is_comparison else (DrawingType.NEW,)
    with working_folder() as name:
        folder = Path(name)
        documents = {}
        for revision in revisions:
            if revision not in uploads:
                raise Conflict(f"The {revision.value} file no longer exists.")
            file = await run.services.store.fetch(uploads[revision].storage_key, folder / revision.value)
            documents[revision] = await inspect_file(run, file, uploads[revision].filename)
            counts[revision] = documents[revision].page_count
        all_pages = [(revision, page) for revision in documents for page in range(1, counts[revision] + 1)]
        pending = [page for page in all_pages if page not in rendered]
        announced = [(revision, number, uploads[revision].filename) for revision, number in pending]
        async with run.write() as uow:
            await comparison_results.announce_pages(uow, job.session_id, announced)

        async def render(which: tuple[DrawingType, int]) -> dict[str, Any]:
            revision, number = which
            document, upload = documents[revision], uploads[revision]
            return await page_values(run, job.session_id, document, folder, revision, number, upload)

        done = len(all_pages) - len(pending)
        async with aclosing(map_completed(pending, render, run.services.settings.job_concurrency)) as results:
            async for (revision, number), values in results:
                async with run.write() as uow:
                    await comparison_results.save_page(uow, job.session_id, revision, number, values)
                    await run.mark_progress(uow)
                done += 1
                await run.report(done / len(all_pages))

    async def finish(uow: UnitOfWork) -> None:
        await comparison_results.delete_surplus_pages(uow, job.session_id, counts)
        every = await comparison_results.list_pages(uow, job.session_id)
        for revision, upload in uploads.items():
            require_rendered_page(upload.filename, [page for page in every if page.drawing_type is revision])
        if is_comparison:
            await sessions.enqueue_stage(uow, job.session_id, ProcessingJobType.COMPARISON)
        else:
            await sessions.complete(uow, job.session_id)

    return finish


def require_rendered_page(filename: str, pages: Sequence[Drawing]) -> None:
    """Raises `Invalid` with the first reason if no page of a file could be rendered."""
    if all(page.state is SheetState.FAILED for page in pages):
        raise Invalid(f"{filename}: no page could be rendered. {pages[0].error_message}")


async def page_values(
    run: Run,
    session_id: UUID,
    document: DocumentInfo,
    folder: Path,
    revision: DrawingType,
    number: int,
    upload: Upload,
) -> dict[str, Any]:
    """Columns of a page, after its image, thumbnail and words are stored; or those of a failed page."""
    name = comparison_results.image_name(revision, number)
    common = {"original_filename": upload.filename, "filename": name}
    target = folder / name
    drawing = draw_page(run, document, number, target, RENDER_SECONDS)
    page, failure = await attempt(drawing, RENDER_SECONDS)
    if page is None:
        no_files: dict[str, Any] = {
            "storage_path": None,
            "thumbnail_path": None,
            "words_path": None,
            "drawing_metadata": None,
            "warnings": [],
        }
        failed = {"drawing_name": comparison_results.fallback_name(number), "state": SheetState.FAILED}
        return common | no_files | failed | {"error_message": failure}
    stored = {}
    for column, path, ending in (
        ("storage_path", page.image, ".png"),
        ("thumbnail_path", page.thumbnail, "_thumbnail.png"),
        ("words_path", page.words, "_words.json"),
    ):
        key = f"{session_prefix(run.company_id, session_id)}{revision.value}/{number:04d}{ending}"
        stored[column] = (await run.put_file(key, path)).key
        path.unlink()
    metadata = {
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "reduced": page.reduced,
        "widthPoints": page.width_points,
        "heightPoints": page.height_points,
        "rotation": page.rotation,
        "scale": page.scale,
        "wordCount": page.word_count,
        "sheetName": {"number": page.sheet.name, "score": page.sheet.score, "source": page.sheet.source},
        "titleBlock": title_block_values(page.block),
    }
    values = {
        "drawing_name": page.sheet.name,
        "state": SheetState.COMPLETED,
        "drawing_metadata": metadata,
        "warnings": list(page.warnings),
    }
    return common | stored | values


@handles(CompareSheets)
async def compare_sheets(job: CompareSheets, run: Run) -> CompletionHook:
    """Compare each pair of sheets. Idempotent: skips pairs that an earlier attempt has compared."""
    await pair_sheets(run, job.session_id)
    async with run.read() as uow:
        sheets = {sheet.id: sheet for sheet in await comparison_results.list_pages(uow, job.session_id)}
        comparisons = await comparison_results.list_comparisons(uow, job.session_id)
        session = await comparison_results.find_session(uow, job.session_id)
    pending = [pair for pair in comparisons if pair.state is SheetState.PENDING]
    done = len(comparisons) - len(pending)

    async def compare_pair(pair: Comparison) -> dict[str, Any]:
        old, new = sheets[pair.old_drawing_id], sheets[pair.new_drawing_id]
        return await comparison_values(run, session, pair, old, new)

    async with aclosing(
        map_completed(pending, compare_pair, run.services.settings.job_concurrency)
    ) as results:
        async for pair, values in results:
            async with run.write() as uow:
                await comparison_results.update_comparison(uow, pair.id, values)
                await run.mark_progress(uow)
            done += 1
            await run.report(done / len(comparisons))

    async def finish(uow: UnitOfWork) -> None:
        await sessions.enqueue_stage(uow, job.session_id, ProcessingJobType.AI_ANALYSIS)

    return finish


async def comparison_values(
    run: Run, session: DrawingSession, pair: Comparison, old: Drawing, new: Drawing
) -> dict[str, Any]:
    """Columns of a comparison, after its overlay is stored; or those of a failed comparison."""
    with working_folder() as name:
        folder = Path(name)
        files = {}
        for role, sheet in (("old", old), ("new", new)):
            files[role] = await run.services.store.fetch(str(sheet.storage_path), folder / f"{role}.png")
            files[f"{role}_words"] = await run.services.store.fetch(
                str(sheet.words_path), folder / f"{role}.json"
            )
        comparing = run.cpu_within(
            COMPARE_SECONDS,
            compare,
            files["old"],
            files["new"],
            files["old_words"],
            files["new_words"],
            folder,
            comparison_options(run.services.settings, session, pair, new),
        )
        outcome, failure = await attempt(comparing, COMPARE_SECONDS)
        if outcome is None:
            return FAILED_COMPARISON | {"state": SheetState.FAILED, "error_message": failure}
        prefix = f"{session_prefix(run.company_id, session.id)}comparisons/{new.page_number:04d}"
        overlay = await run.put_file(f"{prefix}_overlay.png", outcome.overlay)
        preview = await run.put_file(f"{prefix}_overlay_preview.png", outcome.preview)
        tiling = run.cpu_within(TILE_SECONDS, write_overlay_tiles, outcome.overlay, folder / "tiles")
        pyramid, _ = await attempt(tiling, TILE_SECONDS)
        tiles = None
        if pyramid is not None:
            stored = await run.put_file(f"{prefix}_overlay.tiles", folder / "tiles")
            tiles = {"key": stored.key, **asdict(pyramid)}
    is_image = sizes.is_image_name(new.original_filename)
    scale = sizes.sheet_scale(new.drawing_metadata or {}, is_image=is_image)
    values = result_values(outcome, sizes.PERSPECTIVE if outcome.is_perspective else scale)
    size = new.drawing_metadata or {}
    values["alignment"]["size"] = [size["width"], size["height"]]
    values["alignment"]["source"] = "points" if pair.points else "automatic"
    paths = {"overlay_path": overlay.key, "overlay_preview_path": preview.key}
    return values | paths | {"overlay_tiles": tiles}


def comparison_options(
    settings: Settings, session: DrawingSession, pair: Comparison, new: Drawing
) -> ComparisonOptions:
    """The options of the session, and the points by which a person has aligned the pair."""
    dpi = float((new.drawing_metadata or {}).get("dpi") or settings.drawing_dpi)
    return ComparisonOptions(
        colours=configured_colours(settings.overlay_colours),
        sensitivity=Sensitivity(tolerance=TOLERANCES[session.sensitivity]),
        points=tuple(
            ((point["old"]["x"], point["old"]["y"]), (point["new"]["x"], point["new"]["y"]))
            for point in pair.points or ()
        ),
        min_side=(session.min_change_size or 0.0) / MILLIMETRES_PER_INCH * dpi,
    )


FAILED_COMPARISON: dict[str, Any] = {
    "overlay_path": None,
    "overlay_preview_path": None,
    "overlay_tiles": None,
    "alignment_score": None,
    "low_confidence": False,
    "change_ratio": None,
    "changes": [],
    "changes_detected": False,
    "words_removed": [],
    "words_added": [],
    "alignment": None,
}
"""Columns of a failed comparison, which clear those of an earlier run."""


def title_block_values(block: TitleBlock) -> dict[str, Any]:
    """What a title block says, as it is stored; `ratio` is None for a sheet that is not to scale."""
    scale = block.scale
    stored = None
    if scale:
        stored = {"text": scale.text, "ratio": scale.ratio, "source": scale.source}
        stored |= {"paper": scale.paper} if scale.paper else {}
    values = {"revision": block.revision, "date": block.date, "scale": stored, "label": block.version_label}
    return values | ({"otherScales": list(block.other_scales)} if block.other_scales else {})


def result_values(outcome: ComparisonResult, scale: SheetScale) -> dict[str, Any]:
    """Columns of a comparison, except for its files. Sizes are by the scale of the new sheet."""
    changes = [
        change_values(change, place, scale)
        for change, place in zip(outcome.changes, outcome.places, strict=True)
    ]
    return {
        "state": SheetState.COMPLETED,
        "error_message": None,
        "alignment_score": outcome.score,
        "low_confidence": not outcome.is_confident,
        "change_ratio": outcome.change_ratio,
        "changes": changes,
        "changes_detected": bool(changes or outcome.words_removed or outcome.words_added),
        "words_removed": list(outcome.words_removed),
        "words_added": list(outcome.words_added),
        "alignment": {
            "transform": list(outcome.transform),
            "rotation": outcome.rotation,
            "scale": outcome.scale,
            "note_kinds": [note.value for note in outcome.notes],
            "frame": stored_frame(outcome),
            "is_perspective": outcome.is_perspective,
            "smallChangeCount": outcome.small_change_count,
            "seconds": outcome.seconds,
            "size_note": scale.note,
        },
    }


def stored_frame(outcome: ComparisonResult) -> dict[str, Any] | None:
    """An unmoved frame as it is stored."""
    frame = outcome.frame
    return None if frame is None else {"transform": list(frame.matrix), "interior": list(frame.interior)}


async def attempt(computation: Awaitable[T], seconds: float) -> tuple[T | None, str | None]:
    """The result, or the error message: refused, out of its CPU seconds, process died, or internal error."""
    try:
        return await computation, None
    except DomainError as refused:
        return None, refused.message
    except ProcessDied as stopped:
        return None, str(stopped)
    except TimeoutError:
        return None, f"Processing exceeded the timeout of {seconds:.0f} seconds."
    except Exception as error:
        if not isinstance(error.__cause__, RemoteTraceback):
            raise
        id = uuid4().hex[:12]
        log.error("computation_failed", id=id, exc_info=error)
        return None, f"Internal error (id {id})."


async def map_completed(
    items: Sequence[T], work: Callable[[T], Awaitable[R]], concurrency: int
) -> AsyncGenerator[tuple[T, R], None]:
    """Each item and its result as soon as it has one, of at most `concurrency` tasks; closing cancels."""
    tasks: dict[asyncio.Task[R], T] = {}
    waiting = iter(items)
    try:
        while True:
            for item in islice(waiting, concurrency - len(tasks)):
                tasks[asyncio.ensure_future(work(item))] = item
            if not tasks:
                return
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in tasks if task in done]:
                yield tasks.pop(task), task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
