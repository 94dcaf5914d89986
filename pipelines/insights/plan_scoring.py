"""Scoring of plans by a company's weights, and the weights at which the decision turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pipelines.insights.optimisation import PLAN_OBJECTIVES, LinearProgram, Year
from pipelines.insights.plan_inputs import EnergySource, PlanGoals

ON_TRACK_TOLERANCE = 1e-4
"""The shortfall, as a share of consumption, up to which a year counts as on track."""
MAX_BREAK_EVEN_WEIGHT = 0.995
"""Break-even weights above this are ignored, because one criterion alone would decide."""
CRITERIA = ("energy_mix", "price_optimization", "portfolio_decision")


@dataclass(frozen=True)
class Plan:
    """A plan and its results; shares and criteria are from 0 to 1."""

    name: str
    years: list[Year]
    renewable_share: float
    unit_cost: float
    total_cost: float
    served_share: float
    reliability: float
    years_on_track: int
    criteria: dict[str, float]
    score: float


def rank_plans(goals: PlanGoals, sources: Sequence[EnergySource], weights: Mapping[str, float]) -> list[Plan]:
    """All plans with their scores, the best first.

    Criteria: the energy mix is the reached share of the target; the price the cheapest plan's cost per kWh
    relative to this one's; the portfolio the served share times reliability times the years on track.
    """
    years_by_plan = LinearProgram(goals, sources).solve_all()
    costs = {name: unit_cost(years) for name, years in years_by_plan.items()}
    cheapest = min((cost for cost in costs.values() if cost > 0), default=0.0)
    scored = [score_plan(name, years, goals, weights, cheapest) for name, years in years_by_plan.items()]
    return sorted(scored, key=lambda plan: (-round(plan.score, 9), list(PLAN_OBJECTIVES).index(plan.name)))


def score_plan(
    name: str, years: list[Year], goals: PlanGoals, weights: Mapping[str, float], cheapest: float
) -> Plan:
    """A plan with its criteria and its score."""
    last, cost = years[-1], unit_cost(years)
    served = 1 - sum(year.unmet_kwh for year in years) / sum(year.demand_kwh for year in years)
    on_track = sum(year.shortfall_kwh <= ON_TRACK_TOLERANCE * year.demand_kwh for year in years)
    reliability = fmean(year.reliability for year in years)
    reached = min(1.0, last.renewable_share / goals.target_share) if goals.target_share > 0 else 1.0
    criteria = {
        "energy_mix": reached,
        "price_optimization": cheapest / cost if cost > 0 else 0.0,
        "portfolio_decision": served * reliability * on_track / len(years),
    }
    return Plan(
        name=name,
        years=years,
        renewable_share=last.renewable_share,
        unit_cost=cost,
        total_cost=sum(year.cost for year in years),
        served_share=served,
        reliability=reliability,
        years_on_track=on_track,
        criteria=criteria,
        score=weighted_score(criteria, weights),
    )


def unit_cost(years: Sequence[Year]) -> float:
    """The cost per served kWh."""
    served = sum(year.demand_kwh - year.unmet_kwh for year in years)
    return sum(year.cost for year in years) / served if served > 0 else 0.0


def weighted_score(criteria: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The weighted mean of the criteria; the weights need not sum to 1 exactly."""
    total = sum(weights[name] for name in CRITERIA)
    return sum(weights[name] * criteria[name] for name in CRITERIA) / total


def break_even_weight(
    best: Mapping[str, float], other: Mapping[str, float], weights: Mapping[str, float], criterion: str
) -> float | None:
    """The weight of a criterion, from 0 to 1, at which the other plan has the same score, or None.

    The other two weights keep their proportion. With a the lead of the best plan in the criterion and b its
    lead in the rest, w a + (1 - w) b = 0 gives w = b / (b - a).
    """
    rest = [name for name in CRITERIA if name != criterion]
    share = sum(weights[name] for name in rest)
    lead = best[criterion] - other[criterion]
    if share > 0:
        rest_lead = sum(weights[name] * (best[name] - other[name]) for name in rest) / share
    else:
        rest_lead = sum(best[name] - other[name] for name in rest) / len(rest)
    if abs(rest_lead - lead) < 1e-12:
        return None
    weight = rest_lead / (rest_lead - lead)
    return weight if 0 <= weight <= 1 else None


def break_even_weights(ranked: Sequence[Plan], weights: Mapping[str, float]) -> list[dict[str, Any]]:
    """The weights of criteria at which another plan draws level with the best."""
    best = ranked[0]
    found = []
    for criterion in CRITERIA:
        for other in ranked[1:]:
            level = break_even_weight(best.criteria, other.criteria, weights, criterion)
            if level is not None and level < MAX_BREAK_EVEN_WEIGHT:
                found.append({"criterion": criterion, "weight": level, "decision": other.name})
    return found
