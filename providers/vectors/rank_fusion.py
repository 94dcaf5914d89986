"""Reciprocal rank fusion of the best chunks by meaning (vectors) and by words (BM25), in the vector store."""

from collections.abc import Iterable, Iterator

from qdrant_client.models import Filter, IdfCorpusParams, Prefetch, Rrf, RrfQuery, SearchParams, SparseVector

from core.ports import Vector
from providers.vectors import bm25

MEANING, WORDS = "meaning", "words"
"""The two vectors of a point: a multivector with one row per window, and a sparse vector of words."""

RANK_CONSTANT = 2
WEIGHTS = {MEANING: 1.0, WORDS: 1.2}
"""Chosen by measurement (docs/evaluation.md). Equal weights would cause ties between chunks ranked
first and second, and second and first."""
MIN_DEPTH = 50
"""Minimum length of the lists that are fused."""


def ranked_lists(
    searchable: Filter, corpus: Filter, vector: Vector | None, text: str | None, depth: int
) -> Iterator[tuple[str, Prefetch]]:
    """The best chunks by meaning and by words. Document frequencies are counted in `corpus`."""
    if vector is not None:
        yield MEANING, Prefetch(query=[vector], using=MEANING, filter=searchable, limit=depth)
    numbers, weights = bm25.query_vector(text or "")
    if numbers:
        frequencies = SearchParams(idf=IdfCorpusParams(corpus=corpus))
        sparse = SparseVector(indices=numbers, values=weights)
        yield WORDS, Prefetch(query=sparse, using=WORDS, filter=searchable, limit=depth, params=frequencies)


def fusion_query(names: Iterable[str]) -> RrfQuery:
    """The query that fuses these lists."""
    return RrfQuery(rrf=Rrf(k=RANK_CONSTANT, weights=[WEIGHTS[name] for name in names]))
