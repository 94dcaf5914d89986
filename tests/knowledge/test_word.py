"""Word documents are read whole: every text once, and nothing that was deleted or hidden."""

from pathlib import Path

import pytest

from pipelines.knowledge.extraction import ExtractedText, extract
from pipelines.knowledge.extraction.runner import WORDPROCESSING
from tests.knowledge.word_parts import paragraph, part, text_run, write_word

CASES = Path(__file__).parents[3] / "shared" / "cases" / "documents"


def read(path: Path) -> ExtractedText:
    return extract(path, WORDPROCESSING)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are kept apart")
def test_the_case_of_lost_text_is_read_whole_and_once() -> None:
    found = read(CASES / "docx_lost_text.docx")

    for text in (
        "CONFIDENTIAL HEADER Zebra-77",
        "Footer phrase Walrus-88",
        "Payment is due in thirty days (tracked change).",
        "The compressor is excluded after year five, said in footnote Okapi.",
        "Content control paragraph: delivery takes eleven weeks, word Narwhal.",
        "Text box sentence: noise level is 38 decibels, word Axolotl.",
        "Nested cell word Quagga",
        "Model: Borealis 12; Power (kW): 12; Price (EUR): 17,900",
    ):
        assert found.text.count(text) == 1
    assert "ninety" not in found.text
    assert found.warnings == ()


def test_changes_are_read_as_accepted(tmp_path: Path) -> None:
    deleted = "<w:del><w:r><w:delText>ninety</w:delText></w:r></w:del>"
    moved = f"<w:moveFrom>{text_run('Moved away.')}</w:moveFrom>"
    mark = "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>"
    body = (
        paragraph("Payment is due in ", f"<w:ins>{text_run('thirty')}</w:ins>", deleted, " days.")
        + paragraph(moved, "Stays.", f"<w:moveTo>{text_run(' Moved here.')}</w:moveTo>")
        + f"<w:p>{mark}{text_run('One sentence')}</w:p>"
        + paragraph(" in two paragraphs.")
        + f"<w:ins>{paragraph('Inserted paragraph.')}</w:ins>"
    )

    assert read(write_word(tmp_path / "changes.docx", body)).text == (
        "Payment is due in thirty days.\n\nStays. Moved here.\n\nOne sentence in two paragraphs."
        "\n\nInserted paragraph."
    )


def test_notes_and_comments_follow_their_paragraphs(tmp_path: Path) -> None:
    body = paragraph(
        "The warranty runs for seven years",
        '<w:r><w:footnoteReference w:id="2"/></w:r>',
        '<w:r><w:commentReference w:id="0"/></w:r>',
        ".",
    ) + paragraph("Ends", '<w:r><w:endnoteReference w:id="1"/></w:r>')
    found = read(
        write_word(
            tmp_path / "notes.docx",
            body,
            footnotes=part(
                "footnotes",
                f'<w:footnote w:type="separator" w:id="0">{paragraph("---")}</w:footnote>'
                f'<w:footnote w:id="2">{paragraph("Not for the compressor.")}</w:footnote>'
                f'<w:footnote w:id="3">{paragraph("Of a deleted reference.")}</w:footnote>',
            ),
            endnotes=part("endnotes", f'<w:endnote w:id="1">{paragraph("In March.")}</w:endnote>'),
            comments=part(
                "comments", f'<w:comment w:id="0" w:author="Ada">{paragraph("Is this agreed?")}</w:comment>'
            ),
        )
    )

    assert found.text == (
        "The warranty runs for seven years.\n\nNot for the compressor.\n\nComment by Ada: Is this agreed?"
        "\n\nEnds\n\nIn March."
    )


def test_headers_and_footers_are_read_once_without_page_numbers(tmp_path: Path) -> None:
    def field(name: str) -> str:
        marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
        return f"{marks[0]}<w:r><w:instrText> {name} </w:instrText></w:r>{marks[1]}{text_run('17')}{marks[2]}"

    sections = "".join(
        f'<w:sectPr><w:{kind}Reference r:id="{id}"/></w:sectPr>'
        for kind, id in (("header", "header1"), ("header", "header2"), ("footer", "footer1"))
    )
    header = part("hdr", paragraph("Lease 4711"))
    footer = part("ftr", paragraph("Page ", field("PAGE"), ", as of ", field("DATE")))
    found = read(
        write_word(
            tmp_path / "a.docx", paragraph("Body.") + sections, header1=header, header2=header, footer1=footer
        )
    )

    assert found.text == "Lease 4711\n\nBody.\n\nPage , as of 17"


