"""Collections of the embedded vector store, one folder each.

A collection whose files are damaged is moved to the folder `.damaged`. It is incomplete from then on, until
its points have been stored again and `mark_complete` is called.
"""

import asyncio
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import qdrant_edge as edge
import structlog

from server.embedded.vectors.integrity import FileChecks, checksums

log = structlog.get_logger(__name__)

DRAFT, INCOMPLETE, DAMAGED = ".draft-", ".incomplete-", ".damaged"
PROBED_POINTS = 1_000
"""Points that are read when a collection is opened."""
ENVIRONMENT_ERROR = re.compile(
    r"os error (11|12|13|23|24|28)\b|WouldBlock|OutOfMemory|PermissionDenied|StorageFull"
)
"""Errors that are no damage: locks, memory, permission, open files, disk space."""
QUIET_SECONDS = 1.0
"""Time without requests after which maintenance runs, during which no request is processed."""
MAX_UNFLUSHED_SECONDS = 60.0
"""Maximum time until changes are flushed under load."""
REBUILD_THRESHOLD = 2_000, 0.2
"""Changes after which segments are rebuilt: minimum number, and share of the points."""


class CollectionNotFound(LookupError):
    """The collection does not exist."""


class CollectionIncomplete(LookupError):
    """The collection was damaged, and is being stored again."""


