"""Matching the sheets of two drawing sets by number and content, and the reasons of the matches."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.special import expit

from core.sheet_pairs import PairReason
from pipelines.drawings.sheet_similarity import LOOKALIKES, Similarity

Matrix = npt.NDArray[np.float64]

LAYOUT_WEIGHT, WORDS_WEIGHT, BIAS = 10.0, 20.0, -16.5
LAYOUT_ALONE_WEIGHT, LAYOUT_ALONE_BIAS = 20.0, -17.0
"""Log odds that two sheets are revisions of each other, by their similarities."""

MIN_EVIDENCE, MAX_EVIDENCE = -4.0, 10.0
"""Lowest and highest log odds that content can give: a sheet may be redrawn, but hardly copied by chance."""

SAME_NUMBER, OTHER_NUMBER = 5.0, -2.0
"""Log odds of equal and of different numbers."""

MIN_CONFIDENCE = 0.6
"""Pairs that are less probable, also because another sheet is nearly as like, are not made."""

MIN_ALIKE = 0.02
"""Sheets of one number whose contents are a pair with less probability have to be checked by a person."""

MIN_PART_SHARE, MAX_WHOLE_SHARE = 0.7, 0.75
"""A sheet is a part of another one with at least this share of its words there, if the other sheet's partner
has at most this share of the other sheet's words.
"""

POSITION_CONFIDENCE = 0.5

MAX_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class SheetKey:
    """A page number (from 1) and the sheet's name; `has_name` is False if that is the page number."""

    page: int
    name: str
    has_name: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """Why a pair is made, and how probable it is; None without content to judge by."""

    reason: PairReason
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class SheetPairs:
    """Pairs in the order of the new set, and the unmatched sheets in the order of their own set.

    `matches` are the reasons of the pairs. `old_reasons` and `new_reasons` say of unmatched pages why they
    stand alone, `old_candidates` and `new_candidates` which pages of the other set they are most like.
    """

    pairs: tuple[tuple[SheetKey, SheetKey], ...]
    only_in_old: tuple[SheetKey, ...]
    only_in_new: tuple[SheetKey, ...]
    matches: tuple[Match, ...] = ()
    old_reasons: dict[int, PairReason] = field(default_factory=dict)
    new_reasons: dict[int, PairReason] = field(default_factory=dict)
    old_candidates: dict[int, tuple[SheetKey, ...]] = field(default_factory=dict)
    new_candidates: dict[int, tuple[SheetKey, ...]] = field(default_factory=dict)


def match_sheets(
    old: Sequence[SheetKey], new: Sequence[SheetKey], similarity: Similarity | None = None
) -> SheetPairs:
    """Match by sheet name and content; where neither is to be had, by page number.

    `similarity` has a row per old sheet and a column per new sheet, in their order. Without it, repeated
    names are matched in page order, and sheets are matched by page number where a name is missing.
    """
    before, after = sorted(old, key=lambda key: key.page), sorted(new, key=lambda key: key.page)
    if similarity is None:
        partners = match_names(before, after)
        matches = dict.fromkeys(partners, Match(PairReason.NUMBER))
        by_page = match_pages(before, after, partners)
        matches |= dict.fromkeys(by_page, Match(PairReason.POSITION, POSITION_CONFIDENCE))
        return collect(before, after, partners | by_page, matches)
    rows = [old.index(key) for key in before]
    columns = [new.index(key) for key in after]
    return match_contents(before, after, select(similarity, rows, columns))


def select(similarity: Similarity, rows: Sequence[int], columns: Sequence[int]) -> Similarity:
    """The similarities of these rows and columns, in this order."""
    part = np.ix_(np.array(rows, int), np.array(columns, int))
    return Similarity(
        similarity.layout[part],
        similarity.words[part],
        similarity.has_words[part],
        similarity.has_content[part],
        similarity.old_in_new[part],
        similarity.new_in_old[part],
    )


def match_contents(old: Sequence[SheetKey], new: Sequence[SheetKey], similarity: Similarity) -> SheetPairs:
    """The assignment of sheets with the highest total log odds, without doubtful pairs."""
    evidence = content_evidence(similarity)
    scores = evidence + number_evidence(old, new)
    confidence = pair_confidence(scores)
    # among equally good assignments, the one in the order of the sets
    order = -1e-6 * np.abs(np.arange(len(old))[:, None] - np.arange(len(new)))
    rows, columns = linear_sum_assignment(np.maximum(scores, 0) + order * (scores > 0), maximize=True)
    partners: dict[int, SheetKey] = {}
    matches: dict[int, Match] = {}
    assigned: dict[int, int] = {}
    uncertain: set[tuple[int, int]] = set()
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if scores[row, column] <= 0:
            continue
        if confidence[row, column] < MIN_CONFIDENCE:
            uncertain.add((row, column))
            continue
        assigned[column] = row
        partners[new[column].page] = old[row]
        reason = pair_reason(old, new, row, column, evidence)
        matches[new[column].page] = Match(reason, round(float(confidence[row, column]), 3))
    mark_moved_sheets(old, new, assigned, matches)
    merged, split = find_parts(similarity, assigned)
    partner = {row: column for column, row in assigned.items()}
    for column, reason in [(partner[row], PairReason.SPLIT) for row in split.values()] + [
        (column, PairReason.MERGED) for column in merged.values()
    ]:
        matches[new[column].page] = Match(reason, matches[new[column].page].confidence)
    by_position = match_by_position(old, new, assigned, similarity, uncertain)
    for column, row in by_position.items():
        partners[new[column].page] = old[row]
        matches[new[column].page] = Match(PairReason.POSITION, POSITION_CONFIDENCE)
    pairs = collect(old, new, partners, matches)
    paired = assigned | by_position
    explain_unmatched(pairs, old, new, paired, scores, uncertain)
    pairs.old_reasons.update(
        (old[row].page, PairReason.MERGED) for row in merged if row not in paired.values()
    )
    pairs.new_reasons.update((new[column].page, PairReason.SPLIT) for column in split if column not in paired)
    return pairs


