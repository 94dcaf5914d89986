from pipelines.drawings import text_diff
from pipelines.drawings.page_words import Word
from pipelines.drawings.text_diff import WordChanges


def test_only_what_differs_is_reported() -> None:
    old = [Word("R8", 10, 10, 20, 10), Word("0,DNI", 10, 30, 50, 10), Word("C1", 500, 10, 20, 10)]
    new = [Word("R8", 13, 10, 20, 10), Word("0", 10, 30, 10, 10), Word("C1", 800, 10, 20, 10)]

    assert text_diff.diff(old, new, 5) == WordChanges(
        removed=(old[2], old[1]), added=(new[2], new[1]), shifted=(old[0], new[0])
    )


def test_another_division_into_words_is_no_difference() -> None:
    old = [Word(".3V", 10, 10, 30, 10)]
    new = [Word(".", 10, 18, 2, 2), Word("3V", 14, 10, 26, 10)]

    assert text_diff.diff(old, new, 2) == WordChanges()


def test_without_an_alignment_words_are_counted() -> None:
    old = [Word("DGND", x, 10, 40, 10) for x in (0, 100)] + [Word("R8", 10, 50, 20, 10)]
    new = [Word("DGND", x, 700, 40, 10) for x in (8, 100, 300)]

    assert text_diff.diff_by_text(old, new) == WordChanges(removed=(old[2],), added=(new[2],))


def test_a_page_full_of_words_is_compared_at_once() -> None:
    old = [Word("0", 20 * x, 20 * y, 8, 10) for x in range(100) for y in range(100)]
    new = [Word("0", 20 * x, 20 * y, 8, 10) for x in range(100) for y in range(1, 101)]

    differing = text_diff.diff(old, new, 5)

    assert differing == WordChanges(tuple(old[::100]), tuple(new[99::100]))


def test_equal_words_pair_nearest_first() -> None:
    old = [Word("DGND", x, 10, 40, 10) for x in (0, 100)]
    new = [Word("DGND", x, 10, 40, 10) for x in (8, 100, 300)]

    assert text_diff.diff(old, new, 12).added == (new[2],)
    assert text_diff.diff(old, new, 12).removed == ()
