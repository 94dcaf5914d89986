"""How near texts are to one another, by their words and by what they mean."""

import re
from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np

from core.ports import Embed, ModelFailure

WORD = re.compile(r"[^\W_]{4,}")
"""Shorter words tell little."""
SATURATION, LENGTH = 1.2, 0.75
"""k1 and b of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009)."""
LEXICAL_WEIGHT, SEMANTIC_WEIGHT = 0.3, 0.7


def bm25(query: str, texts: Sequence[str]) -> list[float]:
    """The BM25 of each text for the words of the query, as shares of the best; all 0 where none fits."""
    counts = [Counter(WORD.findall(text.lower())) for text in texts]
    usual = sum(each.total() for each in counts) / max(1, len(counts))
    scores = [0.0] * len(texts)
    for word in set(WORD.findall(query.lower())):
        held = sum(word in each for each in counts)
        rarity = log(1 + (len(texts) - held + 0.5) / (held + 0.5))
        for number, each in enumerate(counts):
            bulk = SATURATION * (1 - LENGTH + LENGTH * each.total() / usual)
            scores[number] += rarity * each[word] * (SATURATION + 1) / (each[word] + bulk)
    best = max(scores, default=0.0)
    return [score / best if best else 0.0 for score in scores]


async def similarity_scores(embed: Embed, queries: Sequence[str], texts: Sequence[str]) -> list[float]:
    """For each text, how near the nearest query comes, 0 to 1: 0.3 by words and 0.7 by meaning.

    By words alone where the embedder does not answer.
    """
    if not queries or not texts:
        return [0.0] * len(texts)
    lexical = np.array([bm25(query, texts) for query in queries])
    try:
        query_vectors = np.array(await embed(queries, "query"))
        text_vectors = np.array(await embed(texts, "passage"))
    except ModelFailure:
        return [float(share) for share in LEXICAL_WEIGHT * lexical.max(axis=0)]
    mixed = LEXICAL_WEIGHT * lexical + SEMANTIC_WEIGHT * np.clip(query_vectors @ text_vectors.T, 0, 1)
    return [float(share) for share in mixed.max(axis=0)]
