"""How the words of two sheets differ."""

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
    """The words of the old sheet that are gone and those that came, in the new sheet's pixels.

    `shifted` are words that both sheets have at nearly the same place, with their old and new boxes: text
    that was set anew, in another width or a little aside.
    """

    removed: tuple[Word, ...] = ()
    added: tuple[Word, ...] = ()
    shifted: tuple[Word, ...] = ()


def diff(old: Iterable[Word], new: Iterable[Word], tolerance: float) -> WordChanges:
    """Words without a partner of equal text nearby. Both in one sheet's pixels.

    Partners are found nearest first. They may be `tolerance` pixels apart, or half the letters' height across
    the line and one and a quarter along it. What is left and says the same in the same place, only cut into
    words differently, is no difference.
    """
    before, after = list(old), list(new)
    partners = match_words(before, after, tolerance)
    matched = set(partners.values())
    removed = [each for index, each in enumerate(before) if index not in partners]
    added = [each for index, each in enumerate(after) if index not in matched]
    resegmented = [pair for pair in overlapping_groups(removed, added) if joined_text(pair[0]) == joined_text(pair[1])]
    cut_old, cut_new = ({each for pair in resegmented for each in pair[side]} for side in (0, 1))
    shifted = [
        each
        for index, other in sorted(partners.items())
        for each in (before[index], after[other])
        if is_displaced(before[index], after[other])
    ]
    return WordChanges(
        tuple(sort_reading_order([each for each in removed if each not in cut_old])),
        tuple(sort_reading_order([each for each in added if each not in cut_new])),
        tuple(shifted),
    )


def match_words(old: Sequence[Word], new: Sequence[Word], tolerance: float) -> dict[int, int]:
    """Which word of the new sheet each word of the old one is, by index."""
    positions: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for x, index in sorted((each.centre[0], index) for index, each in enumerate(new)):
        positions[new[index].text].append((x, index))
    pairs = []
    for index, each in enumerate(old):
        equal, x = positions.get(each.text, []), each.centre[0]
        reach = max(tolerance, 1.25 * each.text_height)
        within = equal[bisect_left(equal, (x - reach, 0)) : bisect_right(equal, (x + reach, len(new)))]
        pairs += [
            (math.dist(each.centre, new[other].centre), index, other)
            for _, other in within
            if is_near(each, new[other], tolerance)
        ]
    partners: dict[int, int] = {}
    matched: set[int] = set()
    for _, index, other in sorted(pairs):
        if index not in partners and other not in matched:
            partners[index] = other
            matched.add(other)
    return partners


def diff_by_text(old: Iterable[Word], new: Iterable[Word]) -> WordChanges:
    """The words that the other sheet does not have, or not as often, wherever they stand."""
    before, after = list(old), list(new)
    return WordChanges(tuple(surplus_words(before, after)), tuple(surplus_words(after, before)))


def surplus_words(words: Sequence[Word], others: Sequence[Word]) -> Iterator[Word]:
    remaining = Counter(each.text for each in others)
    for each in sort_reading_order(words):
        remaining[each.text] -= 1
        if remaining[each.text] < 0:
            yield each


def is_near(one: Word, other: Word, tolerance: float) -> bool:
    """Whether two equal words are close enough to be one."""
    across, along = abs(one.centre[0] - other.centre[0]), abs(one.centre[1] - other.centre[1])
    if one.angle % 180 == 0:
        across, along = along, across
    size = min(one.text_height, other.text_height)
    return across <= max(tolerance, 0.5 * size) and along <= max(tolerance, 1.25 * size)


def is_displaced(one: Word, other: Word, tolerance: float = 2.0) -> bool:
    """Whether the boxes of a word on both sheets differ by more than `slack` pixels on any side."""
    return bool(np.abs(word_edges([one]) - word_edges([other])).max() > tolerance)


def overlapping_groups(old: Sequence[Word], new: Sequence[Word]) -> list[tuple[list[Word], list[Word]]]:
    """Old and new words in groups that overlap one another; a word alone is a group too."""
    if not old or not new:
        return [([each], []) for each in old] + [([], [each]) for each in new]
    one, other = word_edges(old), word_edges(new)
    parents = list(range(len(old) + len(new)))
    for index, box in enumerate(one):
        overlaps = (box[:2] < other[:, 2:]).all(axis=1) & (other[:, :2] < box[2:]).all(axis=1)
        for partner in np.flatnonzero(overlaps).tolist():
            parents[find_root(parents, index)] = find_root(parents, len(old) + partner)
    members: dict[int, tuple[list[Word], list[Word]]] = {}
    for index, each in enumerate((*old, *new)):
        group = members.setdefault(find_root(parents, index), ([], []))
        group[0 if index < len(old) else 1].append(each)
    return list(members.values())


def find_root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def word_edges(words: Sequence[Word]) -> npt.NDArray[np.float64]:
    """Left, top, right, bottom of each."""
    rows = [(each.x, each.y, each.x + each.width, each.y + each.height) for each in words]
    return np.array(rows, np.float64).reshape(-1, 4)


def joined_text(words: Sequence[Word]) -> str:
    return "".join(each.text for each in sort_reading_order(words))


def sort_reading_order(words: Sequence[Word]) -> list[Word]:
    """Line by line, each in the direction that it reads in; words of one direction together."""
    result: list[Word] = []
    for angle in sorted({each.angle for each in words}):
        rotated = [each for each in words if each.angle == angle]
        tolerance = 0.7 * median(each.text_height for each in rotated)
        lines: list[list[Word]] = []
        for each in sorted(rotated, key=baseline_position):
            if not lines or baseline_position(each) - baseline_position(lines[-1][0]) > tolerance:
                lines.append([])
            lines[-1].append(each)
        result += [each for line in lines for each in sorted(line, key=line_position)]
    return result


def baseline_position(word: Word) -> float:
    """How far down its lower edge is, for one who reads it."""
    return {0: word.y + word.height, 90: -word.x, 180: -word.y, 270: word.x + word.width}[word.angle]


def line_position(word: Word) -> float:
    """How far along its line it begins, for one who reads it."""
    return {0: word.x, 90: word.y, 180: -word.x - word.width, 270: -word.y - word.height}[word.angle]
