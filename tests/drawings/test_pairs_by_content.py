"""Pairs by number and content: what was renumbered, inserted, removed, copied, split and moved."""

from collections.abc import Sequence

import numpy as np

from db.models import PairReason
from pipelines.drawings.sheet_matching import SheetKey, SheetPairs, match_sheets
from pipelines.drawings.sheet_similarity import SheetDescriptor, Similarity, compare_all, fold

ALIKE, LOOKALIKE, OTHER = (0.97, 0.9), (0.85, 0.3), (0.2, 0.05)
"""Similarities by layout and by words."""


def keys(*names: str) -> list[SheetKey]:
    """Sheets by number; an empty one prints none."""
    return [SheetKey(page, name or f"Page_{page:03d}", bool(name)) for page, name in enumerate(names, 1)]


def similarity(
    rows: Sequence[str], columns: Sequence[str], unlike: tuple[float, float] = OTHER
) -> Similarity:
    """Of sheets whose content is named by a letter."""
    values = np.array([[ALIKE if row == column else unlike for column in columns] for row in rows])
    yes = np.ones((len(rows), len(columns)), bool)
    layout, words = values.reshape(len(rows), len(columns), 2).transpose(2, 0, 1)
    return Similarity(layout, words, yes, yes, words, words)


def reasons(pairs: SheetPairs) -> list[tuple[int, int, PairReason]]:
    return [
        (old.page, new.page, match.reason)
        for (old, new), match in zip(pairs.pairs, pairs.matches, strict=True)
    ]


def test_sheets_of_one_number_and_content_are_pairs_by_number() -> None:
    pairs = match_sheets(keys("A-1", "A-2"), keys("A-1", "A-2"), similarity("ab", "ab"))

    assert reasons(pairs) == [(1, 1, PairReason.NUMBER), (2, 2, PairReason.NUMBER)]
    assert min(match.confidence or 0 for match in pairs.matches) > 0.99


def test_an_inserted_sheet_that_shifts_the_numbers_shifts_no_pair_even_among_lookalikes() -> None:
    old, new = keys("A-1", "A-2", "A-3"), keys("A-1", "A-2", "A-3", "A-4")

    pairs = match_sheets(old, new, similarity("abc", "axbc", unlike=LOOKALIKE))

    assert reasons(pairs) == [
        (1, 1, PairReason.NUMBER),
        (2, 3, PairReason.RENUMBERED),
        (3, 4, PairReason.RENUMBERED),
    ]
    assert pairs.new_reasons == {2: PairReason.INSERTED}


def test_a_sheet_of_another_series_was_renamed() -> None:
    pairs = match_sheets(keys("A-1", "A-2"), keys("A-1", "AR-2"), similarity("ab", "ab"))

    assert reasons(pairs)[1] == (2, 2, PairReason.RENAMED)


def test_sheets_without_numbers_are_paired_by_content_and_moved_ones_are_said() -> None:
    pairs = match_sheets(keys("", "", ""), keys("", "", "", ""), similarity("abc", "cabx"))

    assert reasons(pairs) == [
        (3, 1, PairReason.REORDERED),
        (1, 2, PairReason.CONTENT),
        (2, 3, PairReason.CONTENT),
    ]
    assert pairs.new_reasons == {4: PairReason.INSERTED}


def test_a_number_printed_twice_is_paired_by_content() -> None:
    pairs = match_sheets(keys("A-1"), keys("A-1", "A-1"), similarity("a", "xa"))

    assert reasons(pairs) == [(1, 2, PairReason.DUPLICATED)]
    assert pairs.new_reasons == {1: PairReason.DUPLICATED}


def test_two_sheets_that_are_equally_alike_are_left_to_a_person() -> None:
    pairs = match_sheets(keys(""), keys("", ""), similarity("a", "aa"))

    assert pairs.pairs == ()
    assert pairs.old_reasons == {1: PairReason.UNCERTAIN}
    assert [key.page for key in pairs.old_candidates[1]] == [1, 2]


def test_a_redrawn_sheet_keeps_its_number_and_has_to_be_checked() -> None:
    pairs = match_sheets(keys("A-1"), keys("A-1"), similarity("a", "x"))

    assert reasons(pairs) == [(1, 1, PairReason.UNCERTAIN)]
    assert (pairs.matches[0].confidence or 0) < 0.8


def test_lookalike_floors_of_other_numbers_are_no_pair() -> None:
    pairs = match_sheets(keys("A-1"), keys("A-2"), similarity("a", "b", unlike=LOOKALIKE))

    assert (pairs.pairs, pairs.old_reasons, pairs.new_reasons) == (
        (),
        {1: PairReason.REMOVED},
        {1: PairReason.INSERTED},
    )


def test_the_rest_of_a_split_sheet_is_said_to_be_a_part() -> None:
    layout, words = np.array([[0.9, 0.4]]), np.array([[0.6, 0.38]])
    yes = np.ones((1, 2), bool)
    found = Similarity(layout, words, yes, yes, np.array([[0.6, 0.38]]), np.array([[0.98, 0.96]]))

    pairs = match_sheets(keys("A-1"), keys("A-1", "A-1.1"), found)

    assert reasons(pairs) == [(1, 1, PairReason.SPLIT)]
    assert pairs.new_reasons == {2: PairReason.SPLIT}


def test_position_decides_only_without_content() -> None:
    nothing, no = np.zeros((1, 2)), np.zeros((1, 2), bool)

    pairs = match_sheets(keys(""), keys("", "A-2"), Similarity(nothing, nothing, no, no, nothing, nothing))

    assert reasons(pairs) == [(1, 1, PairReason.POSITION)]
    assert pairs.matches[0].confidence == 0.5


def descriptor(seed: int, words: str, turns: int = 0) -> SheetDescriptor:
    layout = np.random.default_rng(seed).random((64, 64), np.float32) ** 4
    tokens = frozenset(f"{word}#0" for word in words.split())
    return SheetDescriptor(np.ascontiguousarray(np.rot90(layout, turns)), tokens, turns % 2 == 0, True)


def test_what_all_sheets_share_does_not_count() -> None:
    shared = " ".join(f"PROJECT{n}" for n in range(20))
    old = [descriptor(n, f"{shared} ROOM{n} ROOM{n}B") for n in range(4)]

    found = compare_all(old, old[::-1])

    assert np.argmax(found.words, axis=1).tolist() == [3, 2, 1, 0]
    assert np.argmax(found.layout, axis=1).tolist() == [3, 2, 1, 0]
    assert found.layout[0, 0] < 0.2


def test_a_sheet_drawn_sideways_is_like_the_upright_one() -> None:
    old = [descriptor(n, "A B") for n in range(3)]
    new = [descriptor(n, "A B", turns=1) for n in range(3)]

    found = compare_all(old, new)

    assert np.diag(found.layout).min() > 0.99
    assert not found.has_words.any()


def test_cyrillic_letters_fold_into_the_latin_ones_that_ocr_takes_them_for() -> None:
    assert fold("\u0410\u0420-101") == "AP101" == fold("ap 101")
