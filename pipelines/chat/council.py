"""Several voices answer one question: their votes, and what comes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance

from core.bm25 import terms
from core.ports import ModelFailure, RunErrorCode, Stance
from db.models import CouncilBasis, CouncilStrategy

MIN_CONSENSUS = 0.6
CONFIDENCE_LEVELS = {"high": 0.85, "medium": 0.65, "low": 0.40}
DEFAULT_CONFIDENCE = 0.50
MIN_REASONING_LENGTH = 200
"""Characters of reasoning beyond which a vote is trusted a little more."""
SAME_ANSWER_OVERLAP = 0.5
"""The share of words from which two answers are the same one."""


@dataclass(frozen=True)
class Voice:
    """One member of the council: how it is asked to think, at which temperature, and what it weighs."""

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
    """What one voice says, how sure it is (0 to 1), and why."""

    voice: str
    answer: str
    confidence: float
    reasoning: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class VoteMetrics:
    """Of the votes' confidences, each rounded to three digits; `variance` is that of the population."""

    average: float
    lowest: float
    highest: float
    variance: float
    agreement: float
    consensus: float


@dataclass(frozen=True)
class Decision:
    """The council's answer.

    `basis` tells what it rests on: all votes, the best one, those that agree, or their synthesis. `voices`
    are those whose answer it is, `speaker` the one whose words it is in (None for a synthesis); `failed`
    those that gave none. `agreed` is whether there is a consensus.
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
    """How sure a vote is: by its stated level, by its documents' similarity if any, and by its reasons."""
    confidence = CONFIDENCE_LEVELS.get((level or "").strip().lower(), DEFAULT_CONFIDENCE)
    if similarity is not None:
        confidence = 0.7 * confidence + 0.3 * similarity
    if len(reasoning) > MIN_REASONING_LENGTH:
        confidence += 0.05
    return min(1.0, confidence)


def is_same_answer(one: str, other: str) -> bool:
    """Whether two answers share half of all their words, and a number where both name any."""
    words, others = terms(one), terms(other)
    numbers = [{word for word in side if word.isdigit()} for side in (words, others)]
    if all(numbers) and not numbers[0] & numbers[1]:
        return False
    return len(words & others) >= SAME_ANSWER_OVERLAP * len(words | others)


def decide(
    votes: Sequence[Vote],
    strategy: CouncilStrategy = CouncilStrategy.WEIGHTED_CONFIDENCE,
    *,
    synthesis: str | None = None,
    failed: Sequence[str] = (),
    is_same: Callable[[str, str], bool] = is_same_answer,
) -> Decision:
    """What the council answers. Raises `ModelFailure` when nobody voted.

    A majority is more than half of the votes that say the same (`same`); where there is none, and where a
    synthesis is wanted and was not made, it is decided by weighted confidence, which `basis` tells.
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
        metrics=vote_metrics(votes),
    )


def vote_metrics(votes: Sequence[Vote]) -> VoteMetrics:
    """How far at least one vote, or several, are sure and agree."""
    values = [vote.confidence for vote in votes]
    average, variance = fmean(values), pvariance(values)
    consensus = average * (1 - min(variance, 1))
    figures = (average, min(values), max(values), variance, 1 - variance, consensus)
    return VoteMetrics(*(round(figure, 3) for figure in figures))


def _weighted_confidence(votes: Sequence[Vote]) -> float:
    """The mean of the confidences by weight; 0 where no vote weighs anything."""
    weight = sum(vote.weight for vote in votes)
    return sum(vote.confidence * vote.weight for vote in votes) / weight if weight else 0.0


def _largest_agreement(votes: Sequence[Vote], is_same: Callable[[str, str], bool]) -> list[Vote]:
    """The largest set of votes that say what one of them says; of equal ones, the surer."""
    groups = [
        [other for other in votes if other is vote or is_same(vote.answer, other.answer)] for vote in votes
    ]
    return max(groups, key=lambda group: (len(group), sum(vote.confidence for vote in group)))
