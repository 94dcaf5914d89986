"""A polyglot is what two parsers open; bytes that look like markup or an archive make none."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from pipelines.imagery.image_inspection import RejectedImage, inspect
from tests.imagery.stored_crawls import picture

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
PAGE = b"<script>alert(1)</script>"
END_OF_ARCHIVE = b"PK\5\6" + bytes(18)


def code(folder: Path, content: bytes) -> str | None:
    """Why a file is refused."""
    path = folder / "image"
    path.write_bytes(content)
    (outcome,) = inspect([path], 100_000_000)
    return outcome.code if isinstance(outcome, RejectedImage) else None


def archive() -> bytes:
    """A ZIP archive with a file."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("a.txt", "hidden")
    return file.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_a_page_or_an_archive_after_an_image_is_refused(tmp_path: Path, format: str) -> None:
    content = picture(1, (64, 48), format)

    assert [code(tmp_path, content + trailer) for trailer in (PAGE, archive(), b"")] == [
        "POLYGLOT",
        "POLYGLOT",
        None,
    ]


@pytest.mark.parametrize("trailer", [END_OF_ARCHIVE, b"PK\3\4", bytes(100), b"a < b", b"%PDF-1.4"])
def test_what_no_other_parser_opens_is_an_image(tmp_path: Path, trailer: bytes) -> None:
    assert code(tmp_path, picture(1, (64, 48)) + trailer) is None


def test_a_comment_that_looks_like_markup_is_no_page(tmp_path: Path) -> None:
    comment = picture(1, (64, 48), "JPEG", comment=b"Drawn by <script> for <html>")

    assert code(tmp_path, comment) is None


def test_an_image_that_readers_of_pdf_open_is_refused(tmp_path: Path) -> None:
    content = picture(1, (64, 48))
    header = b"\xff\xfe\x00\x10%PDF-1.4      "

    assert code(tmp_path, content[:2] + header + content[2:] + b"\nstartxref\n0\n%%EOF") == "POLYGLOT"
