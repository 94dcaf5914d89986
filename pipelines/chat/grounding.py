"""Grounding: how far the retrieved passages support an answer. Fails closed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.ports import Embed, Passage
from core.sentence_segmentation import Span, sentences
from pipelines.chat.citations import strip_markers

MIN_GROUNDING_SCORE = 0.7
"""The score from which an answer counts as grounded."""
MIN_SUPPORT = 0.6
"""Sentences with less support are listed as unsupported."""
LEXICAL_WEIGHT, SEMANTIC_WEIGHT = 0.5, 0.5
"""Weights of word overlap and of embedding similarity in a sentence's support."""
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
WORD = re.compile(r"[^\W\d_]{3,}|\d+")


@dataclass(frozen=True)
class GroundingResult:
    """The mean support of the answer's sentences, from 0 to 1, and the unsupported sentences."""

    score: float
    unsupported: tuple[str, ...]
    error: str | None = None
    """Why the comparison was not possible."""

    @property
    def is_grounded(self) -> bool:
        return self.score >= MIN_GROUNDING_SCORE


async def check_grounding(
    answer: str, passages: Sequence[Passage], embed: Embed | None = None
) -> GroundingResult:
    """Compare each sentence with the passages, by its words and, with `embed`, by its embedding.

    A verbatim sentence has full support; a number that no passage contains means no support. The score is 0
    without passages, without sentences, or after an embedding error.
    """
    text = strip_markers(answer)
    statements = [text[slice(*span)] for span in sentences(text) if WORD.search(text, *span)]
    if not passages or not statements:
        return GroundingResult(0.0, tuple(statements), "There was nothing to compare.")
    try:
        similarities = (
            await _semantic_similarities(statements, passages, embed) if embed else [None] * len(statements)
        )
    except Exception as error:  # fails closed
        return GroundingResult(0.0, tuple(statements), f"The comparison failed ({type(error).__name__}).")
    supports = [
        sentence_support(sentence, passages, like)
        for sentence, like in zip(statements, similarities, strict=True)
    ]
    weak = [sentence for sentence, value in zip(statements, supports, strict=True) if value < MIN_SUPPORT]
    return GroundingResult(round(sum(supports) / len(supports), 4), tuple(weak))


def sentence_support(sentence: str, passages: Sequence[Passage], similarity: float | None) -> float:
    """How far the passages support a sentence, from 0 to 1."""
    normalized = _normalize(sentence)
    texts = [_normalize(passage.text) for passage in passages]
    if any(normalized in text for text in texts):
        return 1.0
    numbers = set(NUMBER.findall(normalized))
    if any(not any(number in set(NUMBER.findall(text)) for text in texts) for number in numbers):
        return 0.0
    words = set(WORD.findall(normalized))
    lexical = max((len(words & set(WORD.findall(text))) / len(words) for text in texts), default=0.0)
    return (
        lexical if similarity is None else LEXICAL_WEIGHT * lexical + SEMANTIC_WEIGHT * max(0.0, similarity)
    )


async def _semantic_similarities(
    statements: Sequence[str], passages: Sequence[Passage], embed: Embed
) -> list[float | None]:
    """For each sentence, the highest cosine to a sentence of the passages."""
    passage_sentences = [passage.text[slice(*span)] for passage in passages for span in _spans(passage)]
    vectors = await embed([*statements, *passage_sentences], "passage")
    statement_vectors, passage_vectors = vectors[: len(statements)], vectors[len(statements) :]
    if len(passage_vectors) != len(passage_sentences):
        raise ValueError("the embedder returned too few vectors")
    return [
        max(sum(a * b for a, b in zip(one, other, strict=True)) for other in passage_vectors)
        for one in statement_vectors
    ]


def _spans(passage: Passage) -> list[Span]:
    return sentences(passage.text) or [(0, len(passage.text))]


def _normalize(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .!?\"'\u201c\u201d")
