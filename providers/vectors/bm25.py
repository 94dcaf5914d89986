"""BM25 as sparse vectors: the product of a chunk's vector and a query's is the chunk's BM25 score.

A chunk's vector holds the part of BM25 that depends on the chunk, and a query's holds its words. The store
multiplies them by inverse document frequencies (its `idf` modifier), which change with what is stored.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from zlib import crc32

from core.bm25 import WORD, term_weight

AVERAGE_LENGTH = 128
"""Words in an average chunk. Fixed, because stored vectors cannot depend on one another."""
MAX_QUERY_WORDS = 256
"""Distinct words of a query that are looked up."""

SparseVector = tuple[list[int], list[float]]
"""Word ids in ascending order, and the weight of each."""


def tokenize(text: str) -> Iterator[str]:
    """The words of a text, case-folded, without accents and plural endings.

    Scripts that do not separate words yield each pair of neighbouring characters.
    """
    normalized = unicodedata.normalize("NFKD", text).casefold()
    for word in WORD.findall("".join(char for char in normalized if not unicodedata.combining(char))):
        if word.isascii():
            yield stem(word)
        elif is_unsegmented(word):
            yield from (word[start : start + 2] for start in range(max(1, len(word) - 1)))
        else:
            yield word


def document_vector(text: str) -> SparseVector:
    """The BM25 weight of each word of a chunk."""
    counts = Counter(map(word_id, tokenize(text)))
    ids = sorted(counts)
    return ids, [term_weight(counts[id], counts.total(), AVERAGE_LENGTH) for id in ids]


def query_vector(text: str) -> SparseVector:
    """The distinct words of a query, each with the weight 1."""
    ids = sorted(list(dict.fromkeys(map(word_id, tokenize(text))))[:MAX_QUERY_WORDS])
    return ids, [1.0] * len(ids)


def word_id(word: str) -> int:
    """The word's 32-bit index in sparse vectors. Collisions are rare and harmless."""
    return crc32(word.encode())


def stem(word: str) -> str:
    """An English word without its plural ending (Harman's S-stemmer)."""
    if len(word) > 4 and word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("us", "ss", "is")):
        return word[:-1]
    return word


def is_unsegmented(word: str) -> bool:
    """Whether the script has no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese."""
    first = ord(word[0])
    return (
        0x2E80 <= first <= 0x9FFF or 0x0E00 <= first <= 0x0EFF or 0x1000 <= first <= 0x17FF or first > 0x1FFFF
    )
