"""Several objects as one TAR file, made while it is sent."""

import tarfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import orjson

from core.ports import ObjectStore

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)


@dataclass(frozen=True)
class Member:
    """An object, and what it is called in the bundle; its size in bytes is known before it is read."""

    key: str
    name: str
    size: int
    changed_at: int

    @property
    def padding(self) -> int:
        """Bytes after the content, to the end of its last block."""
        return -self.size % BLOCK

    def header(self) -> bytes:
        """What stands before the content."""
        described = tarfile.TarInfo(self.name)
        described.size, described.mtime = self.size, self.changed_at
        return described.tobuf(tarfile.GNU_FORMAT)


async def members(store: ObjectStore, index: str) -> list[Member]:
    """What the index at this key lists. Raises `FileNotFoundError` where one of them, or it, is gone."""
    listed = orjson.loads(b"".join([chunk async for chunk in store.read(index)]))
    found = [await store.head(each["key"]) for each in listed]
    return [
        Member(each.key, each.key.rpartition("/")[2], each.size, int(each.modified_at.timestamp()))
        for each in found
    ]


def length(bundled: Sequence[Member]) -> int:
    """How many bytes the TAR file has."""
    return sum(len(each.header()) + each.size + each.padding for each in bundled) + len(END)


async def bundle(store: ObjectStore, bundled: Sequence[Member]) -> AsyncIterator[bytes]:
    """The TAR file, chunk by chunk."""
    for each in bundled:
        yield each.header()
        async for chunk in store.read(each.key):
            yield chunk
        yield bytes(each.padding)
    yield END
