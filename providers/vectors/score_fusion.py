"""Fusion of the chunks that are near by meaning (vectors) and by words (BM25), by their scores.

Ranks would hide how far the first chunk is ahead, and let the few words that a question in another language
shares with the documents outweigh its meaning.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from qdrant_client.models import Filter, IdfCorpusParams, ScoredPoint, SearchParams, SparseVector

from providers.vectors import bm25

MEANING, WORDS = "meaning", "words"
"""The two vectors of a point: a multivector with one row per window, and a sparse vector of words."""

WEIGHT_OF_WORDS = 1.5
"""Of a question whose words are all in one chunk, relative to meaning. Chosen by measurement on the odd
articles (docs/evaluation.md)."""
DEPTH = 50
"""Chunks per list, and the rank whose similarity counts as 0: scores are relative to their list, because
models differ in the range of their similarities."""
KNOWING = 5
"""The best chunks by words, whose share of the question's words is the index's knowledge of them."""

Scores = Mapping[Any, float]
"""The scores of points by ID, best first."""


def words_query(text: str) -> SparseVector | None:
    """The query by words; None for a text without words."""
    numbers, weights = bm25.query_vector(text)
    return SparseVector(indices=numbers, values=weights) if numbers else None


def frequencies(corpus: Filter) -> SearchParams:
    """Document frequencies of words are counted in `corpus`."""
    return SearchParams(idf=IdfCorpusParams(corpus=corpus))


def known_share(query: SparseVector, best: Sequence[ScoredPoint]) -> float:
    """The largest share of the query's words that one of the best chunks holds, from 0 to 1."""
    wanted = set(query.indices)
    return max((len(wanted.intersection(word_numbers(point))) for point in best), default=0) / len(wanted)


def word_numbers(point: ScoredPoint) -> Sequence[int]:
    vectors = point.vector if isinstance(point.vector, dict) else {}
    sparse = vectors.get(WORDS)
    return sparse.indices if isinstance(sparse, SparseVector) else ()


def fuse(meaning: Scores, words: Scores, known: float) -> dict[Any, float]:
    """Scores from 0 to 1 by chunk, best first.

    `known` is the share of the question's words that a chunk knows; a chunk that is missing in one of both
    scores 0 there.
    """
    weight = WEIGHT_OF_WORDS * known
    near, named = above_tail(meaning), share_of_best(words)
    whole = bool(near) + weight
    fused = {id: (near.get(id, 0.0) + weight * named.get(id, 0.0)) / whole for id in {**near, **named}}
    return dict(sorted(fused.items(), key=lambda item: -item[1]))


def above_tail(scores: Scores) -> dict[Any, float]:
    """The scores between that of the last chunk of the list, 0, and that of the first, 1."""
    if not scores:
        return {}
    best = next(iter(scores.values()))
    tail = list(islice(scores.values(), DEPTH))[-1]
    spread = best - tail
    return {id: max(0.0, (score - tail) / spread) if spread else 1.0 for id, score in scores.items()}


def share_of_best(scores: Scores) -> dict[Any, float]:
    """The scores as shares of the best one."""
    best = max(scores.values(), default=0.0)
    return {id: score / best for id, score in scores.items()} if best > 0 else {}
