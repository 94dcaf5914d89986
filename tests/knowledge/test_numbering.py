"""Paragraphs of Word documents keep the numbers that Word computes."""

from pathlib import Path

import pytest

from core.sentence_segmentation import sentences
from pipelines.knowledge.extraction import extract
from pipelines.knowledge.extraction.numbering import letters, roman, write_number
from pipelines.knowledge.extraction.runner import WORDPROCESSING
from tests.knowledge.word_parts import paragraph, part, text_run, write_word


def list_item(text: str, list_id: int, depth: int | None = None, style: str = "") -> str:
    """A paragraph of a list."""
    level = "" if depth is None else f'<w:ilvl w:val="{depth}"/>'
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    numbers = f'<w:numPr>{level}<w:numId w:val="{list_id}"/></w:numPr>'
    return f"<w:p><w:pPr>{named}{numbers}</w:pPr>{text_run(text)}</w:p>"


def level(depth: int, kind: str, text: str, more: str = "", start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


CLAUSES = "".join(
    (
        level(0, "upperRoman", "%1.", '<w:pStyle w:val="Clause"/>'),
        level(1, "decimal", "%1.%2", '<w:pStyle w:val="Part"/><w:isLgl/>'),
        level(2, "lowerLetter", "(%3)"),
    )
)
POINTS = level(0, "bullet", "\uf0b7") + level(1, "decimal", "%2)", start=5)
NUMBERING = part(
    "numbering",
    f'<w:abstractNum w:abstractNumId="7">{CLAUSES}</w:abstractNum>'
    f'<w:abstractNum w:abstractNumId="8">{POINTS}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="7"/>'
    '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="8"/></w:num>',
)
STYLES = part(
    "styles",
    '<w:style w:styleId="Clause"><w:name w:val="Clause"/>'
    '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    '<w:style w:styleId="Part"><w:name w:val="Part"/><w:basedOn w:val="Clause"/>'
    '<w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr></w:style>',
)


def lines(path: Path, body: str) -> list[str]:
    """The paragraphs that are read."""
    written_file = write_word(path / "numbered.docx", body, numbering=NUMBERING, styles=STYLES)
    return extract(written_file, WORDPROCESSING).text.split("\n\n")


def test_numbers_go_on_and_begin_again_below(tmp_path: Path) -> None:
    body = (
        list_item("Term.", 1, 0)
        + list_item("Seven years.", 1, 1)
        + list_item("Without renewal.", 1, 2)
        + list_item("Unless agreed.", 1, 2)
        + paragraph("Between.")
        + list_item("Rent.", 1, 0)
        + list_item("Monthly.", 1, 1)
        + list_item("In advance.", 1, 2)
    )

    assert lines(tmp_path, body) == [
        "I. Term.",
        "1.1 Seven years.",
        "(a) Without renewal.",
        "(b) Unless agreed.",
        "Between.",
        "II. Rent.",
        "2.1 Monthly.",
        "(a) In advance.",
    ]


def test_styles_number_their_paragraphs(tmp_path: Path) -> None:
    body = paragraph("Term.", style="Clause") + paragraph("Seven years.", style="Part")
    body += list_item("No number.", 0, style="Clause") + paragraph("Rent.", style="Clause")

    assert lines(tmp_path, body) == ["I. Term.", "1.1 Seven years.", "No number.", "II. Rent."]


def test_a_list_may_start_again_or_elsewhere(tmp_path: Path) -> None:
    body = list_item("One.", 1, 0) + list_item("Two.", 1, 0) + list_item("One again.", 2, 0)
    body += list_item("A point.", 3, 0) + list_item("The fifth.", 3, 1) + list_item("Unknown.", 9, 0)

    assert lines(tmp_path, body) == [
        "I. One.",
        "II. Two.",
        "I. One again.",
        "- A point.",
        "5) The fifth.",
        "Unknown.",
    ]


def test_a_number_is_quoted_with_its_sentence() -> None:
    text = "3.2 Payment is due in thirty days. It bears interest."

    assert [text[start:end] for start, end in sentences(text)] == [
        "3.2 Payment is due in thirty days.",
        "It bears interest.",
    ]


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("decimalZero", 7, "07"),
        ("upperLetter", 28, "BB"),
        ("lowerRoman", 1994, "mcmxciv"),
        ("none", 3, ""),
        ("chineseCounting", 3, "3"),
    ],
)
def test_numbers_are_written_in_their_format(kind: str, number: int, expected: str) -> None:
    assert write_number(kind, number) == expected


def test_numbers_that_a_format_cannot_write_are_digits() -> None:
    assert [letters(0), letters(781), roman(0), roman(4_000)] == ["0", "781", "0", "4000"]
