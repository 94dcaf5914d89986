"""A file whose beginning is given away while its end is still written."""

import io


class Window(io.RawIOBase):
    """Written like a file; `take` gives what was written since it was last called, and forgets it.

    Positions count from the file's beginning. Seeking back reaches what was not taken yet: enough for formats
    that correct the header of a member once it is written.
    """

    def __init__(self) -> None:
        self._kept = io.BytesIO()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._taken + self._kept.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Raises `OSError` for a place that was given away."""
        if whence == io.SEEK_SET:
            offset -= self._taken
            if offset < 0:
                raise OSError("what stood there was given away")
        return self._taken + self._kept.seek(offset, whence)

    def write(self, content: bytes) -> int:  # type: ignore[override]
        return self._kept.write(content)

    def take(self) -> bytes:
        """What was written since, or nothing."""
        self._kept.seek(0, io.SEEK_END)
        content = self._kept.getvalue()
        self._taken += len(content)
        self._kept = io.BytesIO()
        return content
