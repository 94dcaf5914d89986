"""What a file is by its content, and bytes checked while they pass."""

import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import Image

from core.errors import Invalid, UnsupportedContent
from core.file_types import detect_type
from resolvers.files import FileTooLarge, UploadStream

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"0" * 20_000


def image(form: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, form)
    return buffer.getvalue()


async def chunks_of(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def drain(incoming: UploadStream) -> bytes:
    return b"".join([chunk async for chunk in incoming])


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (PDF, "application/pdf"),
        (image("PNG"), "image/png"),
        (image("JPEG"), "image/jpeg"),
        (image("TIFF"), "image/tiff"),
        (b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "image/vnd.dxf"),
        (b"999\nwritten by a program\n0\nSECTION\n2\nHEADER\n", "image/vnd.dxf"),
        (b"AutoCAD Binary DXF\r\n\x1a\x00" + bytes(100), "image/vnd.dxf"),
        (b"\x00 junk of a gateway\r\n%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "application/pdf"),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, mime_type: str) -> None:
    assert detect_type(content).mime_type == mime_type


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (image("GIF"), "image/gif"),
        (image("WEBP"), "image/webp"),
        (b"PK\x03\x04" + bytes(100), "application/zip"),
        (b"import os\n\n\ndef main(path):\n    return os.listdir(path)\n" * 4, "Python"),
        (b"AC1032" + bytes(100), "DWG drawing, which cannot be read. Save it as DXF, or plot it to PDF"),
        (b"", "empty"),
    ],
)
def test_another_kind_is_refused_by_its_name(content: bytes, said: str) -> None:
    with pytest.raises(UnsupportedContent, match=said):
        detect_type(content)


def package(folder: str) -> bytes:
    """The beginning of an Office file whose main part lies in this folder."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("_rels/.rels", "<Relationships/>")
        archive.writestr(f"{folder}/main.xml", "<main/>")
    return buffer.getvalue()


PROSE = b"BM is what this text begins with. It tells of nothing.\n"
KOI8_R = (
    "\u0421\u0442\u043e\u0438\u043c\u043e\u0441\u0442\u044c \u043d\u0430\u0441\u043e\u0441\u0430.".encode(
        "koi8-r"
    )
)
PAGE = b"<!DOCTYPE html><html><head><title>x</title></head><body>Not found</body></html>"


@pytest.mark.parametrize(
    ("content", "name", "extension"),
    [
        (package("word"), "plan.pdf", "docx"),
        (package("ppt"), "", "pptx"),
        (package("xl"), "", "xlsx"),
        (PAGE, "page.html", "html"),
        (PAGE, "page.txt", "html"),
        (PROSE, "", "txt"),
        (PROSE, "notes.md", "md"),
        (b"# Title\n\nSome *text* and [a link](http://example.org).\n\n- one\n- two\n", "", "md"),
        (b"City,Population\nParis,2102650\nLyon,513275\n", "", "csv"),
        (b"City\tPopulation\nParis\t2102650\nLyon\t513275\n", "towns.tsv", "csv"),
        (b"budget: 3\nplan: A-101\n", "notes.txt", "txt"),
        ("Die Gr\u00f6\u00dfe der H\u00e4user war f\u00fcr alle neu.\n".encode("cp1252"), "haus.txt", "txt"),
        ("\u0647\u0630\u0627 \u0646\u0635 \u0642\u0635\u064a\u0631.".encode(), "arabic", "txt"),
        ("Some words in UTF-16.\n".encode("utf-16"), "words.txt", "txt"),
        (KOI8_R, "koi8r.txt", "txt"),
        (
            "\u4fdd\u8a3c\u671f\u9593\u306f\u4e03\u5e74\u9593\u3067\u3059\u3002".encode("shift-jis"),
            "sjis.txt",
            "txt",
        ),
    ],
)
def test_documents_are_reported_by_content_and_kinds_of_text_by_name(
    content: bytes, name: str, extension: str
) -> None:
    assert detect_type(content, name).extension == extension


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (PAGE, "plan.pdf", "HTML"),
        (PROSE, "plan.PDF", "text"),
        (b"City,Population\nParis,2102650\nLyon,513275\n", "towns.xlsx", "CSV"),
        (bytes(range(256)) * 30, "notes.txt", "nknown"),
        (b"\x7fELF\x02\x01\x01" + bytes(500), "notes.txt", "x-executable"),
    ],
)
def test_a_name_does_not_make_it_another_kind(content: bytes, name: str, said: str) -> None:
    with pytest.raises(UnsupportedContent, match=said):
        detect_type(content, name)


@pytest.mark.parametrize("size", [1, 7, 8192, 100_000])
async def test_bytes_pass_unchanged_and_are_counted_digested_and_recognised(size: int) -> None:
    digest = hashlib.sha256(PDF).hexdigest()
    incoming = UploadStream(chunks_of(PDF, size), max_size=len(PDF), expected=(len(PDF), digest))

    assert await drain(incoming) == PDF
    assert (incoming.size, incoming.sha256, incoming.type.extension) == (len(PDF), digest, "pdf")


async def test_the_first_byte_too_many_ends_it() -> None:
    incoming = UploadStream(chunks_of(PDF, 100), max_size=1000)

    with pytest.raises(FileTooLarge, match="1000"):
        await drain(incoming)
    assert incoming.size == 1100


async def test_too_few_bytes_and_another_digest_are_found_before_the_end() -> None:
    digest = hashlib.sha256(PDF).hexdigest()
    shorter = UploadStream(chunks_of(PDF[:-1], 100), max_size=len(PDF), expected=(len(PDF), digest))
    other = UploadStream(chunks_of(PDF[:-1] + b"1", 100), max_size=len(PDF), expected=(len(PDF), digest))

    with pytest.raises(Invalid, match="but size is") as short:
        await drain(shorter)
    with pytest.raises(Invalid, match="SHA-256") as digested:
        await drain(other)
    assert short.value.path == ("input", "size")
    assert digested.value.path == ("input", "sha256")


async def test_the_wrong_kind_is_refused_at_its_beginning() -> None:
    page = b"<html><body>" + b"<p>No such drawing.</p>" * 10_000
    incoming = UploadStream(chunks_of(page, 1000), max_size=len(page), name="plan.pdf")

    with pytest.raises(UnsupportedContent):
        await drain(incoming)
    assert incoming.size == 9000