def content_evidence(similarity: Similarity) -> Matrix:
    """Log odds by content; 0 where a sheet has none."""
    both = LAYOUT_WEIGHT * similarity.layout + WORDS_WEIGHT * similarity.words + BIAS
    alone = LAYOUT_ALONE_WEIGHT * similarity.layout + LAYOUT_ALONE_BIAS
    odds = np.clip(np.where(similarity.has_words, both, alone), MIN_EVIDENCE, MAX_EVIDENCE)
    return np.where(similarity.has_content, odds, 0.0)


def number_evidence(old: Sequence[SheetKey], new: Sequence[SheetKey]) -> Matrix:
    """Log odds by number; 0 where a sheet has none."""
    result = np.zeros((len(old), len(new)))
    for row, one in enumerate(old):
        for column, other in enumerate(new):
            if one.has_name and other.has_name:
                equal = normalize_name(one.name) == normalize_name(other.name)
                result[row, column] = SAME_NUMBER if equal else OTHER_NUMBER
    return result


def pair_confidence(scores: Matrix) -> Matrix:
    """Probability of each pair against having no partner and against all other partners of both sheets."""
    if not scores.size:
        return scores
    odds = np.exp(np.clip(scores, -30, 30))
    rivals = odds.sum(axis=1, keepdims=True) + odds.sum(axis=0, keepdims=True) - odds
    return np.asarray(odds / (1 + rivals), np.float64)


def pair_reason(
    old: Sequence[SheetKey], new: Sequence[SheetKey], row: int, column: int, evidence: Matrix
) -> PairReason:
    """Why these sheets are a pair, apart from their order."""
    one, other = old[row], new[column]
    if not (one.has_name and other.has_name):
        return PairReason.CONTENT
    number, other_number = normalize_name(one.name), normalize_name(other.name)
    if number != other_number:
        same_series = series_of(number) == series_of(other_number)
        return PairReason.RENUMBERED if same_series else PairReason.RENAMED
    repeats = max(
        sum(key.has_name and normalize_name(key.name) == number for key in sheets) for sheets in (old, new)
    )
    if repeats > 1:
        return PairReason.DUPLICATED
    return PairReason.UNCERTAIN if expit(evidence[row, column]) < MIN_ALIKE else PairReason.NUMBER


def series_of(number: str) -> str:
    """The letters that a number begins with."""
    found = re.match(r"[^\W\d_]*", number)
    return found[0] if found else ""


def mark_moved_sheets(
    old: Sequence[SheetKey], new: Sequence[SheetKey], assigned: dict[int, int], matches: dict[int, Match]
) -> None:
    """Sheets outside of the longest run of pairs in common order have been moved."""
    columns = sorted(assigned)
    in_order = longest_increasing([assigned[column] for column in columns])
    for position, column in enumerate(columns):
        match = matches[new[column].page]
        if position not in in_order and match.reason in (PairReason.NUMBER, PairReason.CONTENT):
            matches[new[column].page] = Match(PairReason.REORDERED, match.confidence)


def longest_increasing(values: Sequence[int]) -> set[int]:
    """Positions of a longest increasing subsequence."""
    lengths, previous = [1] * len(values), [-1] * len(values)
    for position, value in enumerate(values):
        for earlier in range(position):
            if values[earlier] < value and lengths[earlier] + 1 > lengths[position]:
                lengths[position], previous[position] = lengths[earlier] + 1, earlier
    position = max(range(len(values)), key=lambda index: lengths[index], default=-1)
    positions = set()
    while position >= 0:
        positions.add(position)
        position = previous[position]
    return positions


