"""Pages of text in a report: the index of sheets and the list of a sheet's changes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from pipelines.drawings.reports.content import ReportChange, ReportContent, ReportSheet, SheetResult
from pipelines.drawings.reports.tables import about_rows

MARGIN = 15 * mm
TEXT_COLOUR, LINE_COLOUR, HEAD_COLOUR = HexColor("#22303c"), HexColor("#cbd5d1"), HexColor("#e8eeec")
LOW_COLOUR = HexColor("#fff1c9")
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=8, leading=10, textColor=TEXT_COLOUR)
HEAD = ParagraphStyle("head", parent=BODY, fontName="Helvetica-Bold")
TITLE = ParagraphStyle("title", parent=HEAD, fontSize=16, leading=20, spaceAfter=6)
UNSUPPORTED_CHARACTERS = re.compile(
    "[^\x20-\x7e\u00a0-\u00ff\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac\n]"
)
"""Characters that the built-in PDF fonts lack."""
SUBSTITUTE = "?"
SPELLINGS = str.maketrans({"\u2192": "->", "\u2300": "\u00d8", "\u2264": "<=", "\u2265": ">="})
"""How common signs of drawings are printed that the fonts lack."""
FONT_NOTE = (
    "Characters that the font of these pages lacks are printed as ?. The comments of the clouds, and the "
    "reports as CSV, XLSX and BCF, hold all of them."
)
MAX_WORDS_LENGTH = 600
"""Words of a change or sheet that are printed; the other formats hold all of them."""
INDEX_WIDTHS = [26 * mm, 27 * mm, 16 * mm, 16 * mm, 14 * mm, 14 * mm, 14 * mm, 53 * mm]
LIST_WIDTHS = [9 * mm, 20 * mm, 34 * mm, 34 * mm, 30 * mm, 28 * mm, 25 * mm]


def write_index(content: ReportContent, pages: Mapping[str, int], target: Path) -> Path:
    """Write the title and the index of sheets. `pages` are the sheets' pages in the report, by name."""
    rows: list[list[Flowable]] = [
        cells(HEAD, "Sheet", "Result", "Changes", "Share", "Old page", "New page", "Page", "Remark")
    ]
    rows += [index_row(sheet, pages.get(sheet.name) if sheet.changes else None) for sheet in content.sheets]
    marked = [
        ("BACKGROUND", (0, number), (-1, number), LOW_COLOUR)
        for number, sheet in enumerate(content.sheets, 1)
        if sheet.result in (SheetResult.LOW, SheetResult.FAILED)
    ]
    story: list[Flowable] = [Paragraph(printable("Comparison report"), TITLE)]
    story += [Paragraph(f"<b>{name}:</b> {printable(value)}", BODY) for name, value in about_rows(content)]
    story += [Spacer(1, 4 * mm), Paragraph(printable(totals(content)), BODY), Spacer(1, 4 * mm)]
    story.append(table(rows, INDEX_WIDTHS, marked))
    texts = (*(text for row in about_rows(content) for text in row), *map(sheet_texts, content.sheets))
    return build(story, target, has_substitutes=any(map(lacks_characters, texts)))


def totals(content: ReportContent) -> str:
    """How many sheets there are of each result."""
    counts = dict.fromkeys(SheetResult, 0)
    for sheet in content.sheets:
        counts[sheet.result] += 1
    changes = sum(len(sheet.changes) for sheet in content.sheets)
    named = ", ".join(f"{count} {result.value}" for result, count in counts.items() if count)
    return f"{len(content.sheets)} sheets: {named or 'none'}. {changes} changes."


def index_row(sheet: ReportSheet, page: int | None) -> list[Flowable]:
    """The cells of a sheet in the index."""
    changes, ratio = (str(len(sheet.changes)) if sheet.is_compared else "-"), sheet.change_ratio
    share = "-" if ratio is None else f"{ratio:.1%}"
    numbers = ["-" if number is None else str(number) for number in (sheet.old_page, sheet.new_page, page)]
    remark = sheet.reason or ""
    if not sheet.changes and (sheet.words_removed or sheet.words_added):
        remark = f"{remark} Words before: {words(sheet.words_removed)}. After: {words(sheet.words_added)}."
    return cells(BODY, sheet.name, sheet.result.value, changes, share, *numbers, remark.strip())


