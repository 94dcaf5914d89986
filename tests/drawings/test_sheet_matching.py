from pipelines.drawings.sheet_matching import SheetKey, SheetPairs, match_sheets


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
