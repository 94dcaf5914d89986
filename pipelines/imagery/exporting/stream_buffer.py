"""Buffer that streams a file while it is still being written."""

import io


class StreamBuffer(io.RawIOBase):
    """A writable file; `drain` returns and drops the bytes written since its last call.

    Positions count from the file's beginning. Seeking back is limited to bytes that are not drained, which
    suffices for formats that update the header of a member once it is written.
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
        """Raises `OSError` for a position that is drained already."""
        if whence == io.SEEK_SET:
            offset -= self._offset
            if offset < 0:
                raise OSError("cannot seek to bytes that are drained already")
        return self._offset + self._pending.seek(offset, whence)

    def write(self, content: bytes) -> int:  # type: ignore[override]
        return self._pending.write(content)

    def drain(self) -> bytes:
        """The bytes written since the last call."""
        self._pending.seek(0, io.SEEK_END)
        content = self._pending.getvalue()
        self._offset += len(content)
        self._pending = io.BytesIO()
        return content
