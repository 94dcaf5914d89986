"""Verdicts on the sentences of a text: what passages of documents say of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.ports import Embed, Passage
from core.sentence_segmentation import Span
from db.models import SentenceVerdict
from pipelines.chat.agreement import disagreement
from pipelines.chat.citations import best_match
from pipelines.chat.grounding import (
    MIN_SUPPORT,
    semantic_similarities,
    source_support,
    statement_text,
)

MIN_SUBJECT = 0.6
"""Share of a sentence's words in a passage's sentence that is about the same subject."""
MIN_NEAREST = 0.2
"""Share of a sentence's words in the nearest passage that is worth showing."""


@dataclass(frozen=True)
class Difference:
    """What a sentence and a passage say differently. `kind` is a value of `TextDifferenceKind`."""

    kind: str
    stated: str | None
    found: str | None


@dataclass(frozen=True)
class SentenceFinding:
    """The verdict on a sentence, and the part of a passage that it rests on."""

    verdict: SentenceVerdict
    confidence: float | None = None
    passage: Passage | None = None
    span: Span = (0, 0)
    differences: tuple[Difference, ...] = ()
    reason: str | None = None


async def judge(sentence: str, passages: Sequence[Passage], embed: Embed | None = None) -> SentenceFinding:
    """What the passages say of a sentence."""
    statement = statement_text(sentence, (0, len(sentence)))
    (similarities,) = await semantic_similarities([statement], passages, embed)
    supports = [
        source_support(statement, passage, similarities[index] if similarities else None)
        for index, passage in enumerate(passages)
    ]
    matches = [best_match(statement, passage.text) for passage in passages]
    best = max(range(len(passages)), key=lambda index: (supports[index], matches[index][1]), default=None)
    if best is not None and supports[best] >= MIN_SUPPORT:
        return SentenceFinding(SentenceVerdict.SUPPORTED, supports[best], passages[best], matches[best][0])
    nearest = max(range(len(passages)), key=lambda index: matches[index][1], default=None)
    if nearest is None or matches[nearest][1] < MIN_NEAREST:
        return SentenceFinding(SentenceVerdict.NOT_FOUND, 0.5)
    passage, (span, share) = passages[nearest], matches[nearest]
    kind = disagreement(statement, passage.text, passage.source)
    if kind in ("number", "name", "negation") and share >= MIN_SUBJECT:
        return SentenceFinding(
            SentenceVerdict.CONTRADICTED, share, passage, span, (Difference(kind, None, None),)
        )
    return SentenceFinding(SentenceVerdict.NOT_FOUND, 0.5, passage, span)
