"""Reading order of a page: columns, paragraphs and headings."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pipelines.knowledge.extraction.pages import Page, PageBuilder

MIN_GUTTER_WIDTH = 6.0
"""Points between two columns."""
MAX_CROSSING_SHARE = 0.1
"""The share of lines that may cross a gutter, such as headings over all columns."""
MIN_COLUMN_SHARE = 0.15
"""The least share of the page's lines in each column."""
MIN_LINE_FILL = 0.5
"""The share of the column's width that its median line fills; columns of tables have less."""
MIN_COLUMN_LINES = 12
"""Pages with fewer lines have no columns."""
STEP = 2.0
PARAGRAPH_GAP = 1.45
"""The distance between lines, in normal line distances, at which a paragraph begins."""
INDENT, SHORT_LINE = 0.6, 0.85
"""Indentation in line heights, and the share of the column's width below which a line ends early."""
HEADING_SCALE = 1.15
"""The least height of a heading, in heights of the body text."""
MAX_HEADING_LENGTH = 150


@dataclass(frozen=True)
class Line:
    """A line of text in points, the origin at the upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left


def compose_page(lines: Sequence[Line], number: int) -> Page:
    """The page of these lines: columns in reading order, hyphenation removed, paragraphs and headings.

    Without columns, the lines keep their order.
    """
    builder = PageBuilder()
    body_height = median([line.height for line in lines for _ in line.text]) if lines else 0.0
    for column in order_columns(lines):
        for paragraph in split_paragraphs(column):
            text = join_lines(paragraph)
            level = 1 if is_heading(paragraph, body_height) and len(text) <= MAX_HEADING_LENGTH else None
            builder.add(text, level=level)
    return builder.page(number)


def is_heading(paragraph: Sequence[Line], body_height: float) -> bool:
    """Whether all lines are words larger than the body text. Vertical text is no heading."""
    return all(
        line.height > HEADING_SCALE * body_height
        and line.width > line.height
        and any(map(str.isalpha, line.text))
        for line in paragraph
    )


def order_columns(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines by columns, left to right, in bands between the lines that cross the columns."""
    gutters = find_gutters(lines)
    if not gutters:
        return [list(lines)]
    columns: list[list[list[Line]]] = [[[] for _ in range(len(gutters) + 1)]]
    order: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (round(line.top / STEP), line.left)):
        crossed = [left for left, right in gutters if line.left < left and line.right > right]
        if crossed:
            order += [*(column for column in columns.pop() if column), [line]]
            columns.append([[] for _ in range(len(gutters) + 1)])
        else:
            columns[-1][sum(line.left >= left for left, _ in gutters)].append(line)
    return [*order, *(column for column in columns.pop() if column)]


def find_gutters(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """The gutters between columns of prose, left to right; empty for tables and single columns."""
    if len(lines) < MIN_COLUMN_LINES:
        return []
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    allowed = MAX_CROSSING_SHARE * len(lines)
    strips: list[tuple[float, float]] = []
    position, gap_start = left, left
    while position <= right:
        covering = sum(line.left < position + STEP and line.right > position for line in lines)
        if covering > allowed:
            if position - gap_start >= MIN_GUTTER_WIDTH and gap_start > left:
                strips.append((gap_start, position))
            gap_start = position + STEP
        position += STEP
    return strips if strips and all(map(is_prose, split_columns(lines, strips, left, right))) else []


@dataclass(frozen=True)
class Column:
    """A column's width in points, its lines, and how many lines the page has."""

    width: float
    lines: list[Line]
    of: int


def split_columns(
    lines: Sequence[Line], strips: Sequence[tuple[float, float]], left: float, right: float
) -> list[Column]:
    """The columns between the gutters, without the lines that cross them."""
    lefts = [left, *(end for _, end in strips)]
    rights = [*(start for start, _ in strips), right]
    return [
        Column(
            end - start,
            [line for line in lines if line.left >= start - STEP and line.right <= end + STEP],
            len(lines),
        )
        for start, end in zip(lefts, rights, strict=True)
    ]


def is_prose(column: Column) -> bool:
    """Whether a column holds enough prose."""
    if len(column.lines) < MIN_COLUMN_SHARE * column.of:
        return False
    return median(line.width for line in column.lines) >= MIN_LINE_FILL * column.width


def split_paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines grouped into paragraphs at wide gaps, size changes, indents and ends of sentences."""
    if not lines:
        return []
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    steps = [after.top - line.top for line, after in pairwise(lines)]
    line_step = median(step for step in steps if step > 0) if any(step > 0 for step in steps) else 0.0
    groups = [[lines[0]]]
    for line, after in pairwise(lines):
        step = after.top - line.top
        distant = step > PARAGRAPH_GAP * max(line_step, line.height) or step < -line.height
        resized = not 1 / HEADING_SCALE < after.height / max(line.height, 0.1) < HEADING_SCALE
        indented = after.left - left > INDENT * after.height and line.left - left < 0.5 * line.height
        ended = line.text.rstrip()[-1:] in '.!?:\u201d"' and line.right - left < SHORT_LINE * (right - left)
        if distant or resized or indented or ended:
            groups.append([after])
        else:
            groups[-1].append(after)
    return groups


def join_lines(lines: Sequence[Line]) -> str:
    """A paragraph's lines as one, with hyphenated words joined."""
    text = ""
    for line in lines:
        part = line.text.strip()
        if text.endswith("\u00ad"):
            text = text[:-1] + ("" if text[-2:-1].islower() and part[:1].islower() else "-") + part
        else:
            text += (" " if text and not (text[-1] == "-" and text[-2:-1].isalpha()) else "") + part
    return text.replace("\u00ad", "")
