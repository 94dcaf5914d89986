"""Lexical matching of questions and sentences: word rarity and coverage."""

from collections.abc import Iterable

from core.bm25 import inverse_document_frequency


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
