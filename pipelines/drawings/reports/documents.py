"""The PDF report, put together from its parts."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from pikepdf import OutlineItem, Pdf

from pipelines.drawings.reports.content import ReportContent, ReportSheet
from pipelines.drawings.reports.sheet_pages import pdf_date, write_sheet_page
from pipelines.drawings.reports.text_pages import write_changes, write_index


@dataclass(frozen=True, slots=True)
class ReportPart:
    """The pages of a sheet: the sheet, and the list of its changes."""

    name: str
    path: Path
    page_count: int


def write_part(sheet: ReportSheet, image: Path, target: Path, made_at: datetime) -> ReportPart:
    """Write the pages of a sheet."""
    listed = write_changes(sheet, target.with_suffix(".list.pdf"))
    drawn = write_sheet_page(sheet, image, target.with_suffix(".sheet.pdf"), made_at)
    with Pdf.open(drawn) as part, Pdf.open(listed) as pages:
        part.pages.extend(pages.pages)
        part.save(target)
        count = len(part.pages)
    for path in (listed, drawn):
        path.unlink()
    return ReportPart(sheet.name, target, count)


def write_report(content: ReportContent, parts: Sequence[ReportPart], target: Path) -> Path:
    """Write the report: index, then the parts. The index says the pages on which they begin."""
    index = target.with_suffix(".index.pdf")
    index_pages = count_pages(write_index(content, {part.name: 10_000 for part in parts}, index))
    starts = [
        index_pages + first for first in accumulate((part.page_count for part in parts[:-1]), initial=0)
    ]
    pages = {part.name: start + 1 for part, start in zip(parts, starts, strict=False)}
    write_index(content, pages, index)
    with ExitStack() as stack:
        report = stack.enter_context(Pdf.new())
        for path in (index, *(part.path for part in parts)):  # they are read when the report is saved
            report.pages.extend(stack.enter_context(Pdf.open(path)).pages)
        with report.open_outline() as outline:
            outline.root.append(OutlineItem("Index", 0))
            outline.root.extend(
                OutlineItem(part.name, start) for part, start in zip(parts, starts, strict=False)
            )
        report.docinfo["/Title"] = content.title
        report.docinfo["/CreationDate"] = pdf_date(content.made_at)
        report.save(target)
    return target


def count_pages(path: Path) -> int:
    """Number of pages of a PDF file."""
    with Pdf.open(path) as pdf:
        return len(pdf.pages)
