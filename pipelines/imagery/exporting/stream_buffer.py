"""A file whose beginning is given away while its end is still written."""

import io


class StreamBuffer(io.RawIOBase):
    """Written like a file; `take` gives what was written since it was last called, and forgets it.

    Positions count from the file's beginning. Seeking back reaches what was not taken yet: enough for formats
    that correct the header of a member once it is written.
    """

    def __init__(self) -> None:
        self._pending = io.BytesIO()
        self._offset = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._offset + self._pending.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Raises `OSError` for a place that was given away."""
        if whence == io.SEEK_SET:
            offset -= self._offset
            if offset < 0:
                raise OSError("what stood there was given away")
        return self._offset + self._pending.seek(offset, whence)

    def write(self, content: bytes) -> int:  # type: ignore[override]
        return self._pending.write(content)

    def drain(self) -> bytes:
        """What was written since, or nothing."""
        self._pending.seek(0, io.SEEK_END)
        content = self._pending.getvalue()
        self._offset += len(content)
        self._pending = io.BytesIO()
        return content
