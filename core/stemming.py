"""Stems and stop words of English texts."""

import re

from core.bm25 import words

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about also an and are as at be been but by can could did do does for from had has have he her his "
        "how i if in into is it its many me much my name no not of on or our she so such than that the their "
        "them then there these they this those to was we were what when where which who whom whose why will "
        "with would you your",
    )
)
SUFFIXES = (
    *("ations", "ation", "ingly", "edly", "ments", "ities", "ment", "ness", "ings", "ing", "ity", "ied"),
    *("ies", "ers", "er", "ed", "es", "ly", "al", "s", "e"),
)
MIN_STEM_LENGTH = 3


def stems(text: str) -> set[str]:
    """The stems of a text's content words, in lower case."""
    return {stem(word) for word in words(text) if word not in STOP_WORDS}


def stem(word: str) -> str:
    """The stem of a word in lower case."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= MIN_STEM_LENGTH:
            return word[: -len(suffix)]
    return word
