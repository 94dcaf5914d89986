"""What was packed, one line an image, kept on disk until the package's own lists are written."""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import orjson


class Manifest:
    """JSON lines in an unnamed temporary file, so that memory does not grow with the data set."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the ledger is

    def close(self) -> None:
        """Forget it all."""
        self._file.close()

    def add(self, entry: Mapping[str, Any]) -> None:
        """One more, at the end."""
        self._file.write(orjson.dumps(dict(entry)) + b"\n")

    def lines(self) -> Iterator[bytes]:
        """Every entry as JSON and a line feed, from the first."""
        self._file.seek(0)
        yield from self._file

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every entry, from the first."""
        return map(orjson.loads, self.lines())
