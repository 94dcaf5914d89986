"""ZIP and TAR archives, written member by member."""

import gzip
import io
import tarfile
import zipfile
from datetime import datetime

from pipelines.imagery.exporting.stream_buffer import StreamBuffer


class ZipArchive:
    """A ZIP file. Images are deflated only with `compress`, text files always."""

    def __init__(self, buffer: StreamBuffer, created_at: datetime, *, compress: bool = False) -> None:
        self._zip = zipfile.ZipFile(buffer, "w")
        self._created_at = created_at.timetuple()[:6]
        self._image_compression = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED

    def add(self, name: str, content: bytes, *, text: bool = False) -> None:
        """Write a member; only its directory entry stays in memory."""
        member = zipfile.ZipInfo(name, self._created_at)
        member.external_attr = 0o644 << 16
        self._zip.writestr(member, content, zipfile.ZIP_DEFLATED if text else self._image_compression)

    def close(self) -> None:
        """Write the central directory."""
        self._zip.close()


class TarArchive:
    """A TAR file, gzipped with `compress`. The same members give the same bytes."""

    def __init__(self, buffer: StreamBuffer, created_at: datetime, *, compress: bool = False) -> None:
        self._gzip = gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) if compress else None
        self._tar = tarfile.open(fileobj=self._gzip or buffer, mode="w")  # noqa: SIM115
        self._created_at = int(created_at.timestamp())

    def add(self, name: str, content: bytes, *, text: bool = False) -> None:
        """Write a member; nothing stays in memory."""
        member = tarfile.TarInfo(name)
        member.size, member.mtime = len(content), self._created_at
        self._tar.addfile(member, io.BytesIO(content))
        self._tar.members.clear()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Write the end of the archive."""
        self._tar.close()
        if self._gzip is not None:
            self._gzip.close()


Archive = ZipArchive | TarArchive
