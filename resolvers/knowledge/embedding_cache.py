"""Vectors of texts that were embedded before, each company's own: what is known is not paid for twice."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.ports import Embedder, Vector
from db.arrays import any_bytes
from db.models import CachedVectors
from db.uow import UnitOfWork

RETENTION = timedelta(days=30)
"""How long vectors are kept that nothing asks for."""
FLOAT32 = np.dtype("<f4")


def fingerprint(embedder: Embedder, text: str) -> bytes:
    """What tells a text apart, as this model reads it: the cut into windows depends on its sizes."""
    model = f"{embedder.provider} {embedder.model} {embedder.dimension} {embedder.max_tokens}\0"
    return hashlib.sha256((model + text).encode(errors="replace")).digest()


async def load(
    uow: UnitOfWork, embedder: Embedder, fingerprints: Sequence[bytes]
) -> dict[bytes, list[Vector]]:
    """The windows' vectors of those of the texts that are known; they are kept for longer with this."""
    asked = update(CachedVectors).where(CachedVectors.fingerprint == any_bytes(fingerprints))
    asked = asked.values(used_at=func.now()).returning(CachedVectors.fingerprint, CachedVectors.vectors)
    return {
        row.fingerprint: np.frombuffer(row.vectors, FLOAT32).reshape(-1, embedder.dimension).tolist()
        for row in await uow.all(asked)
    }


async def store(uow: UnitOfWork, vectors: Mapping[bytes, Sequence[Vector]]) -> None:
    """Remember the windows' vectors of texts, by their fingerprints."""
    rows = [
        {"fingerprint": each, "vectors": np.asarray(windows, FLOAT32).tobytes()}
        for each, windows in sorted(vectors.items())  # two that keep the same wait for one another
    ]
    if rows:
        await uow.execute(upsert(CachedVectors).values(rows).on_conflict_do_nothing())


async def purge(uow: UnitOfWork) -> None:
    """Forget what nothing has asked for in `KEPT`."""
    await uow.execute(delete(CachedVectors).where(CachedVectors.used_at < func.now() - RETENTION))
