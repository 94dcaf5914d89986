"""What a file is by its content, and bytes that are checked while they pass."""

import asyncio
import hashlib
import re
from codecs import getincrementaldecoder
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from functools import cache

import filetype
from magika import Magika

from core.errors import Invalid, UnsupportedContent

HEAD_BYTES = 8192
"""Of a file's beginning: what both detectors look at."""

HTML = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b", re.IGNORECASE)
"""How pages begin: also what a browser saves under a drawing's name when a sign-in has run out."""


PART = re.compile(rb"PK\x03\x04.{26}(word|ppt|xl)/", re.DOTALL)
"""The beginning of a part of a Word document, a presentation or a workbook."""

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Kind:
    """A kind of file that is accepted, the extension that its objects get, and others that its names have."""

    words: str
    mime_type: str
    extension: str
    others: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.mime_type.startswith("text/")


OFFICE = "application/vnd.openxmlformats-officedocument"

KINDS = {
    kind.mime_type: kind
    for kind in (
        Kind("a PDF", "application/pdf", "pdf"),
        Kind("a PNG image", "image/png", "png"),
        Kind("a JPEG image", "image/jpeg", "jpg", ("jpeg",)),
        Kind("a TIFF image", "image/tiff", "tiff", ("tif",)),
        Kind("a Word document", f"{OFFICE}.wordprocessingml.document", "docx"),
        Kind("a presentation", f"{OFFICE}.presentationml.presentation", "pptx"),
        Kind("a workbook", f"{OFFICE}.spreadsheetml.sheet", "xlsx"),
        Kind("an HTML page", "text/html", "html", ("htm",)),
        Kind("Markdown", "text/markdown", "md", ("markdown",)),
        Kind("a CSV table", "text/csv", "csv", ("tsv",)),
        Kind("plain text", "text/plain", "txt", ("text",)),
    )
}
"""Every kind that is accepted, by media type."""

BY_EXTENSION = {extension: kind for kind in KINDS.values() for extension in (kind.extension, *kind.others)}
PARTS = {b"word": "docx", b"ppt": "pptx", b"xl": "xlsx"}
"""The extension by the folder that holds the main part."""


class TooLarge(UnsupportedContent):
    """More bytes than this server takes, or than were announced."""


@cache
def detector() -> Magika:
    """Loads a model: a fifth of a second and some tens of megabytes, so not before it is needed."""
    return Magika()


def recognise(head: bytes, name: str = "") -> Kind:
    """The kind of a file that begins so: by its signature, or without one by Magika.

    Which kind of text it is, its name may say; a text whose name is that of another kind is refused. Raises
    `Unsupported`, which says what the file is instead.
    """
    if not head:
        raise UnsupportedContent("The file is empty.")
    readable = reads_as_text(head)
    signature = filetype.guess(head)
    if signature is not None and signature.mime in KINDS:
        return KINDS[signature.mime]
    part = PART.search(head)
    if part and head.startswith(b"PK"):
        return BY_EXTENSION[PARTS[part[1]]]
    named = BY_EXTENSION.get(name.rpartition(".")[2].lower()) if "." in name else None
    if HTML.match(head):
        kind, found = KINDS["text/html"], "an HTML page"
    elif signature is not None and not readable:  # two letters can be a signature, and begin a text
        kind, found = None, signature.mime
    else:
        kind, found = of_text(head, named, readable)
    if kind is not None and not (kind.is_text and named is not None and not named.is_text):
        return kind
    *most, last = (kind.words for kind in KINDS.values())
    raise UnsupportedContent(
        f"The content looks like another kind ({found}): {', '.join(most)} or {last} is wanted."
    )


def of_text(head: bytes, named: Kind | None, readable: bool) -> tuple[Kind | None, str]:
    """The kind of what has no signature, if it is one that is accepted, and what it is in words."""
    output = detector().identify_bytes(head).output
    found = output.description or output.label
    kind = KINDS.get(output.mime_type) or (BY_EXTENSION["tsv"] if output.label == "tsv" else None)
    if kind is not None and not kind.is_text:
        return kind, found
    text = readable or output.is_text
    if text and named is not None and named.is_text and (kind is None or kind.extension != "html"):
        return named, found
    if kind is None and readable and output.label == "unknown":
        kind = KINDS["text/plain"]
    return (kind if text else None), found


def reads_as_text(head: bytes) -> bool:
    """Whether bytes are UTF-8, or begin as UTF-16 does, without control characters."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(head) % 2 == 0 and not CONTROL.search(head.decode("utf-16", "replace"))
    decoder = getincrementaldecoder("utf-8")()
    try:
        return not CONTROL.search(decoder.decode(head))  # a character may be cut off at the end
    except UnicodeDecodeError:
        return False


class Incoming(AsyncIterable[bytes]):
    """Chunks on their way to the store, to be iterated once: counted, digested, recognised while they pass.

    Iterating raises what is wrong before the end is reached, so that a store never shows the object:
    `TooLarge` at the first byte too many, `Unsupported` once the beginning is known, and `Invalid` at the end
    where the size or the digest is not the one that is `wanted` (bytes, SHA-256 in hexadecimal). The file's
    `name` says which kind of text it is.
    """

    def __init__(
        self,
        chunks: AsyncIterable[bytes],
        *,
        largest: int,
        wanted: tuple[int, str] | None = None,
        name: str = "",
    ) -> None:
        self._chunks, self._largest, self._wanted, self._name = chunks, largest, wanted, name
        self._hash = hashlib.sha256()
        self._head = b""
        self._kind: Kind | None = None
        self.size = 0

    @property
    def kind(self) -> Kind:
        """Known once all has passed."""
        assert self._kind is not None
        return self._kind

    @property
    def sha256(self) -> str:
        """Of what has passed, in hexadecimal."""
        return self._hash.hexdigest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._largest:
                raise TooLarge(f"More than {self._largest} bytes came.")
            self._hash.update(chunk)
            if self._kind is None:
                self._head += chunk[: HEAD_BYTES - len(self._head)]
                if len(self._head) == HEAD_BYTES:
                    self._kind = await asyncio.to_thread(recognise, self._head, self._name)
            if chunk:
                yield chunk
        self._kind = self._kind or await asyncio.to_thread(recognise, self._head, self._name)
        if self._wanted is None:
            return
        size, sha256 = self._wanted
        if self.size != size:
            raise Invalid(f"{self.size} bytes came, {size} were announced.", "input", "size")
        if self.sha256 != sha256:
            raise Invalid("The SHA-256 of the bytes is not the one that was announced.", "input", "sha256")
