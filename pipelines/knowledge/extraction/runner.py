"""From a file to its text, in child processes: bounded in size and time, and killed when cancelled."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from core.errors import Invalid, UnsupportedContent
from pipelines.knowledge.extraction import html, office, pdf, text
from pipelines.knowledge.extraction.pages import ExtractedText, Limits, Page, enforce_limits

Reader = Callable[[Path, Limits], Iterator[Page]]

WORDPROCESSING = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PRESENTATION = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

READERS: dict[str, Reader] = {
    "application/pdf": pdf.read_pdf,
    WORDPROCESSING: office.read_docx,
    PRESENTATION: office.read_pptx,
    SPREADSHEET: office.read_xlsx,
    "text/html": html.read_html,
    "text/markdown": text.read_markdown,
    "text/csv": text.read_csv,
    "text/plain": text.read_text,
}
"""By the media type that the content has."""

EXTENSIONS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".txt": "text/plain",
    ".text": "text/plain",
}
"""What a name says of text, which its content can't say for certain."""
TEXT_TYPES = frozenset(EXTENSIONS.values())


class Compute(Protocol):
    """Calls a function in a child process, for so many seconds at most: `Run.cpu_within`."""

    def __call__(self, seconds: float, function: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


Report = Callable[[float], Awaitable[None]]
"""Is told how much is done, from 0 to 1."""


async def extract_pages(
    compute: Compute,
    path: Path,
    mime_type: str,
    name: str = "",
    *,
    limits: Limits = Limits(),  # noqa: B008 # frozen
    report: Report | None = None,
) -> ExtractedText:
    """The text of a file of this content. Raises `Unsupported` or `Invalid`, with a sentence for a person.

    Pages that are pictures are read one by one, as many as the limits allow; the notes tell of the others.
    """
    try:
        extracted: ExtractedText = await compute(limits.seconds, extract, path, mime_type, name, limits)
    except TimeoutError:
        raise UnsupportedContent(f"The file takes longer than {limits.seconds:g} seconds to read.") from None
    pages, notes = list(extracted.pages), list(extracted.notes)
    scanned = [index for index, page in enumerate(pages) if page.scanned]
    for done, index in enumerate(scanned[: limits.scanned_pages]):
        number = pages[index].number
        try:
            pages[index] = await compute(limits.seconds, pdf.ocr_page, path, number)
        except TimeoutError:
            notes.append(f"Page {number} is a picture that takes too long to read.")
        if report is not None:
            await report((done + 1) / len(scanned))
    if left := len(scanned) - limits.scanned_pages:
        notes += [f"{left} more pages are pictures and were not read."] if left > 0 else []
    if not any(page.text for page in pages):
        raise Invalid("No text was found in the file.")
    return replace(extracted, pages=tuple(pages), notes=tuple(notes))


def extract(path: Path, mime_type: str, name: str = "", limits: Limits = Limits()) -> ExtractedText:  # noqa: B008 # frozen
    """What text the file carries itself; runs in a child process. Raises `Unsupported` or `Invalid`."""
    if not path.stat().st_size:
        raise Invalid("The file is empty.")
    if mime_type in TEXT_TYPES:
        mime_type = EXTENSIONS.get(Path(name).suffix.lower(), mime_type)
    reader = READERS.get(mime_type)
    if reader is None:
        raise UnsupportedContent(
            "Text is read from PDF, Word, PowerPoint, Excel, HTML, Markdown, CSV and text files only."
        )
    pages = enforce_limits(reader(path, limits), limits)
    if not any(page.text or page.scanned for page in pages):
        raise Invalid("No text was found in the file.")
    return ExtractedText(mime_type, pages)
