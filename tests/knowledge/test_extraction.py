"""Text out of every kind of file, and sentences for those that give none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from core.errors import DomainError, Invalid, UnsupportedContent
from pipelines.knowledge.extraction import ExtractedText, Limits, extract, extract_pages
from pipelines.knowledge.extraction.runner import PRESENTATION, SPREADSHEET, WORDPROCESSING, limit_warnings
from pipelines.runtime.process_pool import ProcessPool
from tests.knowledge import sample_documents

PDF, HTML, TEXT, CSV = "application/pdf", "text/html", "text/plain", "text/csv"


@pytest.fixture
async def processes() -> AsyncIterator[ProcessPool]:
    children = ProcessPool(1)
    yield children
    await children.close()


def headings(found: ExtractedText) -> list[str]:
    return [page.text[each.start : each.end] for page in found.pages for each in page.headings]


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    found = extract(sample_documents.columns(tmp_path / "halls.pdf"), PDF)

    assert " ".join(found.text.split()) == " ".join(
        [
            "The halls and their doors, as they were found by us",
            *sample_documents.LEFT,
            *sample_documents.RIGHT,
        ]
    )
    assert headings(found) == ["The halls and their doors, as they were found by us"]


def test_pages_keep_their_numbers(tmp_path: Path) -> None:
    path = sample_documents.pages(
        tmp_path / "three.pdf", ["The first page is this.", "", "The third page is this."]
    )
    found = extract(path, PDF)

    assert [(page.number, page.text) for page in found.pages] == [
        (1, "The first page is this."),
        (2, ""),
        (3, "The third page is this."),
    ]
    assert found.text == "The first page is this.\f\fThe third page is this."


async def test_a_picture_of_a_page_is_read(tmp_path: Path, processes: ProcessPool) -> None:
    path = sample_documents.write_scanned_pdf(tmp_path / "scan.pdf", "Fire doors hold ninety minutes")
    received: list[float] = []

    async def report(progress: float) -> None:
        received.append(progress)

    found = await extract_pages(processes.run_within, path, PDF, report=report)

    first, second = found.pages
    assert (first.text, first.from_ocr) == ("This page carries its text itself.", False)
    assert (" ".join(second.text.lower().split()), second.from_ocr) == (
        "fire doors hold ninety minutes",
        True,
    )
    assert received == [1.0]


async def test_more_pictures_than_are_read_are_reported(tmp_path: Path, processes: ProcessPool) -> None:
    path = sample_documents.write_scanned_pdf(tmp_path / "scan.pdf", "Fire doors")
    found = await extract_pages(processes.run_within, path, PDF, limits=Limits(scanned_pages=0))

    assert found.warnings == ("1 more scanned pages were not read.",)
    assert found.pages[1].text == ""


def test_a_word_document_is_read_in_order(tmp_path: Path) -> None:
    found = extract(sample_documents.word(tmp_path / "lease.docx"), WORDPROCESSING)

    assert found.text == "Lease \U0001f3e2\n\nThe rent is 4,200 euros.\n\n- No pets\n\nEnds | 2031"
    assert headings(found) == ["Lease \U0001f3e2"]


def test_slides_are_pages(tmp_path: Path) -> None:
    found = extract(sample_documents.slides(tmp_path / "talk.pptx"), PRESENTATION)

    assert [(page.number, page.text) for page in found.pages] == [
        (1, "Doors"),
        (2, "Rents\n\n4,200 euros\n\nSay it slowly."),
    ]
    assert headings(found) == ["Doors", "Rents"]


def test_sheets_are_pages_whose_rows_name_their_columns(tmp_path: Path) -> None:
    found = extract(sample_documents.workbook(tmp_path / "towns.xlsx"), SPREADSHEET)

    assert [page.text for page in found.pages] == [
        "Towns\n\nCity | People\nCity: Paris; People: 2102650\nCity: Lyon; People: 513275.5",
        "Bare\n\n1 | 2",
    ]


def test_a_table_of_values_is_read_by_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "towns.csv", 'City;Mayor\nParis;"A; B"\nLyon;\n')

    assert extract(path, CSV).text == "City | Mayor\nCity: Paris; Mayor: A; B\nCity: Lyon"


def test_a_web_page_is_read_as_it_is_seen(tmp_path: Path) -> None:
    page = (
        "<html><head><title>T</title><style>p{}</style></head><body><nav>Menu</nav><h1>Rent &amp; doors</h1>"
        "<p>The <b>rent</b> is<br>4,200.</p><script>alert(1)</script><ul><li>One</li><li>Two</li></ul>"
        "<table><tr><td>Ends</td><td>2031</td></tr></table><!-- no --></body></html>"
    )
    found = extract(write(tmp_path / "page.html", page), HTML)

    assert found.text == "Rent & doors\n\nThe rent is 4,200.\n- One\n- Two\n\nEnds | 2031"
    assert headings(found) == ["Rent & doors"]


def test_markdown_stays_as_it_is(tmp_path: Path) -> None:
    text = "# One\n\nText.\n\n```\n# no heading\n```\n\nTwo\n---\nMore \u0646\u0635 \U0001f525"
    found = extract(write(tmp_path / "notes.md", text), TEXT, "notes.md")

    assert (found.text, found.mime_type, headings(found)) == (text, "text/markdown", ["# One", "Two\n---"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings_are_distinguished(tmp_path: Path, encoding: str) -> None:
    text = "Die Gr\u00f6\u00dfe der H\u00e4user \u00fcbertraf alles, was m\u00f6glich schien. " * 5
    path = write(tmp_path / "haus.txt", text.encode(encoding))

    assert extract(path, TEXT).text == text.strip()


def test_one_line_in_another_encoding_spoils_no_other(tmp_path: Path) -> None:
    lines = ["H\u00e4user und \u0646\u0635 \U0001f525\n".encode()] * 20 + ["M\u00fcnchen\n".encode("cp1252")]

    text = extract(write(tmp_path / "mixed.txt", b"".join(lines)), TEXT).text
    assert text.splitlines() == ["H\u00e4user und \u0646\u0635 \U0001f525"] * 20 + ["M\u00fcnchen"]


def bomb(path: Path) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 2_000_000)
    return path


@pytest.mark.parametrize(
    ("make", "mime_type", "kind", "said"),
    [
        (lambda path: write(path, b""), TEXT, Invalid, "empty"),
        (lambda path: write(path, b" \n "), TEXT, Invalid, "empty"),
        (lambda path: write(path, bytes(range(256)) * 30), TEXT, UnsupportedContent, "not a text file"),
        (lambda path: write(path, "Word. " * 400_000), TEXT, UnsupportedContent, "1,000,000 characters"),
        (
            lambda path: sample_documents.pages(path, ["Secret"], password="x"),
            PDF,
            UnsupportedContent,
            "encrypted",
        ),
        (lambda path: sample_documents.pages(path, ["Page"] * 6), PDF, UnsupportedContent, "at most 5 pages"),
        (lambda path: sample_documents.pages(path, [" "]), PDF, Invalid, "No text"),
        (lambda path: write(path, b"%PDF-1.7\nnothing"), PDF, Invalid, "damaged"),
        (lambda path: write(path, b"PK\x03\x04nothing"), WORDPROCESSING, Invalid, "damaged"),
        (bomb, WORDPROCESSING, UnsupportedContent, "unpacks to more"),
        (
            lambda path: write(path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1locked"),
            SPREADSHEET,
            UnsupportedContent,
            "password-protected",
        ),
        (lambda path: sample_documents.word(path), PRESENTATION, Invalid, "damaged"),
        (lambda path: sample_documents.slides(path), WORDPROCESSING, Invalid, "damaged"),
        (
            lambda path: write(path, "<html><body><script>1</script></body></html>"),
            HTML,
            Invalid,
            "No text",
        ),
        (lambda path: write(path, "x"), "image/png", UnsupportedContent, "must be a PDF"),
    ],
)
def test_what_gives_no_text_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], mime_type: str, kind: type[DomainError], said: str
) -> None:
    limits = Limits(pages=5, characters=1_000_000, unpacked_bytes=1_000_000)
    with pytest.raises(kind, match=said):
        extract(make(tmp_path / "file"), mime_type, limits=limits)


async def test_reading_ends_with_its_time(tmp_path: Path) -> None:
    async def slow(seconds: float, function: object, *args: object) -> None:
        async with asyncio.timeout(seconds):
            await asyncio.sleep(60)

    path = write(tmp_path / "slow.txt", "Slow.")
    with pytest.raises(UnsupportedContent, match=r"longer than 0\.01 seconds"):
        await extract_pages(slow, path, TEXT, limits=Limits(seconds=0.01))


def test_warnings_that_are_not_listed_are_counted() -> None:
    warnings = [f"The hidden sheet {number} was not read." for number in range(60)]

    kept = limit_warnings(warnings)

    assert kept == (*warnings[:49], "11 more warnings are not listed.")
    assert limit_warnings(warnings[:50]) == tuple(warnings[:50])


def test_json_lines_that_are_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text('{"a": 1}\n' + "[" * 100_000 + "]" * 100_000)

    with pytest.raises(UnsupportedContent, match="100 levels"):
        extract(path, "application/json", "deep.jsonl")
