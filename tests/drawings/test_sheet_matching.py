import pytest

from pipelines.drawings.sheet_matching import SheetKey, SheetPairs, match_sheets, normalize_name


def named_sheets(*names: str) -> list[SheetKey]:
    return [SheetKey(page, name) for page, name in enumerate(names, 1)]


def unnamed_sheet(page: int) -> SheetKey:
    return SheetKey(page, f"Page_{page:03d}", has_name=False)


def pages(pairing: SheetPairs) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    return (
        [(old.page, new.page) for old, new in pairing.pairs],
        [key.page for key in pairing.only_in_old],
        [key.page for key in pairing.only_in_new],
    )


def test_an_inserted_sheet_shifts_nothing() -> None:
    old, new = named_sheets("A-101", "A-102", "A-103"), named_sheets("A-101", "A-101.1", "A-102", "A-104")

    assert pages(match_sheets(old, new)) == ([(1, 1), (2, 3)], [3], [2, 4])


def test_spelling_is_no_difference() -> None:
    assert pages(match_sheets(named_sheets("A-101", "S 2"), named_sheets("s2", "A101"))) == (
        [(2, 1), (1, 2)],
        [],
        [],
    )


def test_pages_without_a_name_pair_by_position() -> None:
    old, new = (
        [*named_sheets("A-101"), unnamed_sheet(2), unnamed_sheet(3)],
        [*named_sheets("A-101"), unnamed_sheet(2)],
    )

    assert pages(match_sheets(old, new)) == ([(1, 1), (2, 2)], [3], [])


def test_a_named_page_pairs_by_position_only_with_an_unnamed_one() -> None:
    assert pages(match_sheets(named_sheets("A-101"), [unnamed_sheet(1)])) == ([(1, 1)], [], [])
    assert pages(match_sheets(named_sheets("A-101"), named_sheets("A-102"))) == ([], [1], [1])


def test_a_name_used_twice_pairs_in_page_order() -> None:
    old, new = named_sheets("A-101", "A-101", "A-101"), named_sheets("X-1", "A-101", "A-101")

    assert pages(match_sheets(old, new)) == ([(1, 2), (2, 3)], [3], [1])
    assert pages(match_sheets(old[::-1], new[::-1])) == pages(match_sheets(old, new))


def test_an_old_sheet_is_paired_once() -> None:
    # A-101 has moved to page 2: page 1 of the new set has no partner, although the old set has a page 1.
    old, new = named_sheets("A-101"), [unnamed_sheet(1), SheetKey(2, "A-101")]

    assert pages(match_sheets(old, new)) == ([(1, 2)], [], [1])
    # The other way round: the old page 1 has no name, and the new A-101 came from page 2.
    assert pages(match_sheets([unnamed_sheet(1), SheetKey(2, "A-101")], named_sheets("A-101"))) == (
        [(2, 1)],
        [1],
        [],
    )


def test_more_sheets_of_a_name_than_before_leave_the_last_without_a_partner() -> None:
    old, new = named_sheets("A-101", "B-1"), named_sheets("A-101", "A-101", "A-101")

    assert pages(match_sheets(old, new)) == ([(1, 1)], [2], [2, 3])


def test_names_of_pages_are_no_names() -> None:
    old = [SheetKey(1, "Page_002", has_name=False), SheetKey(2, "Page_001", has_name=False)]
    new = [SheetKey(1, "Page_001", has_name=False), SheetKey(2, "Page_001")]

    assert pages(match_sheets(old, new)) == ([(1, 1), (2, 2)], [], [])
    # A sheet that is really called so, on another page, is not the unnamed one; nor the other way round.
    named = [SheetKey(5, "Page_002")]
    assert pages(match_sheets([unnamed_sheet(2)], named)) == ([], [2], [5])
    assert pages(match_sheets(named, [unnamed_sheet(2)])) == ([], [5], [2])


def test_a_named_sheet_pairs_with_an_unnamed_one_of_either_set() -> None:
    assert pages(match_sheets([unnamed_sheet(1)], named_sheets("A-101"))) == ([(1, 1)], [], [])
    assert pages(match_sheets([unnamed_sheet(1)], [unnamed_sheet(2)])) == ([], [1], [2])


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("a-101", "A-101", True),
        ("A 1-0_1", "A101", True),
        ("A--1  0", "a1_0_", True),
        ("A.101", "A101", False),
        ("A/101", "A101", False),
        ("\u00e4-1", "\u00c41", True),
        ("", "-", True),
    ],
)
def test_case_blanks_hyphens_and_underscores_are_no_part_of_a_name(one: str, other: str, equal: bool) -> None:
    assert (normalize_name(one) == normalize_name(other)) is equal
    assert pages(match_sheets([SheetKey(1, one)], [SheetKey(2, other)])) == (
        ([(1, 2)], [], []) if equal else ([], [1], [2])
    )


def test_pairs_and_leftovers_come_in_the_order_of_their_sets() -> None:
    old = [SheetKey(3, "C"), SheetKey(1, "A"), SheetKey(2, "X"), SheetKey(4, "Y")]
    new = [SheetKey(9, "W"), SheetKey(5, "A"), SheetKey(6, "V"), SheetKey(4, "C")]

    assert pages(match_sheets(old, new)) == ([(3, 4), (1, 5)], [2, 4], [6, 9])
    assert match_sheets(old, new).pairs[0] == (SheetKey(3, "C"), SheetKey(4, "C"))
