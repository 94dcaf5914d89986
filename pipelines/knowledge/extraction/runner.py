"""Extraction of a file's text in child processes, with limits on size and time."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from core.errors import Invalid, UnsupportedContent
from core.file_types import HEAD_BYTES, detect_type
from pipelines.knowledge.extraction import (
    emails,
    epub,
    html,
    opendocument,
    pdf,
    presentations,
    rtf,
    structured,
    text,
    word,
    workbooks,
)
from pipelines.knowledge.extraction.pages import ExtractedText, Limits, Page, enforce_limits

Reader = Callable[[Path, Limits], Iterator[Page]]

WORDPROCESSING = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PRESENTATION = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

RTF = "application/rtf"
EPUB = "application/epub+zip"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
EMAIL = "message/rfc822"
JSON = "application/json"
XML = "application/xml"


def read_eml(path: Path, limits: Limits) -> Iterator[Page]:
    """An e-mail with its attachments as one page."""
    return emails.EmailReader(limits, read_attachment).read(path)


def read_attachment(path: Path, name: str, limits: Limits) -> list[Page]:
    """The pages of a file of any type but e-mails. Raises `DomainError`."""
    with path.open("rb") as file:
        kind = detect_type(file.read(HEAD_BYTES), name)
    reader = READERS.get(kind.mime_type)
    if reader is None or reader is read_eml:
        raise UnsupportedContent(f"Text is not read from {kind.description}.")
    return list(enforce_limits(reader(path, limits), limits))


READERS: dict[str, Reader] = {
    "application/pdf": pdf.read_pdf,
    WORDPROCESSING: word.read_docx,
    PRESENTATION: presentations.read_pptx,
    SPREADSHEET: workbooks.read_xlsx,
    f"{OPEN_DOCUMENT}.text": opendocument.read_odt,
    f"{OPEN_DOCUMENT}.spreadsheet": opendocument.read_ods,
    f"{OPEN_DOCUMENT}.presentation": opendocument.read_odp,
    RTF: rtf.read_rtf,
    EPUB: epub.read_epub,
    EMAIL: read_eml,
    JSON: structured.read_json,
    XML: structured.read_xml,
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
"""Warnings of a document; the last one counts the others."""
MAX_REASONS = 3
"""Warnings that explain why no text was found."""


class Compute(Protocol):
    """Calls a function in a child process with a timeout in seconds: `Run.cpu_within`."""

    def __call__(self, seconds: float, function: Callable[..., Any], /, *args: Any) -> Awaitable[Any]: ...


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
    return replace(extracted, pages=tuple(pages), warnings=limit_warnings(warnings))


def limit_warnings(warnings: Sequence[str]) -> tuple[str, ...]:
    """At most `MAX_WARNINGS`, the last of which says how many more there are."""
    if len(warnings) <= MAX_WARNINGS:
        return tuple(warnings)
    kept = MAX_WARNINGS - 1
    return (*warnings[:kept], f"{len(warnings) - kept:,} more warnings are not listed.")


def extract(path: Path, mime_type: str, name: str = "", limits: Limits = Limits()) -> ExtractedText:  # noqa: B008 # frozen
    """The text of a file without OCR; runs in a child process. Raises `UnsupportedContent` or `Invalid`."""
    if not path.stat().st_size:
        raise Invalid("The file is empty.")
    if mime_type in TEXT_TYPES:
        mime_type = EXTENSIONS.get(Path(name).suffix.lower(), mime_type)
    reader = READERS.get(mime_type)
    if reader is None:
        raise UnsupportedContent(
            "The file must be a PDF, Word, PowerPoint, Excel, OpenDocument, RTF, EPUB, e-mail, HTML, "
            "Markdown, CSV, JSON, XML or text file."
        )
    pages = enforce_limits(reader(path, limits), limits)
    warnings = dict.fromkeys(warning for page in pages for warning in page.warnings)
    if not any(page.text or page.scanned for page in pages):
        raise Invalid(" ".join(("No text was found in the file.", *list(warnings)[:MAX_REASONS])))
    return ExtractedText(mime_type, pages, tuple(warnings))
