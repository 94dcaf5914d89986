"""Pushes to buckets that the operator allows, into a folder of the company."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from core.ports import ObjectStore, PushDestination, PushFile, PushRefused
from providers.storage import open_store


async def push_to_bucket(
    allowed: Collection[str],
    destination: PushDestination,
    store: ObjectStore,
    files: Sequence[PushFile],
    *,
    pushed: Collection[str],
    on_pushed: Callable[[str], Awaitable[None]],
) -> str:
    """Copy the files as streams, then delete those in the folder that are not among them."""
    if destination.bucket not in allowed:
        raise PushRefused(f"{destination.bucket} is not among the buckets of PUSH_BUCKETS.")
    bucket = open_store(destination.bucket)
    folder = f"{destination.owner}/{destination.path}"
    for file in files:
        if file.name in pushed:
            continue
        await bucket.put(f"{folder}/{file.name}", store.read(file.key))
        await on_pushed(file.name)
    names = {f"{folder}/{file.name}" for file in files}
    stale = [found.key async for found in bucket.list(folder) if found.key not in names]
    if stale:
        await bucket.delete(stale)
    return f"{destination.bucket.rstrip('/')}/{folder}/"
