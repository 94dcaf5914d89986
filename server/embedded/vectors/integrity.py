"""Integrity of a collection's files: checksums while nothing changes them, and a count of failed opens."""

import json
import os
from pathlib import Path
from zlib import crc32

CHECKSUMS = ".checksums-"
BLOCK_BYTES = 1 << 20
MAX_OPENS = 3
"""Number of processes that may end while they open a collection, before it counts as damaged."""


class DamagedFiles(Exception):
    """The files of a collection are not those that were written."""


class FileChecks:
    """Checks of the files below `folder`, whose results are kept beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checksums = folder.with_name(f"{CHECKSUMS}{folder.name}.json")
        self._opens = folder.with_name(f".opens-{folder.name}")

    @staticmethod
    def without_collection(parent: Path) -> list[Path]:
        """The folders that have checksums but do not exist."""
        names = [path.name[len(CHECKSUMS) : -len(".json")] for path in parent.glob(f"{CHECKSUMS}*.json")]
        return [parent / name for name in sorted(names) if not (parent / name).exists()]

    def begin_open(self) -> None:
        """Counts an open, and compares the files with their checksums. Raises `DamagedFiles`."""
        opens = len(self._opens.read_bytes()) if self._opens.exists() else 0
        if opens >= MAX_OPENS:
            raise DamagedFiles(f"the process ended {opens} times while it was opened")
        if self._checksums.exists():
            try:
                expected = json.loads(self._checksums.read_bytes())
            except ValueError as error:
                raise DamagedFiles("the checksums cannot be read") from error
            found = checksums(self._folder)
            if changed := sorted(name for name in expected | found if expected.get(name) != found.get(name)):
                raise DamagedFiles(f"{len(changed)} files have changed, such as {changed[0]}")
        self._opens.write_bytes(b"." * (opens + 1))

    def end_open(self) -> None:
        """Forgets the count, and the checksums, as opening may change files."""
        self._checksums.unlink(missing_ok=True)
        self._opens.unlink(missing_ok=True)

    def forget(self) -> None:
        """Forgets the checksums before the files change."""
        self._checksums.unlink(missing_ok=True)

    def record(self, found: dict[str, list[int]]) -> None:
        """Records checksums, which are valid until the next change."""
        draft = self._checksums.with_suffix(".new")
        draft.write_text(json.dumps(found))
        draft.rename(self._checksums)

    def delete(self) -> None:
        """Deletes all results."""
        self.end_open()


def checksums(folder: Path) -> dict[str, list[int]]:
    """Size and checksum of each file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): checksum(path) for path in files}


def checksum(path: Path) -> list[int]:
    """Size and CRC-32 of a file. Blocks of zeros are left out: files are allocated in advance, with holes."""
    total = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = next_data(file.fileno(), 0)
        while offset < size:
            block = os.pread(file.fileno(), BLOCK_BYTES, offset)
            if block.count(0) < len(block):
                total = crc32(block, crc32(offset.to_bytes(8), total))
            offset = next_data(file.fileno(), offset + BLOCK_BYTES)
    return [size, total]


def next_data(file: int, offset: int) -> int:
    """The first block from `offset` that is not a hole; beyond the end if there is none."""
    try:
        return os.lseek(file, offset, os.SEEK_DATA) // BLOCK_BYTES * BLOCK_BYTES
    except OSError:  # no data follows
        return os.fstat(file).st_size
