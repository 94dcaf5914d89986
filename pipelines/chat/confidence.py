"""How far an answer may be relied on, with each part of the sum."""

import re
from dataclasses import dataclass, replace

LOW_CONFIDENCE = 0.30
"""An answer below this is marked as one of low confidence."""
LOW_COUNCIL_CONFIDENCE = 0.50

SIMILARITY_WEIGHT, CITATION_WEIGHT, CERTAINTY_WEIGHT, QUALITY_WEIGHT = 0.60, 0.20, 0.10, 0.10
"""What each part weighs."""
UNSUPPORTED_CONFIDENCE = 0.3
"""The confidence where nothing was retrieved, and the least that hedging leaves of its part."""
ANSWER_WEIGHT, GROUNDING_WEIGHT = 0.7, 0.3
"""How the sum and the grounding are mixed in the end."""

HEDGES = re.compile(
    r"\b(?:i(?:'m| am) not (?:sure|certain)|might|may be|maybe|perhaps|possibly|probably|unclear|uncertain|"
    r"it (?:seems|appears)|i (?:think|believe|guess)|could be|not (?:enough|sufficient) information|"
    r"(?:do not|don't|cannot|can't) (?:know|tell|find|determine))\b",
    re.IGNORECASE,
)
"""Phrases that hedge."""


@dataclass(frozen=True)
class Confidence:
    """Every part is from 0 to 1; `total` is what is stored as the answer's confidence."""

    similarity: float
    citation: float
    certainty: float
    """What hedging leaves: 1 without an uncertainty phrase."""
    quality: float
    grounding: float
    total: float
    votes: float | None = None
    """What a council's votes came to, which stands in the total for the other parts but the grounding."""

    def is_low(self, *, council: bool = False) -> bool:
        """Whether the answer carries a warning."""
        return self.total < (LOW_COUNCIL_CONFIDENCE if council else LOW_CONFIDENCE)


def answer_confidence(
    answer: str,
    *,
    similarity: float,
    retrieved: int,
    cited: int,
    quality: float,
    grounding: float,
) -> Confidence:
    """The weighted sum of an answer's parts, mixed with the grounding score.

    `similarity` is that of the passages cited, or where none is, of those retrieved. `retrieved` and `cited`
    count passages. With nothing retrieved the sum is `UNSUPPORTED`.
    """
    similarity = min(1.0, max(0.0, similarity))
    certainty = max(UNSUPPORTED_CONFIDENCE, 1 - 0.3 * len(HEDGES.findall(answer)))
    citation = citation_score(retrieved, cited)
    combined = SIMILARITY_WEIGHT * similarity + CITATION_WEIGHT * citation + CERTAINTY_WEIGHT * certainty + QUALITY_WEIGHT * quality
    if not retrieved:
        combined = UNSUPPORTED_CONFIDENCE
    total = min(1.0, max(0.0, ANSWER_WEIGHT * combined + GROUNDING_WEIGHT * grounding))
    return Confidence(similarity, citation, certainty, quality, grounding, round(total, 4))


def council_confidence(base: Confidence, votes: float) -> Confidence:
    """The confidence of an answer that a council gives, whose votes came to `votes`."""
    return replace(base, votes=votes, total=round(ANSWER_WEIGHT * votes + GROUNDING_WEIGHT * base.grounding, 4))


def citation_score(retrieved: int, cited: int) -> float:
    """How well an answer shows its sources: 0.6 for any, more for a larger share and for each one."""
    base = 0.6 if cited else 0.2
    share = cited / retrieved if retrieved else 0.0
    return min(1.0, base + 0.3 * share + min(0.2, 0.05 * cited))