def test_text_boxes_and_images_are_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph('Noise: 38 dB.')}</w:txbxContent>"
    drawing = (
        "<w:r><mc:AlternateContent>"
        f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    images = "".join(
        f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1"{text}/><a:graphic><a:graphicData>'
        "<pic:pic/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        for text in (' descr="Plan of the north hall"', "", "")
    )
    found = read(write_word(tmp_path / "boxes.docx", paragraph("Before.", drawing) + paragraph(images)))

    assert found.text == "Before.\n\nNoise: 38 dB.\n\nPlan of the north hall"
    assert found.warnings == ("Images without alternative text were not read: 2.",)


def test_hidden_text_is_left_out_and_reported(tmp_path: Path) -> None:
    body = paragraph(
        "Seen.", text_run(" Secret.", "<w:vanish/>"), text_run(" Shown.", '<w:vanish w:val="0"/>')
    )
    found = read(write_word(tmp_path / "hidden.docx", body))

    assert (found.text, found.warnings) == ("Seen. Shown.", ("Hidden text was not read.",))


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr>{f'<w:trPr>{properties}</w:trPr>' if properties else ''}{''.join(cells)}</w:tr>"


def test_cells_keep_their_headers_when_merged(tmp_path: Path) -> None:
    table = "<w:tbl>" + "".join(
        (
            row(cell("Zone"), cell("Kind"), cell("Fee"), properties="<w:tblHeader/>"),
            row(cell("North", '<w:vMerge w:val="restart"/>'), cell("Car"), cell("31.50")),
            row(cell("", "<w:vMerge/>"), cell("Lorry"), cell("74.00")),
            row(cell("Harbour", '<w:gridSpan w:val="2"/>'), cell("9.00")),
            row(cell("Gone"), cell("Gone"), cell("1.00"), properties="<w:del/>"),
        )
    )
    found = read(write_word(tmp_path / "table.docx", f"{table}</w:tbl>"))

    assert found.text.splitlines() == [
        "Zone | Kind | Fee",
        "Zone: North; Kind: Car; Fee: 31.50",
        "Zone: North; Kind: Lorry; Fee: 74.00",
        "Zone: Harbour; Fee: 9.00",
    ]


def test_names_and_values_get_no_header(tmp_path: Path) -> None:
    rows = (("Tenant", "Smith"), ("Rent", "4,200"), ("Ends", "in March"))
    table = "".join(row(*map(cell, values)) for values in rows)

    assert read(write_word(tmp_path / "pairs.docx", f"<w:tbl>{table}</w:tbl>")).text.splitlines() == [
        "Tenant | Smith",
        "Rent | 4,200",
        "Ends | in March",
    ]


def test_a_frame_of_one_column_is_read_as_blocks(tmp_path: Path) -> None:
    inner = f"<w:tbl>{row(cell('A'), cell('B'))}</w:tbl>"
    frame = f"<w:tbl><w:tr><w:tc>{paragraph('First.')}{paragraph('Second.')}{inner}</w:tc></w:tr></w:tbl>"

    assert read(write_word(tmp_path / "frame.docx", frame)).text == "First.\n\nSecond.\n\nA | B"


def test_charts_name_their_series(tmp_path: Path) -> None:
    def values(name: str, *texts: str) -> str:
        points = "".join(f'<c:pt idx="{index}"><c:v>{text}</c:v></c:pt>' for index, text in enumerate(texts))
        return f"<c:{name}><c:strCache>{points}</c:strCache></c:{name}>"

    series = (
        f"<c:ser>{values('tx', 'Sales')}{values('cat', '2024', '2025')}{values('val', '31.5', '74')}</c:ser>"
    )
    title = "<c:title><c:tx><c:rich><a:p><a:r><a:t>Sales by year</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    chart = part("chart", title + series)
    body = paragraph('<w:r><w:drawing><c:chart r:id="chart1"/></w:drawing></w:r>')

    assert read(write_word(tmp_path / "chart.docx", body, chart1=chart)).text.splitlines() == [
        "Sales by year",
        "Sales",
        "2024; Sales: 31.5",
        "2025; Sales: 74",
    ]
