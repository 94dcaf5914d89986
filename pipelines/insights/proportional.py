"""Proportional allocation: each renewable source gets a share by its score."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.insights.plan_inputs import EnergySource

RELIABILITY_WEIGHT, CAPACITY_WEIGHT, COST_WEIGHT = 0.40, 0.35, 0.25
MAX_COST_PER_KWH = 0.10
"""The cost per kWh from which the price scores 0."""


@dataclass(frozen=True)
class Portion:
    """A source's score, its share of the energy, and its part of the budget."""

    code: str
    score: float
    share: float
    annual_cost: float


def source_score(source: EnergySource) -> float:
    """0.40 reliability + 0.35 capacity + 0.25 (1 - min(cost / 0.10, 1))."""
    cheapness = 1 - min(source.cost_per_kwh / MAX_COST_PER_KWH, 1)
    return (
        RELIABILITY_WEIGHT * source.reliability
        + CAPACITY_WEIGHT * source.capacity_factor
        + COST_WEIGHT * cheapness
    )


def portions(sources: Sequence[EnergySource], budget: float) -> list[Portion]:
    """share = score / sum of the scores, annual cost = budget * share, of the renewable sources."""
    scores = {source.code: source_score(source) for source in sources if source.kind == "renewable"}
    total = sum(scores.values())
    return [Portion(code, score, score / total, budget * score / total) for code, score in scores.items()]


def sustainability_score(renewable: float, target: float) -> float:
    """min(100, renewable / target * 100), both in percent; 100 for a target of 0."""
    return 100.0 if target <= 0 else min(100.0, renewable / target * 100)


def linear_path(current: float, target: float, first_year: int, target_year: int) -> list[tuple[int, float]]:
    """The percentage of each year on a straight line from now to the target year."""
    count = target_year - first_year + 1
    return [(first_year + step, current + (target - current) * (step + 1) / count) for step in range(count)]
