"""What a file is by its content, and bytes that are checked while they pass."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from functools import cache

import filetype
from magika import Magika

from core.errors import Invalid, Unsupported

HEAD_BYTES = 8192
"""Of a file's beginning: what both detectors look at."""

HTML = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b", re.IGNORECASE)
"""How pages begin: what a browser saves under a drawing's name when a sign-in has run out."""


@dataclass(frozen=True)
class Kind:
    """A kind of file that is accepted, and the extension that its objects get."""

    words: str
    mime_type: str
    extension: str


KINDS = {
    kind.mime_type: kind
    for kind in (
        Kind("a PDF", "application/pdf", "pdf"),
        Kind("a PNG image", "image/png", "png"),
        Kind("a JPEG image", "image/jpeg", "jpg"),
        Kind("a TIFF image", "image/tiff", "tiff"),
    )
}
"""Every kind that is accepted, by media type."""


class TooLarge(Unsupported):
    """More bytes than this server takes, or than were announced."""


@cache
def detector() -> Magika:
    """Loads a model: a fifth of a second and some tens of megabytes, so not before it is needed."""
    return Magika()


def recognise(head: bytes) -> Kind:
    """The kind of a file that begins so: by its signature, or without one by Magika.

    Raises `Unsupported`, which says what the file is instead.
    """
    if not head:
        raise Unsupported("The file is empty.")
    signature = filetype.guess(head)
    if signature is not None and signature.mime in KINDS:
        return KINDS[signature.mime]
    if HTML.match(head):
        found = "an HTML page"
    elif signature is not None:
        found = signature.mime
    else:
        output = detector().identify_bytes(head).output
        if output.mime_type in KINDS:
            return KINDS[output.mime_type]
        found = output.description or output.label
    *most, last = (kind.words for kind in KINDS.values())
    raise Unsupported(
        f"The content looks like another kind ({found}): {', '.join(most)} or {last} is wanted."
    )


class Incoming(AsyncIterable[bytes]):
    """Chunks on their way to the store, to be iterated once: counted, digested, recognised while they pass.

    Iterating raises what is wrong before the end is reached, so that a store never shows the object:
    `TooLarge` at the first byte too many, `Unsupported` once the beginning is known, and `Invalid` at the end
    where the size or the digest is not the one that is `wanted` (bytes, SHA-256 in hexadecimal).
    """

    def __init__(
        self, chunks: AsyncIterable[bytes], *, largest: int, wanted: tuple[int, str] | None = None
    ) -> None:
        self._chunks, self._largest, self._wanted = chunks, largest, wanted
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
                    self._kind = await asyncio.to_thread(recognise, self._head)
            if chunk:
                yield chunk
        self._kind = self._kind or await asyncio.to_thread(recognise, self._head)
        if self._wanted is None:
            return
        size, sha256 = self._wanted
        if self.size != size:
            raise Invalid(f"{self.size} bytes came, {size} were announced.", "input", "size")
        if self.sha256 != sha256:
            raise Invalid("The SHA-256 of the bytes is not the one that was announced.", "input", "sha256")