def write_changes(sheet: ReportSheet, target: Path) -> Path:
    """Write the list of a sheet's changes."""
    heading = f"{sheet.name}: {len(sheet.changes)} changes"
    rows: list[list[Flowable]] = [
        cells(HEAD, "No.", "Kind", "Before", "After", "Place", "Size", "Decision"),
        *(change_row(change) for change in (*sheet.changes, *sheet.vanished)),
    ]
    story: list[Flowable] = [Paragraph(printable(heading), TITLE)]
    notes = [sheet.reason, f"Scale {sheet.scale}" if sheet.scale else None]
    story += [Paragraph(printable(note), BODY) for note in notes if note]
    story += [Spacer(1, 3 * mm), table(rows, LIST_WIDTHS, [])]
    return build(story, target, has_substitutes=UNSUPPORTED_CHARACTERS.search(sheet_texts(sheet)) is not None)


def change_row(change: ReportChange) -> list[Flowable]:
    """The cells of a change."""
    before, after = words(change.words_removed), words(change.words_added)
    decision = change.decision.name + (f": {change.note}" if change.note else "")
    place = change.location if change.number else f"{change.location} (not found again)"
    return cells(
        *(BODY, str(change.number or "-"), change.label, before, after, place),
        *(change.size_text, decision),
    )


def sheet_texts(sheet: ReportSheet) -> str:
    """All that is printed of a sheet."""
    of_changes = [
        text
        for change in (*sheet.changes, *sheet.vanished)
        for text in (*change.words_removed, *change.words_added, change.location, change.note or "")
    ]
    own = (sheet.name, sheet.reason or "", sheet.scale or "", *sheet.words_removed, *sheet.words_added)
    return " ".join((*own, *of_changes))


def words(texts: Sequence[str]) -> str:
    """Words in a cell."""
    text = " | ".join(texts)
    return text if len(text) <= MAX_WORDS_LENGTH else f"{text[:MAX_WORDS_LENGTH]}…"


def lacks_characters(text: str) -> bool:
    """Whether the fonts lack a character of a text."""
    return UNSUPPORTED_CHARACTERS.search(text.translate(SPELLINGS)) is not None


def printable(text: str) -> str:
    """A text as markup of paragraphs, in characters that the fonts have."""
    return escape(UNSUPPORTED_CHARACTERS.sub(SUBSTITUTE, text.translate(SPELLINGS)))


def cells(style: ParagraphStyle, *texts: str) -> list[Flowable]:
    """The cells of a row. Long words are broken."""
    wrapping = ParagraphStyle(style.name, parent=style, splitLongWords=1, wordWrap="CJK")
    return [Paragraph(printable(text), wrapping if has_long_word(text) else style) for text in texts]


def has_long_word(text: str) -> bool:
    """Whether a word may be wider than its column."""
    return any(len(word) > 10 for word in text.split())


def table(rows: list[list[Flowable]], widths: list[float], styles: Sequence[tuple[object, ...]]) -> Table:
    """A table with a heading on each page."""
    common = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE_COLOUR),
        ("BACKGROUND", (0, 0), (-1, 0), HEAD_COLOUR),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
    return Table(rows, colWidths=widths, repeatRows=1, style=[*common, *styles], splitInRow=1)


def build(story: list[Flowable], target: Path, *, has_substitutes: bool) -> Path:
    """Write the pages, with a note if characters are missing."""
    if has_substitutes:
        story += [Spacer(1, 3 * mm), Paragraph(FONT_NOTE, BODY)]
    margins = {f"{side}Margin": MARGIN for side in ("left", "right", "top", "bottom")}
    SimpleDocTemplate(str(target), pagesize=A4, **margins).build(story)
    return target
