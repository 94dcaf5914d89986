"""BM25 as sparse vectors: the product of a chunk's vector and a query's is the chunk's BM25 score.

A chunk's vector holds the part of BM25 that depends on the chunk, and a query's holds its words. The store
multiplies them by inverse document frequencies (its `idf` modifier), which change with what is stored.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from zlib import crc32

from core.bm25 import term_weight

AVERAGE_LENGTH = 128
"""Words in an average chunk. Fixed, because stored vectors cannot depend on one another."""
MAX_QUERY_WORDS = 256
"""Distinct words of a query that are looked up."""

ALEF, YEH, TATWEEL = "\u0627", "\u064a", 0x0640
ARABIC_PREFIXES = (
    "\u0648\u0627\u0644",
    "\u0628\u0627\u0644",
    "\u0643\u0627\u0644",
    "\u0641\u0627\u0644",
    "\u0627\u0644",
    "\u0644\u0644",
)
"""The article al-, alone and after wa-, bi-, ka-, fa- and li-."""
UNSEGMENTED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Ranges of code points of scripts whose words are indexed by pairs of characters."""

SparseVector = tuple[list[int], list[float]]
"""Word ids in ascending order, and the weight of each."""


def tokenize(text: str) -> Iterator[str]:
    """The words of a text, case-folded, without accents and plural endings.

    Scripts that do not separate words, and Korean, whose words end in particles, yield each pair of
    neighbouring characters; Arabic words lose their article.
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(SIGNS)
    for word in unicodedata.normalize("NFC", decomposed).split():
        if word.isascii():
            yield stem(word)
        elif is_unsegmented(word):
            yield from (word[start : start + 2] for start in range(max(1, len(word) - 1)))
        else:
            yield without_article(word)


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


def without_article(word: str) -> str:
    """An Arabic word without its article and the prepositions and conjunctions that are joined to it."""
    if ALEF <= word[0] <= YEH:
        for prefix in ARABIC_PREFIXES:
            if word.startswith(prefix) and len(word) >= len(prefix) + 3:
                return word.removeprefix(prefix)
    return word


def is_unsegmented(word: str) -> bool:
    """Whether words are not apart or carry particles: East Asian, Thai, Lao, Khmer, Burmese."""
    return any(first <= ord(word[0]) <= last for first, last in UNSEGMENTED)


class Signs(dict[int, str | None]):
    """What becomes of each character: accents go, letters and the vowel signs of Asian scripts stay.

    All else separates words.
    """

    def __missing__(self, number: int) -> str | None:
        char = chr(number)
        if char.isalnum():
            kept: str | None = char
        elif unicodedata.category(char) in ("Mn", "Mc"):
            kept = char if is_asian_sign(number) else None
        else:
            kept = " "
        self[number] = kept
        return kept


def is_asian_sign(number: int) -> bool:
    """Whether the sign is part of its word: of India, Tibet, South-East Asia, or the Japanese voicing."""
    return 0x0900 <= number <= 0x109F or 0x1700 <= number <= 0x1CFF or number in (0x3099, 0x309A)


SIGNS = Signs({TATWEEL: None})
