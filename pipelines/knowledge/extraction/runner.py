"""Extraction of a file's text in child processes, with limits on size and time."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction import html, office, pdf, text, word
from pipelines.knowledge.extraction.pages import ExtractedText, Limits, Page, enforce_limits

Reader = Callable[[Path, Limits], Iterator[Page]]

WORDPROCESSING = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PRESENTATION = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

READERS: dict[str, Reader] = {
    "application/pdf": pdf.read_pdf,
    WORDPROCESSING: word.read_docx,
    PRESENTATION: office.read_pptx,
    SPREADSHEET: office.read_xlsx,
    "text/html": html.read_html,
    "text/markdown": text.read_markdown,
    "text/csv": text.read_csv,
    "text/plain": text.read_text,
}
"""Readers by the detected media type."""

EXTENSIONS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".txt": "text/plain",
    ".text": "text/plain",
}
"""Media types by extension, for text files whose content is ambiguous."""
TEXT_TYPES = frozenset(EXTENSIONS.values())
MAX_WARNINGS = 50


class Compute(Protocol):
    """Calls a function in a child process with a timeout in seconds: `Run.cpu_within`."""

    def __call__(self, seconds: float, function: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


Report = Callable[[float], Awaitable[None]]
"""Receives the progress, from 0 to 1."""


async def extract_pages(
    compute: Compute,
    path: Path,
    mime_type: str,
    name: str = "",
    *,
    limits: Limits = Limits(),  # noqa: B008 # frozen
    report: Report | None = None,
) -> ExtractedText:
    """The text of a file. Raises `UnsupportedContent` or `Invalid`.

    Scanned pages are read by OCR, up to `limits.scanned_pages`; the warnings mention the rest.
    """
    try:
        extracted: ExtractedText = await compute(limits.seconds, extract, path, mime_type, name, limits)
    except TimeoutError:
        raise UnsupportedContent(f"Reading the file takes longer than {limits.seconds:g} seconds.") from None
    pages, warnings = list(extracted.pages), list(extracted.warnings)
    scanned = [index for index, page in enumerate(pages) if page.scanned]
    for done, index in enumerate(scanned[: limits.scanned_pages]):
        number = pages[index].number
        try:
            pages[index] = await compute(limits.seconds, pdf.ocr_page, path, number)
        except TimeoutError:
            warnings.append(f"OCR of page {number} takes too long.")
        if report is not None:
            await report((done + 1) / len(scanned))
    if left := len(scanned) - limits.scanned_pages:
        warnings += [f"{left} more scanned pages were not read."] if left > 0 else []
    if not any(page.text for page in pages):
        raise Invalid("No text was found in the file.")
    return replace(extracted, pages=tuple(pages), warnings=tuple(warnings))


def extract(path: Path, mime_type: str, name: str = "", limits: Limits = Limits()) -> ExtractedText:  # noqa: B008 # frozen
    """The text of a file without OCR; runs in a child process. Raises `UnsupportedContent` or `Invalid`."""
    if not path.stat().st_size:
        raise Invalid("The file is empty.")
    if mime_type in TEXT_TYPES:
        mime_type = EXTENSIONS.get(Path(name).suffix.lower(), mime_type)
    reader = READERS.get(mime_type)
    if reader is None:
        raise UnsupportedContent(
            "The file must be a PDF, Word, PowerPoint, Excel, HTML, Markdown, CSV or text file."
        )
    pages = enforce_limits(reader(path, limits), limits)
    if not any(page.text or page.scanned for page in pages):
        raise Invalid("No text was found in the file.")
    warnings = dict.fromkeys(warning for page in pages for warning in page.warnings)
    return ExtractedText(mime_type, pages, tuple(warnings)[:MAX_WARNINGS])
