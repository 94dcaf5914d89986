"""Text diff: words that are removed from or added to a sheet."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from pipelines.drawings.page_words import Word


@dataclass(frozen=True, slots=True)
class WordChanges:
    """Removed and added words, in the new sheet's pixels.

    `shifted` are words that both sheets have at slightly different positions or widths, with their old and
    new boxes.
    """

    removed: tuple[Word, ...] = ()
    added: tuple[Word, ...] = ()
    shifted: tuple[Word, ...] = ()


def diff(old: Iterable[Word], new: Iterable[Word], tolerance: float) -> WordChanges:
    """Words without a match of equal text nearby; both in the same pixels.

    Matches are found nearest first, within `tolerance` pixels, or half the text height across the line and
    1.25 times along it. Text that is only split into words differently is not a difference.
    """
    before, after = list(old), list(new)
    partners = match_words(before, after, tolerance)
    matched = set(partners.values())
    removed = [word for index, word in enumerate(before) if index not in partners]
    added = [word for index, word in enumerate(after) if index not in matched]
    resegmented = [
        pair for pair in overlapping_groups(removed, added) if joined_text(pair[0]) == joined_text(pair[1])
    ]
    cut_old, cut_new = ({word for pair in resegmented for word in pair[side]} for side in (0, 1))
    shifted = [
        word
        for index, other in sorted(partners.items())
        for word in (before[index], after[other])
        if is_displaced(before[index], after[other])
    ]
    return WordChanges(
        tuple(sort_reading_order([word for word in removed if word not in cut_old])),
        tuple(sort_reading_order([word for word in added if word not in cut_new])),
        tuple(shifted),
    )


def match_words(old: Sequence[Word], new: Sequence[Word], tolerance: float) -> dict[int, int]:
    """Index of the matching new word by index of the old word."""
    positions: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for x, index in sorted((word.centre[0], index) for index, word in enumerate(new)):
        positions[new[index].text].append((x, index))
    pairs = []
    for index, word in enumerate(old):
        equal, x = positions.get(word.text, []), word.centre[0]
        reach = max(tolerance, 1.25 * word.text_height)
        within = equal[bisect_left(equal, (x - reach, 0)) : bisect_right(equal, (x + reach, len(new)))]
        pairs += [
            (math.dist(word.centre, new[other].centre), index, other)
            for _, other in within
            if is_near(word, new[other], tolerance)
        ]
    partners: dict[int, int] = {}
    matched: set[int] = set()
    for _, index, other in sorted(pairs):
        if index not in partners and other not in matched:
            partners[index] = other
            matched.add(other)
    return partners


def diff_by_text(old: Iterable[Word], new: Iterable[Word]) -> WordChanges:
    """Words that the other sheet has less often, regardless of position."""
    before, after = list(old), list(new)
    return WordChanges(tuple(surplus_words(before, after)), tuple(surplus_words(after, before)))


def surplus_words(words: Sequence[Word], others: Sequence[Word]) -> Iterator[Word]:
    remaining = Counter(word.text for word in others)
    for word in sort_reading_order(words):
        remaining[word.text] -= 1
        if remaining[word.text] < 0:
            yield word


def is_near(one: Word, other: Word, tolerance: float) -> bool:
    """Whether two equal words are close enough to match."""
    across, along = abs(one.centre[0] - other.centre[0]), abs(one.centre[1] - other.centre[1])
    if one.angle % 180 == 0:
        across, along = along, across
    size = min(one.text_height, other.text_height)
    return across <= max(tolerance, 0.5 * size) and along <= max(tolerance, 1.25 * size)


def is_displaced(one: Word, other: Word, tolerance: float = 2.0) -> bool:
    """Whether the boxes of a word on both sheets differ by more than `tolerance` pixels on any side."""
    return bool(np.abs(word_edges([one]) - word_edges([other])).max() > tolerance)


def overlapping_groups(old: Sequence[Word], new: Sequence[Word]) -> list[tuple[list[Word], list[Word]]]:
    """Groups of overlapping old and new words; a single word is a group."""
    if not old or not new:
        return [([word], []) for word in old] + [([], [word]) for word in new]
    one, other = word_edges(old), word_edges(new)
    parents = list(range(len(old) + len(new)))
    for index, box in enumerate(one):
        overlaps = (box[:2] < other[:, 2:]).all(axis=1) & (other[:, :2] < box[2:]).all(axis=1)
        for partner in np.flatnonzero(overlaps).tolist():
            parents[find_root(parents, index)] = find_root(parents, len(old) + partner)
    members: dict[int, tuple[list[Word], list[Word]]] = {}
    for index, word in enumerate((*old, *new)):
        group = members.setdefault(find_root(parents, index), ([], []))
        group[0 if index < len(old) else 1].append(word)
    return list(members.values())


def find_root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def word_edges(words: Sequence[Word]) -> npt.NDArray[np.float64]:
    """Left, top, right and bottom of each word."""
    rows = [(word.x, word.y, word.x + word.width, word.y + word.height) for word in words]
    return np.array(rows, np.float64).reshape(-1, 4)


def joined_text(words: Sequence[Word]) -> str:
    return "".join(word.text for word in sort_reading_order(words))


def sort_reading_order(words: Sequence[Word]) -> list[Word]:
    """Words in reading order: by direction, then line by line."""
    result: list[Word] = []
    for angle in sorted({word.angle for word in words}):
        rotated = [word for word in words if word.angle == angle]
        tolerance = 0.7 * median(word.text_height for word in rotated)
        lines: list[list[Word]] = []
        for word in sorted(rotated, key=baseline_position):
            if not lines or baseline_position(word) - baseline_position(lines[-1][0]) > tolerance:
                lines.append([])
            lines[-1].append(word)
        result += [word for line in lines for word in sorted(line, key=line_position)]
    return result


def baseline_position(word: Word) -> float:
    """Position of its baseline, in its reading direction."""
    return {0: word.y + word.height, 90: -word.x, 180: -word.y, 270: word.x + word.width}[word.angle]


def line_position(word: Word) -> float:
    """Position of its start along the line, in its reading direction."""
    return {0: word.x, 90: word.y, 180: -word.x - word.width, 270: -word.y - word.height}[word.angle]
