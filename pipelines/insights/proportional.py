"""The Energy advisor's own formula: each renewable source gets a share by its score."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.insights.plan_inputs import Source

RELIABILITY, CAPACITY, COST = 0.40, 0.35, 0.25
"""What counts how much in a score."""
HIGHEST_COST = 0.10
"""The cost per kWh from which a source gets nothing for its price."""


@dataclass(frozen=True)
class Portion:
    """A source's score, its share of the whole, and the part of the budget that goes with it."""

    code: str
    score: float
    share: float
    annual_cost: float


def score(source: Source) -> float:
    """0.40 reliability + 0.35 capacity + 0.25 (1 - min(cost / 0.10, 1))."""
    cheapness = 1 - min(source.cost_per_kwh / HIGHEST_COST, 1)
    return RELIABILITY * source.reliability + CAPACITY * source.capacity_factor + COST * cheapness


def portions(sources: Sequence[Source], budget: float) -> list[Portion]:
    """share = score / sum of the scores, annual cost = budget * share, of the renewable sources."""
    scores = {each.code: score(each) for each in sources if each.kind == "renewable"}
    total = sum(scores.values())
    return [Portion(code, each, each / total, budget * each / total) for code, each in scores.items()]


def sustainability(renewable: float, target: float) -> float:
    """min(100, renewable / target * 100), both in percent; a target of nothing is met."""
    return 100.0 if target <= 0 else min(100.0, renewable / target * 100)


def straight(current: float, target: float, first_year: int, target_year: int) -> list[tuple[int, float]]:
    """The percentage of each year on a straight line that begins now and ends with the target year's."""
    count = target_year - first_year + 1
    return [(first_year + step, current + (target - current) * (step + 1) / count) for step in range(count)]
