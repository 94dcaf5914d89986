"""What a file is by its content, and bytes checked while they pass."""

import hashlib
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from PIL import Image

from core.errors import Invalid, Unsupported
from resolvers.files import Incoming, TooLarge
from resolvers.files.content import recognise

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"0" * 20_000


def image(form: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, form)
    return buffer.getvalue()


async def passing(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def drained(incoming: Incoming) -> bytes:
    return b"".join([chunk async for chunk in incoming])


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (PDF, "application/pdf"),
        (image("PNG"), "image/png"),
        (image("JPEG"), "image/jpeg"),
        (image("TIFF"), "image/tiff"),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, mime_type: str) -> None:
    assert recognise(content).mime_type == mime_type


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html><head><title>x</title></head><body>Not found</body></html>", "HTML"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (image("GIF"), "image/gif"),
        (image("WEBP"), "image/webp"),
        (b"PK\x03\x04" + bytes(100), "application/zip"),
        (b"import os\n\n\ndef main(path):\n    return os.listdir(path)\n" * 4, "Python"),
        (b"", "empty"),
    ],
)
def test_another_kind_is_refused_by_its_name(content: bytes, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        recognise(content)


@pytest.mark.parametrize("size", [1, 7, 8192, 100_000])
async def test_bytes_pass_unchanged_and_are_counted_digested_and_recognised(size: int) -> None:
    digest = hashlib.sha256(PDF).hexdigest()
    incoming = Incoming(passing(PDF, size), largest=len(PDF), wanted=(len(PDF), digest))

    assert await drained(incoming) == PDF
    assert (incoming.size, incoming.sha256, incoming.kind.extension) == (len(PDF), digest, "pdf")


async def test_the_first_byte_too_many_ends_it() -> None:
    incoming = Incoming(passing(PDF, 100), largest=1000)

    with pytest.raises(TooLarge, match="1000"):
        await drained(incoming)
    assert incoming.size == 1100


async def test_too_few_bytes_and_another_digest_are_found_before_the_end() -> None:
    digest = hashlib.sha256(PDF).hexdigest()
    shorter = Incoming(passing(PDF[:-1], 100), largest=len(PDF), wanted=(len(PDF), digest))
    other = Incoming(passing(PDF[:-1] + b"1", 100), largest=len(PDF), wanted=(len(PDF), digest))

    with pytest.raises(Invalid, match="bytes came") as short:
        await drained(shorter)
    with pytest.raises(Invalid, match="SHA-256") as digested:
        await drained(other)
    assert short.value.path == ("input", "size")
    assert digested.value.path == ("input", "sha256")


async def test_the_wrong_kind_is_refused_at_its_beginning() -> None:
    page = b"<html><body>" + b"<p>No such drawing.</p>" * 10_000
    incoming = Incoming(passing(page, 1000), largest=len(page))

    with pytest.raises(Unsupported):
        await drained(incoming)
    assert incoming.size == 9000