def find_parts(similarity: Similarity, assigned: dict[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """The unpaired old sheets that were merged into a new one, and the unpaired new sheets that were split
    off an old one: the other sheet of each.
    """
    partner = {row: column for column, row in assigned.items()}
    merged, split = {}, {}
    for column in set(range(similarity.words.shape[1])) - assigned.keys():
        whole = part_of(similarity.new_in_old[:, column], partner)
        if whole is not None and similarity.old_in_new[whole, partner[whole]] <= MAX_WHOLE_SHARE:
            split[column] = whole
    for row in set(range(similarity.words.shape[0])) - partner.keys():
        whole = part_of(similarity.old_in_new[row], assigned)
        if whole is not None and similarity.new_in_old[assigned[whole], whole] <= MAX_WHOLE_SHARE:
            merged[row] = whole
    return merged, split


def part_of(shares: npt.NDArray[np.float64], paired: dict[int, int]) -> int | None:
    """The paired sheet of the other set that has most of a sheet's words, if that is enough."""
    best = int(shares.argmax()) if shares.size else -1
    return best if best in paired and shares[best] >= MIN_PART_SHARE else None


def match_by_position(
    old: Sequence[SheetKey],
    new: Sequence[SheetKey],
    assigned: dict[int, int],
    similarity: Similarity,
    uncertain: set[tuple[int, int]],
) -> dict[int, int]:
    """Sheets of the same page without content to compare, of which at least one has no number. A file of
    one page is compared with the other one.
    """
    doubtful = {row for row, _ in uncertain}, {column for _, column in uncertain}
    rows = {key.page: row for row, key in enumerate(old) if row not in {*assigned.values(), *doubtful[0]}}
    single = len(old) == len(new) == 1
    return {
        column: row
        for column, key in enumerate(new)
        if column not in assigned and column not in doubtful[1]
        if (row := rows.get(key.page)) is not None and not (key.has_name and old[row].has_name)
        if single or not similarity.has_content[row, column]
    }


def explain_unmatched(
    pairs: SheetPairs,
    old: Sequence[SheetKey],
    new: Sequence[SheetKey],
    assigned: dict[int, int],
    scores: Matrix,
    uncertain: set[tuple[int, int]],
) -> None:
    """Enter why sheets stand alone, and what an uncertain one may be a revision of."""
    for sheets, others, columns, odds, doubtful, reasons, candidates, alone in (
        (
            *(old, new, set(assigned), scores, {row for row, _ in uncertain}),
            *(pairs.old_reasons, pairs.old_candidates, PairReason.REMOVED),
        ),
        (
            *(new, old, set(assigned.values()), scores.T, {column for _, column in uncertain}),
            *(pairs.new_reasons, pairs.new_candidates, PairReason.INSERTED),
        ),
    ):
        numbers = Counter(normalize_name(key.name) for key in sheets if key.has_name)
        paired = set(assigned.values()) if sheets is old else set(assigned)
        for index, key in enumerate(sheets):
            if index in paired:
                continue
            if index in doubtful:
                reasons[key.page] = PairReason.UNCERTAIN
                candidates[key.page] = best_candidates(odds[index], others, columns)
            else:
                repeats = key.has_name and numbers[normalize_name(key.name)] > 1
                reasons[key.page] = PairReason.DUPLICATED if repeats else alone


def best_candidates(
    scores: npt.NDArray[np.float64], sheets: Sequence[SheetKey], paired: set[int]
) -> tuple[SheetKey, ...]:
    """The unpaired sheets of the highest scores above 0."""
    best = [index for index in np.argsort(-scores).tolist() if scores[index] > 0 and index not in paired]
    return tuple(sheets[index] for index in best[:MAX_CANDIDATES])


def collect(
    old: Sequence[SheetKey],
    new: Sequence[SheetKey],
    partners: dict[int, SheetKey],
    matches: dict[int, Match],
) -> SheetPairs:
    matched = {key.page for key in partners.values()}
    paired = [key for key in new if key.page in partners]
    return SheetPairs(
        tuple((partners[key.page], key) for key in paired),
        tuple(key for key in old if key.page not in matched),
        tuple(key for key in new if key.page not in partners),
        tuple(matches[key.page] for key in paired),
    )


def match_names(old: Sequence[SheetKey], new: Sequence[SheetKey]) -> dict[int, SheetKey]:
    """The old sheet of the same name, by the new sheet's page."""
    by_name: dict[str, list[SheetKey]] = defaultdict(list)
    for key in old:
        if key.has_name:
            by_name[normalize_name(key.name)].append(key)
    named = [key for key in new if key.has_name]
    return {key.page: sheets.pop(0) for key in named if (sheets := by_name[normalize_name(key.name)])}


def match_pages(
    old: Sequence[SheetKey], new: Sequence[SheetKey], partners: dict[int, SheetKey]
) -> dict[int, SheetKey]:
    """The old sheet of the same page, for sheets without partner of which at least one has no name."""
    matched = {key.page for key in partners.values()}
    by_page = {key.page: key for key in old if key.page not in matched}
    return {
        key.page: other
        for key in new
        if key.page not in partners and (other := by_page.get(key.page))
        if not (key.has_name and other.has_name)
    }


def normalize_name(name: str) -> str:
    """The name without case, blanks, hyphens and underscores, and with Latin letters for Cyrillic ones that
    look the same: `A-101`, `a 101` and `A101` are equal.
    """
    return name.upper().translate(LOOKALIKES).replace("-", "").replace(" ", "").replace("_", "")
