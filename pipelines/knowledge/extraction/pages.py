"""Extracted pages and their headings, and the limits of extraction."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import UnsupportedContent

PAGE_BREAK = "\f"
"""Separates the pages of a document's text; no page contains it."""

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ufeff\ud800-\udfff]")
"""Characters that PostgreSQL cannot store or that are invisible."""
WORD_BREAK_HINTS = re.compile("[\u00ad\u200b\u2060]")
"""Soft hyphens and zero-width spaces, which divide words that are printed whole."""
ARABIC_PRESENTATION_FORMS = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")
LINE_ENDS = re.compile(r"[ \t\u00a0]*(?:\r\n?|\n|\u2028|\u2029|\x85)")
BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Limits:
    """Limits per file; `seconds` is the timeout of each call to a child process."""

    pages: int = 2_000
    characters: int = 10_000_000
    unpacked_bytes: int = 400 * 2**20
    scanned_pages: int = 100
    seconds: float = 300


@dataclass(frozen=True)
class Heading:
    """A heading from `start` to `end` in its page's text; level 1 is the highest."""

    start: int
    end: int
    level: int


@dataclass(frozen=True)
class Page:
    """A page, slide or sheet; `number` is None in formats without pages.

    A `scanned` page is an image without a text layer; `from_ocr` means that its text comes from OCR.
    `warnings` say what of it was not read.
    """

    number: int | None
    text: str
    headings: tuple[Heading, ...] = ()
    scanned: bool = False
    from_ocr: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExtractedText:
    """A file's pages in order, and warnings that say what was not read."""

    mime_type: str
    pages: tuple[Page, ...]
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The pages' texts joined by `PAGE_BREAK`."""
        return PAGE_BREAK.join(page.text for page in self.pages)


class PageBuilder:
    """Builds a page from blocks of text, headings, tables and warnings."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._warnings: list[str] = []

    def add(self, block: str, *, level: int | None = None, gap: str = "\n\n") -> None:
        """Add a block after `gap`; a block with a `level` is a heading."""
        block = clean(block)
        if not block:
            return
        if self._parts:
            self._parts.append(gap)
            self._length += len(gap)
        self._parts.append(block)
        if level is not None:
            self._headings.append(Heading(self._length, self._length + len(block), level))
        self._length += len(block)

    def add_lines(self, lines: Iterable[str]) -> None:
        """Add a block of lines, such as the rows of a table."""
        gap = "\n\n"
        for line in lines:
            if line.strip():
                self.add(line, gap=gap)
                gap = "\n"

    def add_page(self, page: Page) -> None:
        """Add a page's text with its headings and warnings."""
        start = self._length + (2 if self._parts else 0)
        self.add(page.text)
        self._headings += [
            Heading(start + heading.start, start + heading.end, heading.level) for heading in page.headings
        ]
        self._warnings += page.warnings

    def warn(self, warning: str) -> None:
        self._warnings.append(warning)

    def page(self, number: int | None = None) -> Page:
        warnings = tuple(dict.fromkeys(self._warnings))
        return Page(number, "".join(self._parts), tuple(self._headings), warnings=warnings)


def clean(text: str) -> str:
    """The text with normalized line ends and whole words, without control characters and outer white space.

    Arabic presentation forms become letters, as they are typed in a search.
    """
    text = WORD_BREAK_HINTS.sub("", LINE_ENDS.sub("\n", text.replace("\f", "\n")))
    text = ARABIC_PRESENTATION_FORMS.sub(lambda forms: unicodedata.normalize("NFKC", forms[0]), text)
    return BLANK_LINES.sub("\n\n", CONTROL_CHARACTERS.sub("", text)).strip()


def enforce_limits(pages: Iterable[Page], limits: Limits) -> tuple[Page, ...]:
    """The pages. Raises `UnsupportedContent` if there are too many pages or characters."""
    accepted: list[Page] = []
    characters = 0
    for page in pages:
        accepted.append(page)
        characters += len(page.text)
        check_page_count(len(accepted), limits)
        if characters > limits.characters:
            raise UnsupportedContent(
                f"The file must have at most {limits.characters:,} characters of text. Upload it in parts."
            )
    return tuple(accepted)


def check_page_count(count: int, limits: Limits) -> None:
    if count > limits.pages:
        raise UnsupportedContent(
            f"The file must have at most {limits.pages:,} pages (got {count:,}). Upload it in parts."
        )
