"""TAR stream of several objects, created while it is sent."""

import tarfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import orjson

from core.ports import ObjectStore

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)


@dataclass(frozen=True)
class Member:
    """An object of the bundle, with its file name and size in bytes."""

    key: str
    name: str
    size: int
    changed_at: int

    @property
    def padding(self) -> int:
        """Bytes of padding after the content, to the end of its last block."""
        return -self.size % BLOCK

    def header(self) -> bytes:
        """The TAR header of the file."""
        info = tarfile.TarInfo(self.name)
        info.size, info.mtime = self.size, self.changed_at
        return info.tobuf(tarfile.GNU_FORMAT)


async def members(store: ObjectStore, index: str) -> list[Member]:
    """The objects of an index. Raises `FileNotFoundError` if the index or an object is missing."""
    entries = orjson.loads(b"".join([chunk async for chunk in store.read(index)]))
    stored = [await store.head(entry["key"]) for entry in entries]
    return [
        Member(item.key, item.key.rpartition("/")[2], item.size, int(item.modified_at.timestamp()))
        for item in stored
    ]


def length(files: Sequence[Member]) -> int:
    """Size of the TAR file in bytes."""
    return sum(len(member.header()) + member.size + member.padding for member in files) + len(END)


async def bundle(store: ObjectStore, files: Sequence[Member]) -> AsyncIterator[bytes]:
    """Yields the chunks of the TAR file."""
    for member in files:
        yield member.header()
        async for chunk in store.read(member.key):
            yield chunk
        yield bytes(member.padding)
    yield END
