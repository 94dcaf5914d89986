"""Lexical matching of English questions and sentences: word rarity, coverage and question kind."""

import re
from collections.abc import Iterable

from core.bm25 import inverse_document_frequency

ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|old|far|large|big|tall|often|high|wide|deep|fast|few)\b|percent|what number"
)
ASKS_TIME = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|century|day|month|decade)")
ASKS_NAME = re.compile(
    r"\b(?:who|whom|whose|where)\b|\bwhat (?:city|country|state|person|company|team|name)|"
    r"\bwhich (?:city|country)"
)
NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|thousand|million|"
    r"billion|half|first|second|third|dozen)\b",
    re.IGNORECASE,
)
TIME = re.compile(
    r"\b(?:1\d{3}|20\d\d|\d+(?:st|nd|rd|th)|century|january|february|march|april|may|june|july|august|september|"
    r"october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|\d+s|bc|ad)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][a-z]+")


def word_rarities(question: Iterable[str], sentences: list[set[str]]) -> dict[str, float]:
    """The inverse document frequency of each word of a question among the sentences."""
    return {
        word: inverse_document_frequency(len(sentences), sum(word in sentence for sentence in sentences))
        for word in question
    }


def coverage(rarities: dict[str, float], words: set[str]) -> float:
    """The share of a question's words, weighted by rarity, that is among these words."""
    total = sum(rarities.values())
    return sum(weight for word, weight in rarities.items() if word in words) / total if total else 0.0


def matches_question_kind(question: str, sentence: str) -> bool:
    """Whether a sentence holds what the question asks for: a number, a time, a name, or anything."""
    lowered = question.lower()
    if ASKS_NUMBER.search(lowered):
        return bool(NUMBER.search(sentence))
    if ASKS_TIME.search(lowered):
        return bool(TIME.search(sentence))
    if ASKS_NAME.search(lowered):
        return bool(NAME.search(sentence))
    return True
