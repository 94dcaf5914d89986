"""Several voices answer one question: their votes, and what comes of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, pvariance
from typing import Literal

from core.ports import ModelFailure, RunErrorCode

MOST_ROUNDS = 5
LEAST_CONSENSUS = 0.6
LEVELS = {"high": 0.85, "medium": 0.65, "low": 0.40}
UNSTATED = 0.50
REASONED = 200
"""Characters of reasoning beyond which a vote is trusted a little more."""
ALIKE = 0.5
"""The share of words from which two answers are the same one."""


@dataclass(frozen=True)
class Voice:
    """One member of the council: how it is asked to think, at which temperature, and what it weighs."""

    name: str
    instructions: str
    temperature: float
    weight: float = 1.0


VOICES = (
    Voice("analytical", "Weigh the evidence step by step and answer only what it supports.", 0.3),
    Voice("creative", "Look for connections between the sources that others would miss.", 0.9),
    Voice("critical", "Look for what the sources leave open, contradict or do not support.", 0.5),
)


class Strategy(Enum):
    """How one answer is made of several."""

    WEIGHTED_CONFIDENCE = "weighted_confidence"
    HIGHEST_CONFIDENCE = "highest_confidence"
    MAJORITY = "majority"
    SYNTHESIS = "synthesis"


@dataclass(frozen=True)
class Vote:
    """What one voice says, how sure it is (0 to 1), and why."""

    voice: str
    answer: str
    confidence: float
    reasoning: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class Metrics:
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
    are those whose answer it is; `failed` those that gave none. `agreed` is whether there is a consensus.
    """

    answer: str
    confidence: float
    basis: Literal["all", "best", "majority", "synthesis"]
    voices: tuple[str, ...]
    failed: tuple[str, ...]
    metrics: Metrics

    @property
    def agreed(self) -> bool:
        return self.metrics.consensus >= LEAST_CONSENSUS


def vote_confidence(level: str | None, similarity: float | None, reasoning: str) -> float:
    """How sure a vote is: by its stated level, by its documents' similarity if any, and by its reasons."""
    confidence = LEVELS.get((level or "").strip().lower(), UNSTATED)
    if similarity is not None:
        confidence = 0.7 * confidence + 0.3 * similarity
    if len(reasoning) > REASONED:
        confidence += 0.05
    return min(1.0, confidence)


def alike(one: str, other: str) -> bool:
    """Whether two answers share half of all their words, and a number where both name any."""
    words, others = _words(one), _words(other)
    numbers = [{word for word in side if word.isdigit()} for side in (words, others)]
    if all(numbers) and not numbers[0] & numbers[1]:
        return False
    return len(words & others) >= ALIKE * len(words | others)


def decide(
    votes: Sequence[Vote],
    strategy: Strategy = Strategy.WEIGHTED_CONFIDENCE,
    *,
    synthesis: str | None = None,
    failed: Sequence[str] = (),
    same: Callable[[str, str], bool] = alike,
) -> Decision:
    """What the council answers. Raises `ModelFailure` when nobody voted.

    A majority is more than half of the votes that say the same (`same`); where there is none, and where a
    synthesis is wanted and was not made, it is decided by weighted confidence, which `basis` tells.
    """
    if not votes:
        raise ModelFailure(RunErrorCode.CHAT_FAILED, "No member of the council gave an answer.")
    best = max(votes, key=lambda vote: vote.confidence)
    answer, confidence, voices = best.answer, _weighted(votes), [vote.voice for vote in votes]
    basis: Literal["all", "best", "majority", "synthesis"] = "all"
    agreeing = _largest(votes, same)
    if strategy is Strategy.HIGHEST_CONFIDENCE:
        confidence, basis, voices = best.confidence, "best", [best.voice]
    elif strategy is Strategy.MAJORITY and 2 * len(agreeing) > len(votes):
        spokesman = max(agreeing, key=lambda vote: vote.confidence)
        answer, confidence, basis = spokesman.answer, _weighted(agreeing), "majority"
        voices = [vote.voice for vote in agreeing]
    elif strategy is not Strategy.MAJORITY and synthesis:
        answer, basis = synthesis, "synthesis"
    return Decision(answer, round(confidence, 3), basis, tuple(voices), tuple(failed), metrics(votes))


def metrics(votes: Sequence[Vote]) -> Metrics:
    """How far at least one vote, or several, are sure and agree."""
    values = [vote.confidence for vote in votes]
    average, variance = fmean(values), pvariance(values)
    consensus = average * (1 - min(variance, 1))
    figures = (average, min(values), max(values), variance, 1 - variance, consensus)
    return Metrics(*(round(figure, 3) for figure in figures))


def _weighted(votes: Sequence[Vote]) -> float:
    """The mean of the confidences by weight; 0 where no vote weighs anything."""
    weight = sum(vote.weight for vote in votes)
    return sum(vote.confidence * vote.weight for vote in votes) / weight if weight else 0.0


def _largest(votes: Sequence[Vote], same: Callable[[str, str], bool]) -> list[Vote]:
    """The largest set of votes that say what one of them says; of equal ones, the surer."""
    groups = [
        [other for other in votes if other is vote or same(vote.answer, other.answer)] for vote in votes
    ]
    return max(groups, key=lambda group: (len(group), sum(vote.confidence for vote in group)))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
