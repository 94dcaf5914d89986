"""The money of a plan against business as usual: investment, operating cost, savings and what they are worth.

Business as usual buys every kWh that existing plants do not give from the grid. The plan's energy that
stays unmet is charged at the grid's price, so that not buying is no saving. After the target year, its mix
stays until the end of the appraisal; assets are replaced at the end of their life, and what is left of
their life at the end is worth its part of the investment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipelines.insights.optimisation import ESCALATING_KINDS, Year
from pipelines.insights.plan.finance import (
    internal_rate_of_return,
    levelised_cost,
    net_present_value,
    payback_years,
)
from pipelines.insights.plan_inputs import EnergySource, PlanGoals


@dataclass(frozen=True)
class MoneyYear:
    """The money of one year. Investments are made at its beginning, everything else counts at its end."""

    year: int
    baseline_cost: float
    operating_cost: float
    unmet_cost: float
    demand_cost: float
    feed_in_revenue: float
    investment: float
    saving: float
    net_flow: float
    cumulative_flow: float


@dataclass(frozen=True)
class Appraisal:
    """The money of a plan. None stands for what cannot be computed; `notes` say why."""

    years: list[MoneyYear]
    horizon_years: int
    discount_rate: float
    investment: float
    residual_value: float
    baseline_cost: float
    operating_cost: float
    saving: float
    net_present_value: float
    internal_rate_of_return: float | None
    payback_years: float | None
    discounted_payback_years: float | None
    levelised_cost: float | None
    baseline_levelised_cost: float | None
    flows: list[float]
    notes: list[str]


@dataclass(frozen=True)
class Peaks:
    """Peaks in kW for each kWh of consumption: of the load, and of the grid in the target year."""

    load: float = 0.0
    plan: float = 0.0


def appraise(
    goals: PlanGoals, sources: Sequence[EnergySource], years: Sequence[Year], peaks: Peaks | None = None
) -> Appraisal | None:
    """The appraisal of a plan's years; None if there is no grid supply to compare it with."""
    grid = [source.cost_per_kwh for source in sources if source.kind == "grid"]
    if not grid:
        return None
    price, peaks = min(grid), peaks or Peaks()
    horizon = max(len(years), goals.asset_life_years)
    cohorts = list(investments(sources, years, horizon))
    spent = [sum(amount for place, amount, _ in cohorts if place == index) for index in range(horizon)]
    residual = sum(amount * max(0.0, (place + life - horizon) / life) for place, amount, life in cohorts)
    rows: list[MoneyYear] = []
    flows = [-spent[0], *[0.0] * horizon]
    total = 0.0
    for index in range(horizon):
        place = min(index, len(years) - 1)
        row = _money_year(goals, sources, years[place], index, price, peaks, spent[index], place, len(years))
        rest = residual if index == horizon - 1 else 0.0
        flows[index + 1] += row.saving + rest - (spent[index + 1] if index + 1 < horizon else 0.0)
        total += row.saving - row.investment + rest
        rows.append(replace(row, net_flow=row.saving - row.investment + rest, cumulative_flow=total))
    costs = [row.baseline_cost - row.saving for row in rows]
    demand = [years[min(index, len(years) - 1)].demand_kwh for index in range(horizon)]
    rate = goals.discount_rate
    found = internal_rate_of_return(flows)
    return Appraisal(
        years=rows,
        horizon_years=horizon,
        discount_rate=rate,
        investment=sum(spent),
        residual_value=residual,
        baseline_cost=sum(row.baseline_cost for row in rows),
        operating_cost=sum(costs),
        saving=sum(row.saving for row in rows),
        net_present_value=net_present_value(rate, flows),
        internal_rate_of_return=found,
        payback_years=payback_years(flows),
        discounted_payback_years=payback_years(flows, rate),
        levelised_cost=levelised_cost(rate, spent, costs, demand, residual),
        baseline_levelised_cost=levelised_cost(rate, [], [row.baseline_cost for row in rows], demand),
        flows=flows,
        notes=_notes(flows, spent, found),
    )


def investments(
    sources: Sequence[EnergySource], years: Sequence[Year], horizon: int
) -> list[tuple[int, float, int]]:
    """What is built, with its replacements: the year's index, the amount, and the life in years."""
    found = []
    for source in sources:
        if source.capital_per_kwh <= 0:
            continue
        most = source.existing_kwh
        for place, year in enumerate(years):
            energy = year.stored_kwh if source.kind == "storage" else year.energy_kwh[source.code]
            if energy > most * (1 + 1e-9):
                amount = (energy - most) * source.capital_per_kwh
                for start in range(place, horizon, source.life_years):
                    found.append((start, amount, source.life_years))
                most = energy
    return found


def operating_costs(goals: PlanGoals, sources: Sequence[EnergySource], year: Year, index: int) -> float:
    """The cost of a year's energy at the prices of year `index`, without annuities, demand and feed-in."""
    factor = goals.price_factor(index)
    grid = min((source.cost_per_kwh for source in sources if source.kind == "grid"), default=0.0)
    total = year.existing_kwh * grid * factor
    for source in sources:
        energy = year.stored_kwh if source.kind == "storage" else year.energy_kwh[source.code]
        price = source.cost_per_kwh - source.annuity_per_kwh
        total += energy * price * (factor if source.kind in ESCALATING_KINDS else 1.0)
    return total


def _money_year(
    goals: PlanGoals,
    sources: Sequence[EnergySource],
    year: Year,
    index: int,
    price: float,
    peaks: Peaks,
    investment: float,
    place: int,
    count: int,
) -> MoneyYear:
    factor = goals.price_factor(index)
    own = [(source, min(source.existing_kwh, year.demand_kwh)) for source in sources if source.kind != "grid"]
    existing = min(year.demand_kwh, sum(energy for _, energy in own))
    running = sum(energy * (source.cost_per_kwh - source.annuity_per_kwh) for source, energy in own)
    peak = peaks.load + (peaks.plan - peaks.load) * (place + 1) / count
    demand_cost = goals.demand_price * peak * year.demand_kwh
    baseline = (year.demand_kwh - existing) * price * factor + running
    baseline += goals.demand_price * peaks.load * year.demand_kwh
    operating = operating_costs(goals, sources, year, index)
    unmet, revenue = year.unmet_kwh * price * factor, year.surplus_kwh * goals.feed_in_price
    return MoneyYear(
        year=goals.first_year + index,
        baseline_cost=baseline,
        operating_cost=operating,
        unmet_cost=unmet,
        demand_cost=demand_cost,
        feed_in_revenue=revenue,
        investment=investment,
        saving=baseline - operating - unmet - demand_cost + revenue,
        net_flow=0.0,
        cumulative_flow=0.0,
    )


def _notes(flows: Sequence[float], spent: Sequence[float], rate: float | None) -> list[str]:
    """Why a figure is missing."""
    if not any(spent):
        return ["The plan invests nothing, so that there is no rate of return and no payback time."]
    if rate is None and not any(flow > 0 for flow in flows):
        return ["The plan saves nothing in any year, so that there is no rate of return."]
    if rate is None:
        return [
            "The flows have no single rate of return: they do not begin with an investment that pays back."
        ]
    return []


def appraisal_json(appraisal: Appraisal | None) -> Mapping[str, Any] | None:
    """The appraisal as JSON."""
    return asdict(appraisal) if appraisal else None
