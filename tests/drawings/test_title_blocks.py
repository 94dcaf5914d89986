import pytest

from pipelines.drawings import title_blocks
from pipelines.drawings.page_words import Word
from pipelines.drawings.title_blocks import Scale, TitleBlock


def a_line(text: str, x: float, y: float, size: float = 20) -> list[Word]:
    """The words of a line from (x, y), in pixels."""
    words = []
    for part in text.split():
        words.append(Word(part, x, y, 0.6 * size * len(part), size))
        x += 0.6 * size * (len(part) + 1)
    return words


def a_block(*lines: str) -> list[Word]:
    """Lines one above another in a lower right corner, and a note far from it."""
    placed = [a_line(line, 2400, 1700 + 60 * row) for row, line in enumerate(lines)]
    return [*a_line("REV Z 1999-01-01", 100, 100), *(word for line in placed for word in line)]


@pytest.mark.parametrize(
    ("printed", "ratio"),
    [
        ("1:100", 100.0),
        ("1 : 50", 50.0),
        ("1/100", 100.0),
        ('1/8" = 1\'-0"', 96.0),
        ('1 1/2" = 1\'-0"', 8.0),
        ("1\" = 20'", 240.0),
        ('3/16" = 1\'-6"', 96.0),
        ("NTS", None),
        ("N.T.S.", None),
    ],
)
def test_a_scale_is_read_as_printed_with_its_ratio(printed: str, ratio: float | None) -> None:
    assert title_blocks.read_scale(a_block(f"SCALE {printed}", "SHEET A-101")) == Scale(
        printed, ratio, "label"
    )


def test_a_scale_with_a_label_goes_before_a_nearer_one() -> None:
    words = a_block("SCALE 1:50", "DETAIL 1:5")

    assert title_blocks.read_scale(words) == Scale("1:50", 50.0, "label")
    assert title_blocks.read_scale(a_block("DETAIL 1:5")) == Scale("1:5", 5.0, "text")


@pytest.mark.parametrize("text", ["SLOPE 1/100", "NTS", "12:30:15", "1:0"])
def test_what_may_be_something_else_is_no_scale_without_a_label(text: str) -> None:
    assert title_blocks.read_scale(a_block(text)) is None


def test_a_scale_under_its_label_is_known() -> None:
    words = [*a_line("SCALE", 2400, 1700), *a_line("1/50", 2404, 1726)]

    assert title_blocks.read_scale(words) == Scale("1/50", 50.0, "label")


def test_revision_and_date_make_the_label_of_a_version() -> None:
    block = title_blocks.read_title_block(a_block("REV B", "DATE 2026-04-11", "SCALE 1:100"))

    assert block == TitleBlock("B", "2026-04-11", Scale("1:100", 100.0, "label"))
    assert block.version_label == "Rev B, 2026-04-11"


@pytest.mark.parametrize(
    ("line", "revision", "date", "label"),
    [
        ("Revision: P02", "P02", None, "Rev P02"),
        ("\u0418\u0417\u041c 3", "3", None, "Rev 3"),
        ("11.04.2026", None, "11.04.2026", "11.04.2026"),
        ("12 MAR 2026", None, "12 MAR 2026", "12 MAR 2026"),
        ("REVISIONS LIST", None, None, None),
    ],
)
def test_other_spellings(line: str, revision: str | None, date: str | None, label: str | None) -> None:
    block = title_blocks.read_title_block(a_line(line, 2400, 1700))

    assert (block.revision, block.date, block.version_label) == (revision, date, label)


def test_a_page_without_words_says_nothing() -> None:
    assert title_blocks.read_title_block([]) == TitleBlock()
    assert TitleBlock().version_label is None
