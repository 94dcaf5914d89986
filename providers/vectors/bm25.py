"""The words of a text as a sparse vector, so that the product of two of them is BM25.

A chunk's vector holds the part of BM25 that depends on the chunk, and a query's holds its words. The store
multiplies each by how rare the word is (its `idf` modifier), which changes with what is stored. See
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from zlib import crc32

SATURATION = 1.2
"""k1: how much a word counts that is repeated."""
LENGTH = 0.75
"""b: how much a long chunk's words count less."""
USUAL_LENGTH = 128
"""Words in a chunk whose words count as they are. Fixed: stored vectors can't depend on each other."""
QUERY_WORDS = 256
"""Different words of a query that are looked up: no question has more, and each costs time."""

WORD = re.compile(r"[^\W_]+")

SparseVector = tuple[list[int], list[float]]
"""The numbers of words, in ascending order, and the weight of each."""


def words(text: str) -> Iterator[str]:
    """The words of a text as they are compared: in small letters, without accents and common endings.

    Of scripts that do not part words, each pair of neighbouring characters is one.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    for word in WORD.findall("".join(each for each in plain if not unicodedata.combining(each))):
        if word.isascii():
            yield stem(word)
        elif unparted(word):
            yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            yield word


def of_chunk(text: str) -> SparseVector:
    """What each word of a chunk adds to the score of a query that has it."""
    counts = Counter(map(number, words(text)))
    bulk = SATURATION * (1 - LENGTH + LENGTH * counts.total() / USUAL_LENGTH)
    numbers = sorted(counts)
    return numbers, [counts[each] * (SATURATION + 1) / (counts[each] + bulk) for each in numbers]


def of_query(text: str) -> SparseVector:
    """The words of a query, each once."""
    numbers = sorted(list(dict.fromkeys(map(number, words(text))))[:QUERY_WORDS])
    return numbers, [1.0] * len(numbers)


def number(word: str) -> int:
    """A word's place in sparse vectors, from 32 bits; two words in four thousand million share one."""
    return crc32(word.encode())


def stem(word: str) -> str:
    """An English word without the endings of plurals (Harman's S-stemmer), which is little and safe."""
    if len(word) > 4 and word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("us", "ss", "is")):
        return word[:-1]
    return word


def unparted(word: str) -> bool:
    """Whether the word is of a script that writes no spaces: Chinese, Japanese, Thai, Lao, Khmer, Burmese."""
    first = ord(word[0])
    return (
        0x2E80 <= first <= 0x9FFF or 0x0E00 <= first <= 0x0EFF or 0x1000 <= first <= 0x17FF or first > 0x1FFFF
    )
