"""Embeddings of texts that are compared several times."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

import numpy as np

from core.ports import Embed

MAX_TEXTS = 4_000
"""Texts whose vectors are remembered."""


def embed_once(embed: Embed) -> Embed:
    """Embeds as `embed`, but each text once: the vectors of the last texts are remembered."""
    memory: OrderedDict[tuple[str, str], Sequence[float]] = OrderedDict()

    async def embed_new(texts: Sequence[str], kind: Literal["query", "passage"]) -> Sequence[Sequence[float]]:
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in memory]
        fresh = dict(zip(new, await embed(new, kind), strict=True)) if new else {}
        vectors = [fresh[text] if text in fresh else memory[kind, text] for text in texts]
        for text, vector in zip(texts, vectors, strict=True):
            memory[kind, text] = vector
            memory.move_to_end((kind, text))
        while len(memory) > MAX_TEXTS:
            memory.popitem(last=False)
        return vectors

    return embed_new


def cosines(one: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> list[list[float]]:
    """For each vector of length 1, its similarity to each of the others."""
    return (np.asarray(one) @ np.asarray(others).T).tolist() if one and others else [[] for _ in one]
