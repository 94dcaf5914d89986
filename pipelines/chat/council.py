"""Council: several voices answer one question, and their votes decide the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance

from core.bm25 import terms
from core.ports import ModelFailure, RunErrorCode, Stance
from db.models import CouncilBasis, CouncilStrategy
from pipelines.chat.agreement import is_negated, numbers_of

MIN_CONSENSUS = 0.6
CONFIDENCE_LEVELS = {"high": 0.85, "medium": 0.65, "low": 0.40}
DEFAULT_CONFIDENCE = 0.50
MIN_REASONING_LENGTH = 200
"""Characters of reasoning above which a vote gains confidence."""
SAME_ANSWER_OVERLAP = 0.5
"""The share of common words from which two answers count as the same."""


@dataclass(frozen=True)
class Voice:
    """A member of the council: its instructions, temperature and weight."""

    stance: Stance
    instructions: str
    temperature: float
    weight: float = 1.0

    @property
    def name(self) -> str:
        return self.stance.value


VOICES = (
    Voice(Stance.ANALYTICAL, "Weigh the evidence step by step and answer only what it supports.", 0.3),
    Voice(Stance.CREATIVE, "Look for connections between the sources that others would miss.", 0.9),
    Voice(Stance.CRITICAL, "Look for what the sources leave open, contradict or do not support.", 0.5),
)


@dataclass(frozen=True)
class Vote:
    """One voice's answer, its confidence (0 to 1) and its reasoning."""

    voice: str
    answer: str
    confidence: float
    reasoning: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class VoteMetrics:
    """Statistics of the votes, rounded to three digits; `variance` is that of the confidences.

    `agreement` is the share of the votes with the most common answer, `consensus` its product with `average`.
    """

    average: float
    lowest: float
    highest: float
    variance: float
    agreement: float
    consensus: float


@dataclass(frozen=True)
class Decision:
    """The council's answer.

    `basis` is what it rests on: all votes, the best vote, the agreeing votes, or a synthesis. `voices` are
    the voices whose answer it is, `speaker` the voice whose text is used (None for a synthesis), and `failed`
    the voices without a vote.
    """

    answer: str
    speaker: str | None
    confidence: float
    basis: CouncilBasis
    voices: tuple[str, ...]
    failed: tuple[str, ...]
    metrics: VoteMetrics

    @property
    def has_consensus(self) -> bool:
        return self.metrics.consensus >= MIN_CONSENSUS


def vote_confidence(level: str | None, similarity: float | None, reasoning: str) -> float:
    """The confidence of a vote: by its stated level, its sources' similarity if any, and its reasoning."""
    confidence = CONFIDENCE_LEVELS.get((level or "").strip().lower(), DEFAULT_CONFIDENCE)
    if similarity is not None:
        confidence = 0.7 * confidence + 0.3 * similarity
    if len(reasoning) > MIN_REASONING_LENGTH:
        confidence += 0.05
    return min(1.0, confidence)


def is_same_answer(one: str, other: str) -> bool:
    """Whether two answers share half of their words, and neither has another number or negates alone."""
    numbers, other_numbers = numbers_of(one), numbers_of(other)
    if is_negated(one) != is_negated(other) or not (numbers <= other_numbers or other_numbers <= numbers):
        return False
    words, others = terms(one), terms(other)
    return len(words & others) >= SAME_ANSWER_OVERLAP * len(words | others)


def decide(
    votes: Sequence[Vote],
    strategy: CouncilStrategy = CouncilStrategy.WEIGHTED_CONFIDENCE,
    *,
    synthesis: str | None = None,
    failed: Sequence[str] = (),
    is_same: Callable[[str, str], bool] = is_same_answer,
) -> Decision:
    """The council's answer. Raises `ModelFailure` if there are no votes.

    A majority is more than half of the votes with the same answer (`is_same`). Without a majority, or without
    the synthesis that the strategy needs, the decision is by weighted confidence.
    """
    if not votes:
        raise ModelFailure(RunErrorCode.CHAT_FAILED, "No member of the council gave an answer.")
    counted, basis = list(votes), CouncilBasis.ALL
    agreeing = _largest_agreement(votes, is_same)
    if strategy is CouncilStrategy.HIGHEST_CONFIDENCE:
        counted, basis = [max(votes, key=lambda vote: vote.confidence)], CouncilBasis.BEST
    elif strategy is CouncilStrategy.MAJORITY and 2 * len(agreeing) > len(votes):
        counted, basis = agreeing, CouncilBasis.MAJORITY
    elif strategy is CouncilStrategy.SYNTHESIS and synthesis:
        basis = CouncilBasis.SYNTHESIS
    best = max(counted, key=lambda vote: vote.confidence * vote.weight)
    synthesized = synthesis if basis is CouncilBasis.SYNTHESIS else None
    return Decision(
        answer=synthesized or best.answer,
        speaker=None if synthesized else best.voice,
        confidence=round(_weighted_confidence(counted), 3),
        basis=basis,
        voices=tuple(vote.voice for vote in counted),
        failed=tuple(failed),
        metrics=vote_metrics(votes, len(agreeing)),
    )


def vote_metrics(votes: Sequence[Vote], agreeing: int) -> VoteMetrics:
    """Statistics of one or more votes, of which so many say the same."""
    values = [vote.confidence for vote in votes]
    average, agreement = fmean(values), agreeing / len(votes)
    figures = (average, min(values), max(values), pvariance(values), agreement, average * agreement)
    return VoteMetrics(*(round(figure, 3) for figure in figures))


def _weighted_confidence(votes: Sequence[Vote]) -> float:
    """The weighted mean of the confidences; 0 if all weights are 0."""
    weight = sum(vote.weight for vote in votes)
    return sum(vote.confidence * vote.weight for vote in votes) / weight if weight else 0.0


def _largest_agreement(votes: Sequence[Vote], is_same: Callable[[str, str], bool]) -> list[Vote]:
    """The largest set of votes with the same answer; on a tie, the one with more confidence."""
    groups = [
        [other for other in votes if other is vote or is_same(vote.answer, other.answer)] for vote in votes
    ]
    return max(groups, key=lambda group: (len(group), sum(vote.confidence for vote in group)))
