"""Manifest of exported images, on disk until the package's metadata files are written."""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import orjson


class Manifest:
    """JSON lines in an unnamed temporary file, so that memory use does not grow with the dataset."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append an entry."""
        self._file.write(orjson.dumps(dict(entry)) + b"\n")

    def lines(self) -> Iterator[bytes]:
        """All entries as JSON lines."""
        self._file.seek(0)
        yield from self._file

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries."""
        return map(orjson.loads, self.lines())
