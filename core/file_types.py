"""File type detection, and streams of bytes that are validated while they are stored."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import filetype

from core.errors import Invalid, UnsupportedContent
from core.text_decoding import is_text

if TYPE_CHECKING:
    from magika import Magika

HEAD_BYTES = 8192
"""Number of leading bytes that both detectors inspect."""

HTML_START = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b", re.IGNORECASE)
"""Start of an HTML page, such as a sign-in page that was saved under a drawing's name."""

DXF_START = re.compile(
    rb"AutoCAD Binary DXF\r\n\x1a\x00|(\xef\xbb\xbf)?\s*(999[ \t]*\r?\n[^\n]*\n\s*)*0\s*\r?\n\s*SECTION\s"
)
"""Start of a DXF drawing: binary, or text that may begin with comments."""

PDF_START = re.compile(rb"(?:^|[\r\n])%PDF-[12]\.\d\s.*?\d+ \d+ obj\b", re.DOTALL)
PDF_START_BYTES = 4096
"""Start of a PDF, before which readers admit other bytes, and how many bytes of it are searched."""

DWG_START = re.compile(rb"AC(10\d\d|[12]\.\d)")
"""Start of a DWG drawing: its version."""

DWG_REFUSAL = "The file is a DWG drawing, which cannot be read. Save it as DXF, or plot it to PDF."

OFFICE_PART = re.compile(rb"PK\x03\x04.{26}(word|ppt|xl)/", re.DOTALL)
"""Start of a part of a Word document, a presentation or a workbook."""


STRUCTURED_TEXT_TYPES = frozenset(("application/json", "application/xml", "message/rfc822"))
"""Media types of text beside `text/…`."""


@dataclass(frozen=True)
class FileType:
    """An accepted file type: the extension of its objects, and further extensions of file names."""

    description: str
    mime_type: str
    extension: str
    other_extensions: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.mime_type.startswith("text/") or self.mime_type in STRUCTURED_TEXT_TYPES


OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
OFFICE = "application/vnd.openxmlformats-officedocument"

FILE_TYPES = {
    kind.mime_type: kind
    for kind in (
        FileType("a PDF", "application/pdf", "pdf"),
        FileType("a PNG image", "image/png", "png"),
        FileType("a JPEG image", "image/jpeg", "jpg", ("jpeg",)),
        FileType("a TIFF image", "image/tiff", "tiff", ("tif",)),
        FileType("a DXF drawing", "image/vnd.dxf", "dxf"),
        FileType("a Word document", f"{OFFICE}.wordprocessingml.document", "docx"),
        FileType("a presentation", f"{OFFICE}.presentationml.presentation", "pptx"),
        FileType("a workbook", f"{OFFICE}.spreadsheetml.sheet", "xlsx"),
        FileType("an OpenDocument text", f"{OPEN_DOCUMENT}.text", "odt"),
        FileType("an OpenDocument spreadsheet", f"{OPEN_DOCUMENT}.spreadsheet", "ods"),
        FileType("an OpenDocument presentation", f"{OPEN_DOCUMENT}.presentation", "odp"),
        FileType("an RTF document", "application/rtf", "rtf"),
        FileType("an EPUB book", "application/epub+zip", "epub"),
        FileType("an e-mail", "message/rfc822", "eml"),
        FileType("JSON", "application/json", "json", ("jsonl", "ndjson")),
        FileType("XML", "application/xml", "xml"),
        FileType("an HTML page", "text/html", "html", ("htm",)),
        FileType("Markdown", "text/markdown", "md", ("markdown",)),
        FileType("a CSV table", "text/csv", "csv", ("tsv",)),
        FileType("plain text", "text/plain", "txt", ("text",)),
    )
}
"""The accepted file types, by media type."""

TYPES_BY_EXTENSION = {
    extension: kind for kind in FILE_TYPES.values() for extension in (kind.extension, *kind.other_extensions)
}
TYPES_BY_LABEL = {label: TYPES_BY_EXTENSION[label] for label in ("tsv", "json", "jsonl", "xml", "eml", "rtf")}
"""Accepted file types by Magika's labels, where its media types differ."""
OFFICE_EXTENSIONS = {b"word": "docx", b"ppt": "pptx", b"xl": "xlsx"}
"""File extension by the folder of the main part."""


class FileTooLarge(UnsupportedContent):
    """The file is larger than the limit, or than declared."""


