"""Confidence of an answer: the probability of its quotations, or a weighted sum of its parts."""

import re
from dataclasses import dataclass, replace

LOW_CONFIDENCE = 0.30
"""Answers below this carry a low-confidence warning."""
LOW_COUNCIL_CONFIDENCE = 0.50
LOW_PROBABILITY = 0.50
"""Quotations that answer the question with a lower probability carry that warning."""

SIMILARITY_WEIGHT, CITATION_WEIGHT, CERTAINTY_WEIGHT, QUALITY_WEIGHT = 0.60, 0.20, 0.10, 0.10
UNSUPPORTED_CONFIDENCE = 0.3
"""The confidence if nothing was retrieved, and the minimum of `certainty`."""
ANSWER_WEIGHT, GROUNDING_WEIGHT = 0.7, 0.3
"""Weights of the sum and of the grounding in the total."""

HEDGES = re.compile(
    r"\b(?:i(?:'m| am) not (?:sure|certain)|might|may be|maybe|perhaps|possibly|probably|unclear|uncertain|"
    r"it (?:seems|appears)|i (?:think|believe|guess)|could be|not (?:enough|sufficient) information|"
    r"(?:do not|don't|cannot|can't) (?:know|tell|find|determine))\b",
    re.IGNORECASE,
)
"""Hedging phrases."""


@dataclass(frozen=True)
class Confidence:
    """The parts, each from 0 to 1, and the `total` that is stored as the answer's confidence."""

    similarity: float
    citation: float
    certainty: float
    """1 without hedging phrases, and less with each."""
    quality: float
    grounding: float
    total: float
    votes: float | None = None
    """The confidence of a council's votes. In the total it replaces all parts but the grounding."""
    probability: float | None = None
    """The calibrated probability that the quotations answer the question; the total, if there are any."""

    def is_low(self, *, council: bool = False) -> bool:
        """Whether the answer carries a low-confidence warning."""
        if council:
            return self.total < LOW_COUNCIL_CONFIDENCE
        return self.total < (LOW_CONFIDENCE if self.probability is None else LOW_PROBABILITY)


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

    `similarity` is the mean of the cited passages, or of all if none is cited. `retrieved` and `cited` count
    passages. If nothing was retrieved, the sum is `UNSUPPORTED_CONFIDENCE`.
    """
    similarity = min(1.0, max(0.0, similarity))
    certainty = max(UNSUPPORTED_CONFIDENCE, 1 - 0.3 * len(HEDGES.findall(answer)))
    citation = citation_score(retrieved, cited)
    combined = (
        SIMILARITY_WEIGHT * similarity
        + CITATION_WEIGHT * citation
        + CERTAINTY_WEIGHT * certainty
        + QUALITY_WEIGHT * quality
    )
    if not retrieved:
        combined = UNSUPPORTED_CONFIDENCE
    total = min(1.0, max(0.0, ANSWER_WEIGHT * combined + GROUNDING_WEIGHT * grounding))
    return Confidence(similarity, citation, certainty, quality, grounding, round(total, 4))


def quotation_confidence(base: Confidence, probability: float) -> Confidence:
    """The confidence of an answer that consists of quotations."""
    return replace(base, probability=probability, total=round(probability, 4))


def council_confidence(base: Confidence, votes: float) -> Confidence:
    """The confidence of a council's answer, given the confidence of its votes."""
    return replace(
        base, votes=votes, total=round(ANSWER_WEIGHT * votes + GROUNDING_WEIGHT * base.grounding, 4)
    )


def citation_score(retrieved: int, cited: int) -> float:
    """How well an answer cites: 0.6 for any citation, more for a larger share and for each one."""
    base = 0.6 if cited else 0.2
    share = cited / retrieved if retrieved else 0.0
    return min(1.0, base + 0.3 * share + min(0.2, 0.05 * cited))
