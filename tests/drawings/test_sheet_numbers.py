import pytest

from pipelines.drawings import sheet_numbers
from pipelines.drawings.page_words import Word

WIDTH, HEIGHT = 3000, 2000


def a_sheet(*texts: tuple[str, float, float, float]) -> list[Word]:
    """Small notes all over a sheet, and words at (x, y) shares of it with a letter height in pixels."""
    notes = [
        Word(note, 100 + 140 * column, 100 + 90 * row, 60, 20)
        for column in range(20)
        for row, note in enumerate(("WALL", "NOTE", "VIF", "TYP"))
    ]
    ends = [Word("END", 0, 0, 40, 20), Word("END", WIDTH - 40, HEIGHT - 20, 40, 20)]
    placed = [Word(text, x * WIDTH, y * HEIGHT, 0.6 * size * len(text), size) for text, x, y, size in texts]
    return [*notes, *ends, *placed]


def a_phrase(text: str, x: float, y: float, size: float) -> list[tuple[str, float, float, float]]:
    """The phrase's words one after another from (x, y), as `a_sheet` takes them."""
    result = []
    for part in text.split():
        result.append((part, x, y, size))
        x += 0.6 * size * (len(part) + 1) / WIDTH
    return result


@pytest.mark.parametrize(
    "number", ["A-101", "S-12A", "A-344-MB", "A2.1", "B-S01", "A20-01", "E201A", "FP-001", "M-101.1"]
)
def test_sheet_numbers_of_many_kinds_are_known(number: str) -> None:
    found = sheet_numbers.find_sheet_name(a_sheet((number, 0.9, 0.95, 60)), 1)

    assert found.name == number
    assert found.score >= sheet_numbers.MIN_SCORE
    assert found.source == "text"


def test_a_number_printed_with_a_gap_keeps_it() -> None:
    assert (
        sheet_numbers.find_sheet_name(a_sheet(("A", 0.90, 0.95, 60), ("101", 0.92, 0.95, 60)), 1).name
        == "A 101"
    )


@pytest.mark.parametrize("label", ["REV", "Revision:", "SIZE", "DATE"])
def test_what_stands_under_another_label_is_no_sheet_number(label: str) -> None:
    words = a_sheet((label, 0.93, 0.93, 16), ("A6", 0.93, 0.945, 60))

    assert sheet_numbers.find_sheet_name(words, 7) == sheet_numbers.SheetName("Page_007", 0.0, "fallback")


def test_the_nearest_label_decides() -> None:
    words = a_sheet(("SCALE", 0.9, 0.90, 16), ("SHEET", 0.9, 0.93, 16), ("A-101", 0.9, 0.945, 60))

    assert sheet_numbers.find_sheet_name(words, 1).name == "A-101"


def test_a_reference_in_the_drawing_is_no_sheet_number() -> None:
    assert (
        sheet_numbers.find_sheet_name(a_sheet(("A-501", 0.4, 0.4, 30), ("C12", 0.8, 0.7, 20)), 3).name
        == "Page_003"
    )


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("Sheet 2 of 11", "Sheet_02"),
        ("SHEET: 7 OF 9", "Sheet_07"),
        ("Page 3/120", "Sheet_003"),
        ("(1/4)", "Sheet_01"),
        ("Sheet 12 of 11", "Page_005"),
    ],
)
def test_a_counted_sheet_goes_by_its_count(phrase: str, name: str) -> None:
    words = a_sheet(*a_phrase(phrase, 0.85, 0.96, 24))

    assert sheet_numbers.find_sheet_name(words, 5).name == name


def test_a_real_number_goes_before_a_count() -> None:
    counted = a_phrase("Sheet 2 of 11", 0.6, 0.96, 24)

    assert sheet_numbers.find_sheet_name(a_sheet(*counted, ("A-101", 0.9, 0.95, 60)), 1).name == "A-101"


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_sheet_drawn_sideways_is_read_all_the_same(angle: int) -> None:
    upright = a_sheet(("A-101", 0.9, 0.95, 60), ("SHEET", 0.9, 0.93, 16))

    turned = [sheet_numbers.rotate_word(word, angle) for word in upright]

    assert {word.angle for word in turned} == {(360 - angle) % 360}
    assert sheet_numbers.find_sheet_name(turned, 1) == sheet_numbers.find_sheet_name(upright, 1)


def test_a_page_without_words_goes_by_its_position() -> None:
    assert sheet_numbers.find_sheet_name([], 12) == sheet_numbers.SheetName("Page_012", 0.0, "fallback")


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("\u0410\u0420-101", "\u0410\u0420-101"),
        ("\u041a\u0416-12\u0430", "\u041a\u0416-12\u0410"),
        ("A\u2013101", "A-101"),
        ("\u5efa\u65bd-01", "\u5efa\u65bd-01"),
    ],
)
def test_numbers_in_any_alphabet_and_with_any_dash_are_known(printed: str, number: str) -> None:
    assert sheet_numbers.find_sheet_name(a_sheet((printed, 0.9, 0.95, 60)), 1).name == number


def a_title_block(*texts: tuple[str, float, float, float]) -> list[Word]:
    """The few words of a title block by OCR."""
    return [
        Word(text, x * WIDTH, y * HEIGHT, 0.6 * size * len(text), size, optical=True)
        for text, x, y, size in texts
    ]


PAGE = sheet_numbers.Frame(0, 0, WIDTH, HEIGHT)


def test_the_letter_height_is_measured_among_the_title_blocks_own_words() -> None:
    words = a_title_block(("SHEET", 0.82, 0.89, 27), ("A-101", 0.82, 0.92, 86))

    assert sheet_numbers.find_sheet_name(words, 1, source="ocr", frame=PAGE).name == "A-101"


def test_a_label_of_two_words_in_the_same_cell_is_known() -> None:
    words = a_title_block(
        ("SCALE", 0.85, 0.90, 16),
        ("REV", 0.92, 0.90, 16),
        ("B", 0.94, 0.90, 16),
        ("DRAWING", 0.85, 0.925, 16),
        ("NUMBER", 0.88, 0.925, 16),
        ("S2.04", 0.91, 0.94, 36),
    )

    assert sheet_numbers.find_sheet_name(words, 1, source="ocr", frame=PAGE).name == "S2.04"


def test_digits_that_ocr_takes_for_letters_are_digits() -> None:
    words = a_title_block(("SHEET", 0.82, 0.89, 27), ("A-1O1", 0.82, 0.92, 86))

    assert sheet_numbers.find_sheet_name(words, 1, source="ocr", frame=PAGE).name == "A-101"


@pytest.mark.parametrize(("number", "x"), [("101", 0.9), ("1234-ABC-ZZ-01-DR-A-1001", 0.83)])
def test_numbers_of_digits_or_of_many_parts_need_a_label(number: str, x: float) -> None:
    label = ("SHEET", x, 0.935, 18), ("NO.", x + 0.023, 0.935, 18)

    assert sheet_numbers.find_sheet_name(a_sheet((number, x, 0.95, 30)), 1).name == "Page_001"
    assert sheet_numbers.find_sheet_name(a_sheet((number, x, 0.95, 30), *label), 1).name == number


def test_an_area_is_no_sheet_number() -> None:
    words = a_title_block(("22.0", 0.8, 0.9, 30), ("m2", 0.84, 0.9, 30))

    assert sheet_numbers.find_sheet_name(words, 1, source="ocr", frame=PAGE).name == "Page_001"
