"""TAR stream of several objects, created while it is sent."""

from collections.abc import AsyncIterator, Sequence

import orjson

from core.ports import ObjectStore
from core.tar_layout import END, Member


async def members(store: ObjectStore, index: str) -> list[Member]:
    """The objects of an index. Raises `FileNotFoundError` if the index or an object is missing.

    They have the date that the index gives them, so that the same objects are always the same file.
    """
    entries = orjson.loads(b"".join([chunk async for chunk in store.read(index)]))
    listed = []
    for entry in entries:
        stored = await store.head(entry["key"])
        changed_at = entry.get("changed_at", int(stored.modified_at.timestamp()))
        listed.append(Member(stored.key, stored.size, changed_at))
    return listed


async def bundle(store: ObjectStore, files: Sequence[Member]) -> AsyncIterator[bytes]:
    """Yields the chunks of the TAR file."""
    for member in files:
        yield member.header()
        async for chunk in store.read(member.key):
            yield chunk
        yield bytes(member.padding)
    yield END
