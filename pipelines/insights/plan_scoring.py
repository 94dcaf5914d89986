"""Which plan fits a company best, by what it says counts; and what would change that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from pipelines.insights.optimisation import PLANS, Program, Year
from pipelines.insights.plan_inputs import Aims, Source

ON_TRACK = 1e-4
"""By what share of the consumption a year may fall short and still count as on track."""
COST_CHANGE, BUDGET_CHANGE, DEMAND_CHANGE = 0.2, 0.2, 0.1
NEVER = 0.995
"""The weight from which one criterion alone would decide: that tells nothing."""
CRITERIA = ("energy_mix", "price_optimization", "portfolio_decision")


@dataclass(frozen=True)
class Plan:
    """A plan and what it comes to; shares and criteria are from 0 to 1."""

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


def plans(aims: Aims, sources: Sequence[Source], weights: Mapping[str, float]) -> list[Plan]:
    """Every plan with its score, the best first.

    Of the criteria, the energy mix is the share of the target that is reached, the price the cheapest plan's
    cost per kWh beside this one's, the portfolio what is served, how reliably, in how many years on track.
    """
    program = Program(aims, sources)
    found = {name: program.plan(name) for name in PLANS}
    costs = {name: unit_cost(years) for name, years in found.items()}
    cheapest = min((cost for cost in costs.values() if cost > 0), default=0.0)
    made = [weighed(name, years, aims, weights, cheapest) for name, years in found.items()]
    return sorted(made, key=lambda plan: (-round(plan.score, 9), list(PLANS).index(plan.name)))


def weighed(name: str, years: list[Year], aims: Aims, weights: Mapping[str, float], cheapest: float) -> Plan:
    """A plan with its criteria and its score."""
    last, cost = years[-1], unit_cost(years)
    served = 1 - sum(year.unmet_kwh for year in years) / sum(year.demand_kwh for year in years)
    on_track = sum(year.shortfall_kwh <= ON_TRACK * year.demand_kwh for year in years)
    reliability = fmean(year.reliability for year in years)
    reached = min(1.0, last.renewable_share / aims.target_share) if aims.target_share > 0 else 1.0
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
        score=score(criteria, weights),
    )


def unit_cost(years: Sequence[Year]) -> float:
    """What a kWh costs that is served."""
    served = sum(year.demand_kwh - year.unmet_kwh for year in years)
    return sum(year.cost for year in years) / served if served > 0 else 0.0


def score(criteria: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The weighted mean of the criteria; the weights need not sum to 1 exactly."""
    total = sum(weights[name] for name in CRITERIA)
    return sum(weights[name] * criteria[name] for name in CRITERIA) / total


def break_even(
    best: Mapping[str, float], other: Mapping[str, float], weights: Mapping[str, float], criterion: str
) -> float | None:
    """The weight of a criterion, of 1, at which the other plan draws level; none where it never does.

    The other two weights keep their proportion. With a the lead of the best plan in the criterion and b its
    lead in the rest, w a + (1 - w) b = 0 gives w = b / (b - a).
    """
    rest = [name for name in CRITERIA if name != criterion]
    share = sum(weights[name] for name in rest)
    lead = best[criterion] - other[criterion]
    if share > 0:
        apart = sum(weights[name] * (best[name] - other[name]) for name in rest) / share
    else:
        apart = sum(best[name] - other[name] for name in rest) / len(rest)
    if abs(apart - lead) < 1e-12:
        return None
    level = apart / (apart - lead)
    return level if 0 <= level <= 1 else None


def sensitivity(
    aims: Aims, sources: Sequence[Source], weights: Mapping[str, float], chosen: Sequence[Plan]
) -> dict[str, Any]:
    """What each change of a figure does to the decision, and the weights at which it turns."""
    best = chosen[0]
    cases = []
    for label, changed_aims, changed_sources in changes(aims, sources):
        again = plans(changed_aims, changed_sources, weights)
        cases.append(
            {
                "change": label,
                "decision": again[0].name,
                "changes_decision": again[0].name != best.name,
                "renewable_share": again[0].renewable_share,
                "renewable_share_change": again[0].renewable_share - best.renewable_share,
                "total_cost_change": again[0].total_cost - best.total_cost,
                "served_share": again[0].served_share,
            }
        )
    turning = []
    for criterion in CRITERIA:
        for other in chosen[1:]:
            level = break_even(best.criteria, other.criteria, weights, criterion)
            if level is not None and level < NEVER:
                turning.append({"criterion": criterion, "weight": level, "decision": other.name})
    unmoved = sum(not case["changes_decision"] for case in cases)
    return {"cases": cases, "break_even": turning, "stability": unmoved / len(cases)}


def changes(aims: Aims, sources: Sequence[Source]) -> list[tuple[str, Aims, list[Source]]]:
    """Everything that is changed, one at a time: budget, consumption, each source's cost."""
    found: list[tuple[str, Aims, list[Source]]] = []
    for sign in (-1, 1):
        word = f"{sign * 100 * BUDGET_CHANGE:+.0f} %"
        found.append(
            (f"Budget {word}", replace(aims, budget=aims.budget * (1 + sign * BUDGET_CHANGE)), list(sources))
        )
        word = f"{sign * 100 * DEMAND_CHANGE:+.0f} %"
        more = replace(aims, annual_kwh=aims.annual_kwh * (1 + sign * DEMAND_CHANGE))
        found.append((f"Consumption {word}", more, list(sources)))
    for source in sources:
        for sign in (-1, 1):
            dearer = replace(source, cost_per_kwh=source.cost_per_kwh * (1 + sign * COST_CHANGE))
            others = [dearer if each is source else each for each in sources]
            found.append((f"Cost of {source.name} {sign * 100 * COST_CHANGE:+.0f} %", aims, others))
    return found
