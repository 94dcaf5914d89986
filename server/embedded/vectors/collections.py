"""Collections of the embedded vector store, one folder collection."""

import shutil
import time
from pathlib import Path
from typing import Any

import qdrant_edge as edge
import structlog

log = structlog.get_logger(__name__)

DRAFT = ".draft-"
QUIET_SECONDS = 1.0
"""Time without requests after which maintenance runs, during which no request is processed."""
MAX_UNFLUSHED_SECONDS = 60.0
"""Maximum time until changes are flushed under load."""
REBUILD_THRESHOLD = 2_000, 0.2
"""Changes after which segments are rebuilt: minimum number, and share of the points."""


class CollectionNotFound(LookupError):
    """The collection does not exist."""


class Collection:
    """A collection. When `update` returns, its changes are in the write-ahead log and survive a crash."""

    def __init__(self, folder: Path) -> None:
        self._shard = edge.EdgeShard.load(str(folder))
        self._unflushed_since: float | None = None
        self._changes = 0

    def update(self, operation: edge.UpdateOperation, changes: int = 1) -> None:
        """Applies an operation that changes `changes` points."""
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

    def close(self) -> None:
        """Flushes and closes the collection."""
        self._shard.flush()
        self._shard.close()


class Collections:
    """All collections of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Collection] = {}
        for path in sorted(folder.iterdir()):
            if path.name.startswith(DRAFT):
                shutil.rmtree(path)
            elif path.is_dir():
                self._open[path.name] = Collection(path)

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
        found = self._open.pop(name, None)
        if found is None:
            return False
        found.close()
        (self._folder / name).rename(self._folder / f"{DRAFT}{name}")
        shutil.rmtree(self._folder / f"{DRAFT}{name}")
        return True

    def maintain(self, *, quiet: bool) -> None:
        for collection in self._open.values():
            collection.maintain(quiet=quiet)

    def close(self) -> None:
        for collection in self._open.values():
            collection.close()


def point_json(point: edge.ScoredPoint) -> dict[str, Any]:
    """A point in the format of Qdrant's REST API."""
    return {
        "id": point.id if isinstance(point.id, int) else str(point.id),
        "version": point.version,
        "score": point.score,
        "payload": point.payload,
    }
