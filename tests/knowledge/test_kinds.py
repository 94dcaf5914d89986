"""Files of many kinds: what they say is quotable, noise is not, and what was not read is reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Invalid, UnsupportedContent
from core.file_types import HEAD_BYTES, detect_type
from core.sentence_segmentation import sentences
from pipelines.knowledge.chunking import split_pages
from pipelines.knowledge.extraction import Limits, extract, runner
from tests.knowledge import sample_documents
from tests.knowledge import sample_kinds as kinds
from tests.knowledge.sample_kinds import Sample, mail, message, open_document, table, text
from tests.knowledge.word_parts import paragraph, write_word

MARGINS = (
    "<style:header><text:p>Lease 4711</text:p></style:header>"
    "<style:footer><text:p>Harbour</text:p></style:footer>"
)
TEXT_BODY = (
    "<text:tracked-changes><text:p>ninety</text:p></text:tracked-changes>"
    '<text:h text:outline-level="1">Fees</text:h>'
    "<text:p>Due in <text:change-start/>thirty<text:change-end/> days"
    "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Not in March.</text:p>"
    "</text:note-body></text:note>.</text:p>"
    "<text:list><text:list-item><text:p>No pets</text:p></text:list-item>"
    "</text:list><text:p>"
    "<draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box></draw:frame></text:p>"
)
HIDDEN = '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
SLIDES = (
    "<draw:page><draw:frame><draw:text-box><text:p>First slide.</text:p></draw:text-box></draw:frame>"
    "<presentation:notes><draw:frame>"
    "<draw:text-box><text:p>Say it slowly.</text:p></draw:text-box></draw:frame>"
    "</presentation:notes></draw:page><draw:page><draw:frame><draw:image/></draw:frame>"
    "<draw:frame><draw:text-box><text:p>Second slide.</text:p></draw:text-box></draw:frame></draw:page>"
)
HTML_MAIL = "<p>Rich <b>body</b>.</p><p style='display:none'>NOISE</p>"

SAMPLES = [
    Sample("a.docx", sample_documents.word, ("The rent is 4,200 euros.", "- No pets")),
    Sample("b.docx", lambda path: write_word(path, paragraph("Body.")), ("Body.",)),
    Sample(
        "a.pptx",
        kinds.talk,
        (
            "Model: Borealis 9; Power: 9; Price: 14,350",
            "Grouped twice.",
            "Sales by year",
            "2030; Sales: 31.5",
            "Say it slowly.",
        ),
    ),
    Sample("a.xlsx", sample_documents.workbook, ("City: Paris; People: 2102650", "1 | 2")),
    Sample(
        "b.xlsx",
        kinds.price_list,
        (
            "Price list of 2031",
            "Model: Borealis 9; Price: 14,350.50 EUR; Share: 12.5%; From: 01.06.2031; "
            "Count: 0.3; Net: \u20ac 1,234",
            "Comment on B4: Agreed by phone",
            "Prices over time",
            "Valid until March",
        ),
        ("Margin of 40 percent", "Deeper still"),
        ("The hidden sheet Margins was not read.", "The hidden sheet Deep was not read."),
    ),
    Sample(
        "a.pdf",
        kinds.report,
        ("The total of section 3 is 2193 euros.",),
        ("Page 3 of 4", "Annual report 2031"),
        ("The running header or footer \u201cAnnual report 2031 of the harbour\u201d was not read.",),
    ),
    Sample(
        "a.odt",
        open_document("text", TEXT_BODY + table(kinds.ROWS), margins=MARGINS),
        (
            "Lease 4711",
            "Due in thirty days.",
            "Not in March.",
            "- No pets",
            "In a box.",
            "Harbour",
            *kinds.LABELLED,
        ),
        ("ninety",),
    ),
    Sample("b.odt", open_document("text", "<text:p>One<text:s text:c='2'/>two.</text:p>"), ("One  two.",)),
    Sample(
        "a.ods",
        open_document(
            "spreadsheet", table(kinds.ROWS, "Fees") + table((("NOISE",),), "Margins", "h"), styles=HIDDEN
        ),
        kinds.LABELLED,
        ("NOISE",),
        ("The hidden sheet Margins was not read.",),
    ),
    Sample(
        "a.odp",
        open_document("presentation", SLIDES),
        ("First slide.", "Say it slowly.", "Second slide."),
        (),
        ("Images without alternative text were not read: 1.",),
    ),
    Sample(
        "a.rtf",
        text(kinds.RTF),
        (
            "Lease 4711",
            "Caf\u00e9 costs 14\u20ac.",
            "Payment is due in thirty days.",
            "Not in March.",
            "\u041f\u0440\u0438\u0432\u0435\u0442",
            "Zone: North; Kind: Car; Fee: 31.50",
            "\U0001f44e end.",
        ),
        ("SECRET", "ninety", "hidden", "NOISE", "0102"),
        ("Hidden text was not read.", "Images were not read: 1."),
    ),
    Sample("b.rtf", text(r"{\rtf1\ansi Two\line lines, {\b bold}.\par}"), ("lines, bold.",)),
    Sample("a.epub", kinds.book(("<h1>One</h1><p>First.</p>", "<p>Second.</p>")), ("First.", "Second.")),
    Sample(
        "b.epub", kinds.book(("<p>Only.</p>",), encryption="http://www.idpf.org/2008/embedding"), ("Only.",)
    ),
    Sample(
        "a.eml",
        mail(message("Offer 4711", "Plain body.")),
        (
            "Offer 4711",
            "From: Ada <ada@demo.example>",
            "Date: Mon, 03 Mar 2031 10:00:00 +0000",
            "Plain body.",
        ),
    ),
    Sample(
        "b.eml",
        mail(
            message("Offer", "Plain.", html=HTML_MAIL, attachments={"fees.csv": b"Zone,Fee\nNorth,31.50\n"})
        ),
        ("Rich body.", "Zone: North; Fee: 31.50"),
        ("NOISE", "Plain."),
    ),
    Sample(
        "c.eml",
        mail(
            message(
                "Offer", "Body.", attachments={"x.exe": b"MZ\x00\x01" * 100, "fees.html": kinds.PAGE.encode()}
            )
        ),
        ("Permits cost 31.50.",),
        ("NOISE",),
        ("The attachment x.exe was not read",),
    ),
    Sample(
        "d.eml",
        mail(kinds.nested_mail(5)),
        ("This is level 1.", "This is level 3."),
        ("This is level 4.",),
        ("E-mails nested more than 3 deep were not read.",),
    ),
    Sample(
        "a.json",
        text(kinds.JSON),
        ("fees[0]: zone: North; price: 31.5", "fees[1].tags: a, b", "ok: true", "none: null"),
    ),
    Sample(
        "b.json",
        text('{"a": 12345678901234567890.10, "a": "twice"}'),
        ("a: 12345678901234567890.10; a: twice",),
    ),
    Sample("a.jsonl", text('{"a": 1}\n{"a": 2}\n'), ("[1]: a: 1", "[2]: a: 2")),
    Sample(
        "a.xml",
        text(kinds.XML, "koi8-r"),
        ("fees/@year: 2031", "fees/fee[1]: @id: 7; zone: \u0421\u0435\u0432\u0435\u0440; price: 31.50"),
        ("NOISE",),
    ),
    Sample("b.xml", text("<doc><p>See <b>annex</b> two.</p></doc>"), ("doc/p: See annex two.",)),
    Sample("a.html", text(kinds.PAGE), ("Permits cost 31.50.",), ("NOISE",)),
    Sample("b.htm", text(kinds.PAGE, "utf-16"), ("Permits cost 31.50.",), ("NOISE",)),
    Sample("a.md", text("# Fees\n\nPermits cost 31.50."), ("# Fees", "Permits cost 31.50.")),
    Sample("a.csv", text("Zone,Kind,Fee\nNorth,Car,31.50\n"), kinds.LABELLED[:1]),
    Sample(
        "b.csv",
        text("Stadt;Gr\u00f6\u00dfe\nK\u00f6ln;12\n", "cp1252"),
        ("Stadt: K\u00f6ln; Gr\u00f6\u00dfe: 12",),
    ),
    Sample("c.tsv", text("Zone\tKind\tFee\nNorth\tCar\t31.50\n"), kinds.LABELLED[:1]),
    Sample("a.txt", text("Hyphen\u00adation is joined."), ("Hyphenation is joined.",)),
    Sample(
        "b.txt",
        text("\ufefb \ufe8e\ufedf\ufea4\ufee4\ufeaa"),
        ("\u0644\u0627 \u0627\u0644\u062d\u0645\u062f",),
    ),
    *(
        Sample(f"{encoding}.txt", text(content, encoding), (content,))
        for encoding, content in (
            ("shift_jis", kinds.JAPANESE),
            ("euc_jp", kinds.JAPANESE),
            ("iso2022_jp", kinds.JAPANESE),
            ("koi8_r", kinds.RUSSIAN),
            ("cp1251", kinds.RUSSIAN),
            ("gb18030", kinds.CHINESE),
            ("big5", kinds.TAIWANESE),
            ("iso8859_9", kinds.TURKISH),
            ("cp1250", kinds.CZECH),
            ("iso8859_2", kinds.CZECH),
        )
    ),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_what_a_file_says_is_quotable(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / sample.name
    sample.write(path)
    kind = detect_type(path.read_bytes()[:HEAD_BYTES], sample.name)
    extracted = extract(path, kind.mime_type, sample.name)
    chunks = split_pages(extracted.pages)
    quotable = [page.text[start:end] for page in extracted.pages for start, end in sentences(page.text)]

    for sentence in sample.found:
        assert any(sentence in quotation for quotation in quotable), extracted.text
        assert any(sentence in chunk.text for chunk in chunks)
    for noise in sample.absent:
        assert noise not in extracted.text
    assert len(extracted.warnings) == len(sample.warnings)
    for warning, beginning in zip(extracted.warnings, sample.warnings, strict=True):
        assert warning.startswith(beginning)


def test_there_are_forty_files_of_fifteen_kinds() -> None:
    assert len(SAMPLES) >= 40
    assert len({sample.name.rpartition(".")[2] for sample in SAMPLES}) >= 15


def xml_bomb() -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><x>&a9;</x>'


def deep_xml(depth: int) -> str:
    return "<x>" * depth + "end" + "</x>" * depth


def half(write: Callable[[Path], object]) -> Callable[[Path], object]:
    """The first half of a file."""

    def cut(path: Path) -> None:
        write(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


def zeros(name: str) -> Callable[[Path], object]:
    return kinds.package({name: " " * 3_000_000}, "application/zip")


OPEN = "application/vnd.oasis.opendocument"
HOSTILE = [
    (text(xml_bomb()), "application/xml", "entities|not valid"),
    (text('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'), "application/xml", "entities"),
    (text(deep_xml(100_000)), "application/xml", "not valid|too deeply"),
    (text(deep_xml(230)), "application/xml", "too deeply"),
    (text("<x>" * 3), "application/xml", "not valid XML: line 1"),
    (text("[" * 100_000 + "]" * 100_000), "application/json", "levels deep"),
    (text("[" * 150 + "1" + "]" * 150), "application/json", "levels deep"),
    (text('{"a": 1,\n "b": }'), "application/json", "not valid JSON: line 2"),
    (text("{\\rtf1 " + "{" * 10_000 + "}" * 10_000 + "}"), "application/rtf", "levels deep"),
    (text("{\\rtf1 {\\b cut"), "application/rtf", "incomplete"),
    (text("plain words"), "application/rtf", "not an RTF document"),
    (text("plain words"), "message/rfc822", "no headers"),
    (text("plain words"), "application/epub+zip", "damaged"),
    (open_document("text", "<text:p>x</text:p>"), f"{OPEN}.spreadsheet", "damaged"),
    (open_document("text", deep_xml(250)), f"{OPEN}.text", "damaged"),
    (half(open_document("text", "<text:p>x</text:p>")), f"{OPEN}.text", "damaged"),
    (half(kinds.talk), runner.PRESENTATION, "damaged"),
    (half(kinds.price_list), runner.SPREADSHEET, "damaged"),
    (half(kinds.report), "application/pdf", "damaged|No text"),
    (zeros("content.xml"), f"{OPEN}.text", "unpacks to more"),
    (zeros("word/document.xml"), runner.WORDPROCESSING, "unpacks to more"),
    (zeros("o/b.opf"), "application/epub+zip", "unpacks to more"),
    (kinds.book(("<p>x</p>",), encryption="urn:drm"), "application/epub+zip", "protected"),
    (kinds.package({"content.xml": xml_bomb()}, f"{OPEN}.text"), f"{OPEN}.text", "damaged"),
    (
        open_document(
            "spreadsheet",
            '<table:table><table:table-row table:number-rows-repeated="999999">'
            '<table:table-cell table:number-columns-repeated="999999"><text:p>x</text:p></table:table-cell>'
            "</table:table-row></table:table>" * 9,
        ),
        f"{OPEN}.spreadsheet",
        "cells|characters",
    ),
    (lambda path: write_word(path, "<w:p>" + deep_xml(250) + "</w:p>"), runner.WORDPROCESSING, "damaged"),
    (lambda path: write_word(path, ""), runner.WORDPROCESSING, "No text"),
    (text("<p hidden>x</p>"), "text/html", "No text"),
    (text("<div>" * 5_000 + "end" + "</div>" * 5_000), "text/html", "nested too deeply"),
]


@pytest.mark.parametrize(("write", "mime_type", "said"), HOSTILE)
def test_hostile_files_are_refused(
    tmp_path: Path, write: Callable[[Path], object], mime_type: str, said: str
) -> None:
    path = tmp_path / "hostile"
    write(path)

    with pytest.raises((Invalid, UnsupportedContent), match=said):
        extract(path, mime_type, limits=Limits(unpacked_bytes=2_000_000, characters=2_000_000))


def test_deeply_nested_html_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.html"
    path.write_text("<div>" * 1_000 + "end" + "</div>" * 1_000)

    assert extract(path, "text/html").text == "end"
