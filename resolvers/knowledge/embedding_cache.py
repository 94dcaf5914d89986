"""Embedding cache: vectors of texts that were embedded before, per company."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.ports import Embedder, Vector
from db.arrays import any_bytes
from db.models import CachedVectors
from db.uow import UnitOfWork

RETENTION = timedelta(days=30)
"""How long unused vectors are kept."""


def fingerprint(embedder: Embedder, text: str) -> bytes:
    """Cache key of a text for a model, its window size and its prefix."""
    model = f"{embedder.provider} {embedder.model} {embedder.dimension} {embedder.max_tokens}\0"
    return hashlib.sha256((model + embedder.passage_prefix + text).encode(errors="replace")).digest()


async def load(
    uow: UnitOfWork, embedder: Embedder, fingerprints: Sequence[bytes]
) -> dict[bytes, list[Vector]]:
    """The cached window vectors of texts, by fingerprint; extends their retention."""
    statement = update(CachedVectors).where(CachedVectors.fingerprint == any_bytes(fingerprints))
    statement = statement.values(used_at=func.now())
    rows = await uow.all(statement.returning(CachedVectors.fingerprint, CachedVectors.vectors))
    return {row.fingerprint: unpack(row.vectors, embedder.dimension) for row in rows}


async def store(uow: UnitOfWork, vectors: Mapping[bytes, Sequence[Vector]]) -> None:
    """Cache the window vectors of texts, by fingerprint."""
    rows = [
        {"fingerprint": fingerprint, "vectors": pack(windows)}
        for fingerprint, windows in sorted(vectors.items())  # in order: no deadlock of concurrent writers
    ]
    if rows:
        await uow.execute(upsert(CachedVectors).values(rows).on_conflict_do_nothing())


def pack(vectors: Sequence[Vector]) -> bytes:
    """The vectors as little-endian 32-bit numbers."""
    return b"".join(struct.pack(f"<{len(vector)}f", *vector) for vector in vectors)


def unpack(content: bytes, dimension: int) -> list[Vector]:
    """The vectors that `pack` has packed."""
    return [list(vector) for vector in struct.iter_unpack(f"<{dimension}f", content)]


async def purge(uow: UnitOfWork) -> None:
    """Delete vectors that were not used for `RETENTION`."""
    await uow.execute(delete(CachedVectors).where(CachedVectors.used_at < func.now() - RETENTION))
