"""Similarity of texts: BM25 and embeddings combined."""

from collections.abc import Sequence

import numpy as np

from core import bm25
from core.ports import Embed, ModelFailure

MIN_WORD_LENGTH = 4
"""Shorter words are ignored."""
LEXICAL_WEIGHT, SEMANTIC_WEIGHT = 0.3, 0.7


def bm25_shares(query: str, texts: Sequence[str]) -> list[float]:
    """The BM25 score of each text for a query, as a share of the best score; 0 if no text matches."""
    scores = bm25.scores(set(long_words(query)), [long_words(text) for text in texts])
    best = max(scores, default=0.0)
    return [score / best if best else 0.0 for score in scores]


def long_words(text: str) -> list[str]:
    """The words of at least four letters, in lower case."""
    return [word for word in bm25.words(text) if len(word) >= MIN_WORD_LENGTH]


async def similarity_scores(embed: Embed, queries: Sequence[str], texts: Sequence[str]) -> list[float]:
    """For each text, its similarity to the nearest query, from 0 to 1: 0.3 BM25 and 0.7 cosine.

    Uses BM25 alone if the embedder fails.
    """
    if not queries or not texts:
        return [0.0] * len(texts)
    lexical = np.array([bm25_shares(query, texts) for query in queries])
    try:
        query_vectors = np.array(await embed(queries, "query"))
        text_vectors = np.array(await embed(texts, "passage"))
    except ModelFailure:
        return [float(score) for score in LEXICAL_WEIGHT * lexical.max(axis=0)]
    combined = LEXICAL_WEIGHT * lexical + SEMANTIC_WEIGHT * np.clip(query_vectors @ text_vectors.T, 0, 1)
    return [float(score) for score in combined.max(axis=0)]
