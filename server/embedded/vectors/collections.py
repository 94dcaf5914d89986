"""The collections of the embedded vector store: a folder each, owned by this process alone."""

import shutil
import time
from pathlib import Path
from typing import Any

import qdrant_edge as edge
import structlog

log = structlog.get_logger(__name__)

DRAFT = ".draft-"
QUIET_SECONDS = 1.0
"""Without a request for so long, the store is put in order: meanwhile it answers nobody."""
PATIENCE_SECONDS = 60.0
"""Changes are not left lying in the log for longer, however busy it is."""
WORTH = 2_000, 0.2
"""Changes after which segments are rebuilt: at least so many, and this part of the points."""


class Absent(LookupError):
    """There is no collection of that name."""


class Collection:
    """One collection. What `update` returned from is in the log, and is read from there after a crash."""

    def __init__(self, folder: Path) -> None:
        self._shard = edge.EdgeShard.load(str(folder))
        self._unflushed_since: float | None = None
        self._changes = 0

    def update(self, operation: edge.UpdateOperation, changes: int = 1) -> None:
        """Apply a change; `changes` is how many points it is about."""
        self._shard.update(operation)
        self._changes += changes
        self._unflushed_since = self._unflushed_since or time.monotonic()

    def query(self, request: edge.QueryRequest) -> list[edge.ScoredPoint]:
        return self._shard.query(request)

    def count(self, request: edge.CountRequest) -> int:
        return self._shard.count(request)

    def tend(self, *, quiet: bool) -> None:
        """Flush, and rebuild where enough has changed, which takes about 2 seconds for 50,000 points."""
        if self._unflushed_since is None:
            return
        if not quiet and time.monotonic() - self._unflushed_since < PATIENCE_SECONDS:
            return
        least, part = WORTH
        began = time.monotonic()
        if quiet and self._changes >= max(least, part * self._shard.info().points_count):
            rebuilt = self._shard.optimize()
            log.info("segments_rebuilt", changed=rebuilt, seconds=round(time.monotonic() - began, 2))
            self._changes = 0
        self._shard.flush()
        self._unflushed_since = None

    def close(self) -> None:
        """Flush and let go."""
        self._shard.flush()
        self._shard.close()


class Collections:
    """All collections of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Collection] = {}
        for place in sorted(folder.iterdir()):
            if place.name.startswith(DRAFT):
                shutil.rmtree(place)
            elif place.is_dir():
                self._open[place.name] = Collection(place)

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def __getitem__(self, name: str) -> Collection:
        try:
            return self._open[name]
        except KeyError:
            raise Absent(f"Collection `{name}` doesn't exist!") from None

    def names(self) -> list[str]:
        return list(self._open)

    def create(self, name: str, config: edge.EdgeConfig) -> None:
        """Make a collection: whole, or not at all."""
        draft = self._folder / f"{DRAFT}{name}"
        shutil.rmtree(draft, ignore_errors=True)
        edge.EdgeShard.create(str(draft), config).close()
        draft.rename(self._folder / name)
        self._open[name] = Collection(self._folder / name)

    def drop(self, name: str) -> bool:
        """Remove a collection; whether there was one."""
        found = self._open.pop(name, None)
        if found is None:
            return False
        found.close()
        (self._folder / name).rename(self._folder / f"{DRAFT}{name}")
        shutil.rmtree(self._folder / f"{DRAFT}{name}")
        return True

    def tend(self, *, quiet: bool) -> None:
        for each in self._open.values():
            each.tend(quiet=quiet)

    def close(self) -> None:
        for each in self._open.values():
            each.close()


def answer(found: edge.ScoredPoint) -> dict[str, Any]:
    """A point as Qdrant's REST API writes it."""
    return {
        "id": found.id if isinstance(found.id, int) else str(found.id),
        "version": found.version,
        "score": found.score,
        "payload": found.payload,
    }
