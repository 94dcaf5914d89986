"""Layout of a TAR file of stored objects, whose size is known before it is written."""

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)


@dataclass(frozen=True)
class Member:
    """An object in the file, with its file name, size in bytes and date in seconds."""

    key: str
    size: int
    changed_at: int

    @property
    def name(self) -> str:
        """Its file name."""
        return self.key.rpartition("/")[2]

    @property
    def padding(self) -> int:
        """Bytes of padding after the content, to the end of its last block."""
        return -self.size % BLOCK

    def header(self) -> bytes:
        """The TAR header of the file."""
        info = tarfile.TarInfo(self.name)
        info.size, info.mtime = self.size, self.changed_at
        return info.tobuf(tarfile.GNU_FORMAT)


def length(files: Sequence[Member]) -> int:
    """Size of the TAR file in bytes."""
    return sum(len(member.header()) + member.size + member.padding for member in files) + len(END)
