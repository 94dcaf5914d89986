"""The job that writes the report of a drawing session."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.working_folders import working_folder
from db.models import DrawingType, Upload
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.drawings.overlay import configured_colours
from pipelines.drawings.reports import bcf, documents, tables
from pipelines.drawings.reports.content import ReportContent, SheetSide, report_content
from pipelines.drawings.reports.documents import ReportPart
from pipelines.drawings.reports.overlay_pages import (
    DrawablePages,
    OverlayPage,
    OverlaySource,
    inspect_pages,
    write_overlays,
)
from pipelines.runtime.handlers import Run, handles
from resolvers.drawings import comparison_reports
from resolvers.drawings.comparison_reports import ComparisonReportFormat, WriteComparisonReport

TABLE_SECONDS, SHEET_SECONDS, DOCUMENT_SECONDS = 120.0, 120.0, 300.0
"""Timeouts of writing a table, the part of a sheet, and the document of all parts."""
OVERLAY_SECONDS = 10.0
"""Timeout that each page of an overlay document adds."""
UNSAFE_CHARACTERS = re.compile(r"[^\w.() -]+")
MAX_NAME_LENGTH = 80


@dataclass(frozen=True)
class FileType:
    """Ending and media type of a report's file."""

    ending: str
    mime_type: str


FILE_TYPES = {
    ComparisonReportFormat.PDF: FileType("pdf", "application/pdf"),
    ComparisonReportFormat.CSV: FileType("csv", "text/csv"),
    ComparisonReportFormat.XLSX: FileType(
        "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ),
    ComparisonReportFormat.BCF: FileType("bcf", "application/octet-stream"),
    ComparisonReportFormat.OVERLAY_PDF: FileType("overlay.pdf", "application/pdf"),
}


@handles(WriteComparisonReport)
async def write_comparison_report(job: WriteComparisonReport, run: Run) -> CompletionHook:
    """Write a report's file from the rows as they are now. A repeated run replaces the file."""
    async with run.read() as uow:
        rows = await comparison_reports.load_rows(uow, job.session_id)
    content, format = report_content(rows, datetime.now(UTC)), ComparisonReportFormat(job.format)
    kind = FILE_TYPES[format]
    with working_folder() as name:
        target = Path(name) / f"report.{kind.ending}"
        match format:
            case ComparisonReportFormat.CSV:
                await run.cpu_within(TABLE_SECONDS, tables.write_csv, content, target)
            case ComparisonReportFormat.XLSX:
                await run.cpu_within(TABLE_SECONDS, tables.write_xlsx, content, target)
            case ComparisonReportFormat.PDF:
                await write_pdf(run, content, target)
            case ComparisonReportFormat.BCF:
                await write_bcf(run, content, target)
            case ComparisonReportFormat.OVERLAY_PDF:
                await write_overlay_pdf(run, content, rows.uploads, target)
        prefix = comparison_reports.report_prefix(run.company_id, job.session_id, job.report_id)
        stored = await run.put_file(f"{prefix}{target.name}", target)
    filename = f"{file_stem(content.title)}.{kind.ending}"

    async def finish(uow: UnitOfWork) -> None:
        await comparison_reports.save(
            uow,
            job,
            name=filename,
            mime_type=kind.mime_type,
            size=stored.size,
            key=stored.key,
            fingerprint=rows.fingerprint,
        )

    return finish


async def write_pdf(run: Run, content: ReportContent, target: Path) -> None:
    """Write the PDF report, sheet by sheet, so that one sheet at a time is in memory."""
    parts: list[ReportPart] = []
    for number, sheet in enumerate(content.illustrated):
        image = await run.services.store.fetch(str(sheet.image_key), target.with_name("sheet.png"))
        part = target.with_name(f"{number:04d}.pdf")
        parts.append(
            await run.cpu_within(SHEET_SECONDS, documents.write_part, sheet, image, part, content.made_at)
        )
        await run.report((number + 1) / (len(content.illustrated) + 1))
    await run.cpu_within(DOCUMENT_SECONDS, documents.write_report, content, parts, target)


async def write_bcf(run: Run, content: ReportContent, target: Path) -> None:
    """Write the BCF file, sheet by sheet."""
    sheets = [sheet for sheet in content.sheets if sheet.changes]
    parts: list[Path] = []
    for number, sheet in enumerate(sheets):
        overlay = None
        if sheet.overlay_key:
            overlay = await run.services.store.fetch(sheet.overlay_key, target.with_name("overlay.png"))
        part = target.with_name(f"{number:04d}.bcf")
        parts.append(await run.cpu_within(SHEET_SECONDS, bcf.write_topics, content, sheet, overlay, part))
        await run.report((number + 1) / (len(sheets) + 1))
    await run.cpu_within(DOCUMENT_SECONDS, bcf.write_bcf, content, parts, target)


async def write_overlay_pdf(
    run: Run, content: ReportContent, uploads: Mapping[DrawingType, Upload], target: Path
) -> None:
    """Write the overlays from the pages of the files where they are what was compared, else from images."""
    folder, store = target.parent, run.services.store
    files: dict[DrawingType, DrawablePages | None] = {}
    for revision, upload in uploads.items():
        file = await store.fetch(upload.storage_key, folder / revision.value)
        copy = folder / f"{revision.value}_copy.pdf"
        files[revision] = await run.cpu_within(SHEET_SECONDS, inspect_pages, file, copy)

    async def source(revision: DrawingType, side: SheetSide) -> OverlaySource:
        pages, upload = files.get(revision), uploads.get(revision)
        if pages and upload and side.filename == upload.filename and pages.has(side.page, side):
            return OverlaySource(pages.path, side.page)
        image = folder / f"{revision.value}_{side.page}.png"
        return OverlaySource(await store.fetch(str(side.image_key), image))

    sheets = [sheet for sheet in content.sheets if sheet.placement and sheet.overlay_key]
    pages: list[OverlayPage] = []
    for sheet in sheets:
        placed = sheet.placement
        if placed is None:
            continue
        image = None
        if placed.is_perspective:
            image = await store.fetch(str(sheet.overlay_key), folder / f"overlay_{placed.new.page}.png")
        old, new = await source(DrawingType.OLD, placed.old), await source(DrawingType.NEW, placed.new)
        pages.append(OverlayPage(sheet, placed, old, new, image))
    colours = configured_colours(run.services.settings.overlay_colours)
    seconds = DOCUMENT_SECONDS + OVERLAY_SECONDS * len(pages)
    await run.cpu_within(seconds, write_overlays, pages, content.title, target, content.made_at, colours)


def file_stem(title: str) -> str:
    """A file name after the session's name."""
    return UNSAFE_CHARACTERS.sub("_", title).strip(" ._")[:MAX_NAME_LENGTH] or "comparison"