@cache
def detector() -> "Magika":
    """The Magika model, imported and loaded on first use: 0.5 s and tens of megabytes."""
    from magika import Magika

    return Magika()


def detect_type(head: bytes, name: str = "") -> FileType:
    """The type of a file by its first bytes: by its signature, otherwise by Magika.

    The extension of its name distinguishes types of text; a text with the extension of another type is
    refused. Raises `UnsupportedContent`, which names the detected type.
    """
    if not head:
        raise UnsupportedContent("The file is empty.")
    if DXF_START.match(head):
        return TYPES_BY_EXTENSION["dxf"]
    if PDF_START.search(head, 0, PDF_START_BYTES):
        return FILE_TYPES["application/pdf"]
    if DWG_START.match(head) and not is_text(head):
        raise UnsupportedContent(DWG_REFUSAL)
    readable = is_text(head)
    signature = filetype.guess(head)
    if signature is not None and signature.mime in FILE_TYPES:
        return FILE_TYPES[signature.mime]
    part = OFFICE_PART.search(head)
    if part and head.startswith(b"PK"):
        return TYPES_BY_EXTENSION[OFFICE_EXTENSIONS[part[1]]]
    named = TYPES_BY_EXTENSION.get(name.rpartition(".")[2].lower()) if "." in name else None
    if HTML_START.match(head):
        kind, found = FILE_TYPES["text/html"], "an HTML page"
    elif signature is not None and not readable:  # two letters can be a signature, and begin a text
        kind, found = None, signature.mime
    else:
        kind, found = detect_text_type(head, named, readable)
    if kind is not None and not (kind.is_text and named is not None and not named.is_text):
        return kind
    *most, last = (kind.description for kind in FILE_TYPES.values())
    raise UnsupportedContent(
        f"The file type is not supported ({found}). Supported are {', '.join(most)} and {last}."
    )


def detect_text_type(head: bytes, named: FileType | None, readable: bool) -> tuple[FileType | None, str]:
    """The accepted type of a file without a signature, if any, and a description of what was detected."""
    output = detector().identify_bytes(head).output
    found = output.description or output.label
    kind = FILE_TYPES.get(output.mime_type) or TYPES_BY_LABEL.get(output.label)
    if kind is not None and not kind.is_text:
        return kind, found
    page = kind is not None and kind.extension == "html" and named is not None and named.extension != "eml"
    if readable and named is not None and named.is_text and not page:
        return named, found
    if kind is None and readable and output.label == "unknown":
        kind = FILE_TYPES["text/plain"]
    return (kind if readable else None), found


class UploadStream(AsyncIterable[bytes]):
    """Chunks on their way to the store, iterated once: counted, hashed and typed while they pass.

    Iteration raises before the end is reached, so that the store never publishes an invalid object:
    `FileTooLarge` above `max_size`, `UnsupportedContent` once the type is known, and `Invalid` at the end if
    size and SHA-256 (hexadecimal) differ from the `expected` ones. `name` distinguishes text types.
    """

    def __init__(
        self,
        chunks: AsyncIterable[bytes],
        *,
        max_size: int,
        expected: tuple[int, str] | None = None,
        name: str = "",
    ) -> None:
        self._chunks, self._max_size, self._expected, self._name = chunks, max_size, expected, name
        self._hash = hashlib.sha256()
        self._head = b""
        self._type: FileType | None = None
        self.size = 0

    @property
    def type(self) -> FileType:
        """The detected type, known after iteration."""
        assert self._type is not None
        return self._type

    @property
    def sha256(self) -> str:
        """SHA-256 of the chunks so far, in hexadecimal."""
        return self._hash.hexdigest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._max_size:
                raise FileTooLarge(f"The file must be at most {self._max_size} bytes.")
            self._hash.update(chunk)
            if self._type is None:
                self._head += chunk[: HEAD_BYTES - len(self._head)]
                if len(self._head) == HEAD_BYTES:
                    self._type = await asyncio.to_thread(detect_type, self._head, self._name)
            if chunk:
                yield chunk
        self._type = self._type or await asyncio.to_thread(detect_type, self._head, self._name)
        if self._expected is None:
            return
        size, sha256 = self._expected
        if self.size != size:
            raise Invalid(f"Received {self.size} bytes, but size is {size}.", "input", "size")
        if self.sha256 != sha256:
            raise Invalid("The SHA-256 of the received bytes does not match sha256.", "input", "sha256")
