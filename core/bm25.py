"""BM25: the words of a text, the weight of a word in a document, and the rarity of a word in a corpus.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import log

K1 = 1.2
"""Saturation: how much a repeated word counts."""
B = 0.75
"""Length normalization: how much less the words of a long document count."""

WORD = re.compile(r"[^\W_]+")
TERM = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order; an underscore separates words."""
    return WORD.findall(text.lower())


def terms(text: str) -> set[str]:
    """The distinct words of a text in lower case; an identifier such as `max_size` is one word."""
    return set(TERM.findall(text.lower()))


def term_weight(count: int, length: int, average_length: float) -> float:
    """The weight of a word that occurs `count` times in a document of `length` words."""
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / average_length))


def inverse_document_frequency(documents: int, containing: int) -> float:
    """The rarity of a word that `containing` of the corpus's documents hold."""
    return log(1 + (documents - containing + 0.5) / (containing + 0.5))


def scores(query: set[str], documents: Sequence[Sequence[str]]) -> list[float]:
    """The BM25 score of each document, given as its words, for the words of a query."""
    counts = [Counter(document) for document in documents]
    average_length = sum(map(len, documents)) / max(1, len(documents))
    totals = [0.0] * len(documents)
    for word in query:
        containing = sum(word in count for count in counts)
        rarity = inverse_document_frequency(len(documents), containing)
        for index, count in enumerate(counts):
            if word in count:
                totals[index] += rarity * term_weight(count[word], count.total(), average_length)
    return totals