class Collection:
    """A collection. When `update` returns, its changes are in the write-ahead log and survive a crash."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._checks = folder, FileChecks(folder)
        self._checks.begin_open()
        self._shard = edge.EdgeShard.load(str(folder))
        self._shard.scroll(edge.ScrollRequest(limit=PROBED_POINTS, with_payload=True, with_vector=True))
        self._checks.end_open()
        self._unflushed_since: float | None = time.monotonic()
        self._changes = 0
        self._version, self._recorded_version = 0, -1

    def update(self, operation: edge.UpdateOperation, changes: int = 1) -> None:
        """Applies an operation that changes `changes` points."""
        if self._recorded_version == self._version:
            self._checks.forget()
        self._version += 1
        self._shard.update(operation)
        self._changes += changes
        self._unflushed_since = self._unflushed_since or time.monotonic()

    def query(self, request: edge.QueryRequest) -> list[edge.ScoredPoint]:
        return self._shard.query(request)

    def count(self, request: edge.CountRequest) -> int:
        return self._shard.count(request)

    def maintain(self, *, quiet: bool) -> None:
        """Flushes, and rebuilds segments after many changes (about 2 seconds for 50,000 points)."""
        if self._unflushed_since is None:
            return
        if not quiet and time.monotonic() - self._unflushed_since < MAX_UNFLUSHED_SECONDS:
            return
        min_changes, min_share = REBUILD_THRESHOLD
        began = time.monotonic()
        if quiet and self._changes >= max(min_changes, min_share * self._shard.info().points_count):
            rebuilt = self._shard.optimize()
            log.info("segments_rebuilt", changed=rebuilt, seconds=round(time.monotonic() - began, 2))
            self._changes = 0
        self._shard.flush()
        self._unflushed_since = None

    async def record_checksums(self) -> None:
        """Records the checksums of the files if there are no changes that are not flushed."""
        version = self._version
        if self._unflushed_since is not None or self._recorded_version == version:
            return
        found = await asyncio.to_thread(checksums, self._folder)
        if self._version == version:
            self._checks.record(found)
            self._recorded_version = version

    def close(self) -> None:
        """Flushes and closes the collection."""
        self._shard.flush()
        self._shard.close()
        self._checks.record(checksums(self._folder))

    def drop(self) -> None:
        """Closes and deletes the collection."""
        self._shard.close()
        draft = self._folder.with_name(f"{DRAFT}{self._folder.name}")
        self._folder.rename(draft)
        self._checks.delete()
        shutil.rmtree(draft)


class Collections:
    """All collections of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Collection] = {}
        for path in sorted(folder.iterdir()):
            if path.name.startswith(DRAFT):
                shutil.rmtree(path)
            elif path.is_dir() and not path.name.startswith("."):
                self._open_or_set_aside(path)
        for path in FileChecks.without_collection(folder):
            (folder / f"{INCOMPLETE}{path.name}").touch()
            FileChecks(path).delete()
            log.error("collection_lost", collection=path.name)

    def _open_or_set_aside(self, path: Path) -> None:
        try:
            self._open[path.name] = Collection(path)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # qdrant-edge raises no specific exceptions, and panics
            if ENVIRONMENT_ERROR.search(str(error)):
                raise
            self._set_aside(path, error)

    def _set_aside(self, path: Path, reason: BaseException) -> None:
        """Moves a damaged collection to the folder `.damaged`. Searches are refused until it is complete."""
        (self._folder / f"{INCOMPLETE}{path.name}").touch()
        damaged = self._folder / DAMAGED / f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        damaged.parent.mkdir(mode=0o700, exist_ok=True)
        path.rename(damaged)
        FileChecks(path).delete()
        log.error("collection_damaged", collection=path.name, moved_to=str(damaged), reason=reason)

    def incomplete(self) -> dict[str, float]:
        """The collections that were damaged and are not complete yet, with the time (Unix) of detection."""
        found = self._folder.glob(f"{INCOMPLETE}*")
        return {path.name.removeprefix(INCOMPLETE): path.stat().st_mtime for path in found}

    def mark_complete(self, name: str) -> bool:
        """Allows searches of a collection again. Returns whether it was incomplete."""
        path = self._folder / f"{INCOMPLETE}{name}"
        was_incomplete = path.exists()
        path.unlink(missing_ok=True)
        return was_incomplete

    def searchable(self, name: str) -> "Collection":
        """The collection. Raises `CollectionIncomplete` or `CollectionNotFound`."""
        if (self._folder / f"{INCOMPLETE}{name}").exists():
            raise CollectionIncomplete(f"Collection `{name}` was damaged and is being rebuilt")
        return self[name]

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def __getitem__(self, name: str) -> Collection:
        try:
            return self._open[name]
        except KeyError:
            raise CollectionNotFound(f"Collection `{name}` doesn't exist!") from None

    def names(self) -> list[str]:
        return list(self._open)

    def create(self, name: str, config: edge.EdgeConfig) -> None:
        """Creates a collection atomically."""
        draft = self._folder / f"{DRAFT}{name}"
        shutil.rmtree(draft, ignore_errors=True)
        edge.EdgeShard.create(str(draft), config).close()
        draft.rename(self._folder / name)
        self._open[name] = Collection(self._folder / name)

    def drop(self, name: str) -> bool:
        """Deletes a collection. Returns whether it existed."""
        self.mark_complete(name)
        found = self._open.pop(name, None)
        if found is None:
            return False
        found.drop()
        return True

    def maintain(self, *, quiet: bool) -> None:
        """Maintains all collections. One that cannot be flushed is damaged."""
        for name, collection in list(self._open.items()):
            try:
                collection.maintain(quiet=quiet)
            except Exception as error:  # qdrant-edge raises no specific exceptions
                if ENVIRONMENT_ERROR.search(str(error)):
                    log.error("collection_flush_failed", collection=name, reason=error)
                    continue
                del self._open[name]
                self._set_aside(self._folder / name, error)

    async def record_checksums(self) -> None:
        """Records the checksums of collections without recent changes."""
        for collection in list(self._open.values()):
            await collection.record_checksums()

    def close(self) -> None:
        """Closes all collections. One that cannot be flushed is examined when it is opened again."""
        for name, collection in self._open.items():
            try:
                collection.close()
            except Exception as error:
                log.error("collection_close_failed", collection=name, reason=error)


def point_json(point: edge.ScoredPoint) -> dict[str, Any]:
    """A point in the format of Qdrant's REST API."""
    return {
        "id": point.id if isinstance(point.id, int) else str(point.id),
        "version": point.version,
        "score": point.score,
        "payload": point.payload,
        "vector": vector_json(point.vector),
    }


def vector_json(vector: Any) -> Any:
    """Vectors by name; a sparse one as its indices and values. Others are lists already."""
    if isinstance(vector, dict):
        return {name: vector_json(one) for name, one in vector.items()} or None
    if isinstance(vector, edge.SparseVector):
        return {"indices": list(vector.indices), "values": list(vector.values)}
    return vector
