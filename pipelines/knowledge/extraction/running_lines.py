"""Running headers, footers and page numbers: lines that repeat at the edges of pages, or count the pages."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from pipelines.knowledge.extraction.reading_order import Line

EDGE_SHARE = 0.12
"""The share of the page's height, at its top and at its bottom, in which running lines stand."""
MAX_EDGE_ROWS = 3
MIN_GAP = 0.5
"""The least distance, in line heights, between running lines and the text."""
TOLERANCE = 4.0
"""Points by which the positions of a running line differ."""
MIN_PAGES = 3
MIN_NUMBERED_PAGES = 2
MAX_STEP = 2
"""Pages from one occurrence to the next: right and left pages may have lines of their own."""
NUMBER = re.compile(r"\d+")
PAGE_NUMBER = re.compile(
    r"[\W_]*(?:[^\W\d_]{1,12}\W{1,2})?\d{1,4}(?:\W{0,3}(?:[^\W\d_]{1,5}\W{1,2})?\d{1,4})?[\W_]*"
)
"""A line that is nothing but a page number, such as `- 3 -`, `Page 3 of 12` or `3/12`."""
MAX_REPORTED = 3
MAX_CHAINS = 20
"""Chains of one pattern that a line may continue."""
MAX_SCALE = 1.15
"""The height of a running line, in heights of the page's text; headings are higher."""


@dataclass(frozen=True)
class EdgeLine:
    """A line at the top or bottom of a page, by the indexes of the page and of the line."""

    page: int
    index: int
    line: Line
    pattern: str
    numbers: tuple[int, ...]


def remove_running_lines(
    pages: Sequence[Sequence[Line]], heights: Sequence[float]
) -> tuple[list[list[Line]], list[str]]:
    """The pages without running lines, and the distinct texts that were removed, without page numbers."""
    edges = [
        edge
        for number, (lines, height) in enumerate(zip(pages, heights, strict=True))
        for edge in _edge_lines(number, lines, height)
    ]
    edges.sort(key=lambda edge: (edge.pattern, edge.page))
    running: set[tuple[int, int]] = set()
    texts: dict[str, None] = {}
    for pattern, group in groupby(edges, key=lambda edge: edge.pattern):
        for chain in _chains(list(group)):
            if len(chain) >= (MIN_NUMBERED_PAGES if _counts_pages(chain) else MIN_PAGES):
                running.update((edge.page, edge.index) for edge in chain)
                if not PAGE_NUMBER.fullmatch(pattern.replace("#", "1")):
                    texts.setdefault(chain[0].line.text.strip())
    kept = [
        [line for index, line in enumerate(lines) if (number, index) not in running]
        for number, lines in enumerate(pages)
    ]
    return kept, list(texts)[:MAX_REPORTED]


def _edge_lines(page: int, lines: Sequence[Line], height: float) -> Iterator[EdgeLine]:
    """The lines at the page's edges that stand apart from its text."""
    body_height = median(line.height for line in lines) if lines else 0.0
    indexes: set[int] = set()
    for sign in (1, -1):
        rows = _rows(lines, sign)
        for position, row in enumerate(rows[:MAX_EDGE_ROWS]):
            first = lines[row[0]]
            if (first.bottom if sign > 0 else height - first.top) > EDGE_SHARE * height:
                break
            if _stands_apart(lines, rows, position, sign):
                indexes.update(index for near in rows[: position + 1] for index in near)
    for index in indexes:
        line = lines[index]
        if line.height <= MAX_SCALE * body_height:
            text = " ".join(line.text.split())
            numbers = tuple(int(number[:9]) for number in NUMBER.findall(text))
            yield EdgeLine(page, index, line, NUMBER.sub("#", text).casefold(), numbers)


def _rows(lines: Sequence[Line], sign: int) -> list[list[int]]:
    """The indexes of lines side by side, from the top with a `sign` of 1, else from the bottom."""
    rows: list[list[int]] = []
    for index in sorted(range(len(lines)), key=lambda index: sign * lines[index].top):
        if rows and abs(lines[rows[-1][0]].top - lines[index].top) < TOLERANCE / 2:
            rows[-1].append(index)
        else:
            rows.append([index])
    return rows


def _stands_apart(lines: Sequence[Line], rows: Sequence[Sequence[int]], position: int, sign: int) -> bool:
    """Whether there is space between a row and the next one towards the middle, or nothing more."""
    if position + 1 == len(rows):
        return True
    line, following = lines[rows[position][0]], lines[rows[position + 1][0]]
    gap = following.top - line.bottom if sign > 0 else line.top - following.bottom
    return gap > MIN_GAP * line.height


def _chains(edges: Sequence[EdgeLine]) -> list[list[EdgeLine]]:
    """Lines of one pattern on successive pages, at one position, whose numbers stay or count the pages."""
    chains: list[list[EdgeLine]] = []
    for edge in edges:
        chain = next((chain for chain in chains[-MAX_CHAINS:] if _continues(chain[-1], edge)), None)
        if chain is None:
            chains.append([edge])
        else:
            chain.append(edge)
    return chains


def _continues(before: EdgeLine, after: EdgeLine) -> bool:
    step = after.page - before.page
    near = abs(before.line.top - after.line.top) <= TOLERANCE
    return (
        0 < step <= MAX_STEP
        and near
        and all(new - old in (0, step) for old, new in zip(before.numbers, after.numbers, strict=True))
    )


def _counts_pages(chain: list[EdgeLine]) -> bool:
    """Whether a line is nothing but a page number that counts up."""
    first, last = chain[0], chain[-1]
    numbered = bool(first.numbers) and first.numbers[0] != last.numbers[0]
    return numbered and bool(PAGE_NUMBER.fullmatch(" ".join(first.line.text.split())))
