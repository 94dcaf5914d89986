"""Ranges of a plan's results, which is solved for many draws of its inputs with a fixed seed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.insights.optimisation import LinearProgram
from pipelines.insights.plan.appraisal import Peaks, appraise
from pipelines.insights.plan.assumptions import reading_months
from pipelines.insights.plan.emissions import emission_years
from pipelines.insights.plan_inputs import parse_goals, parse_sources

SEED, DRAWS, MIN_DRAWS = 17, 60, 20
MAX_YEAR_DRAWS = 1200
"""Draws times years; longer plans are drawn less often."""
GRID_PRICE_SPREAD, COST_SPREAD, FACTOR_SPREAD = 0.2, 0.15, 0.08
"""Standard deviations of the logarithms of the grid's price, of the other costs, and of capacity factors."""
CONSUMPTION_SPREAD = 0.03
TREND_SPREAD, SHORT_TREND_SPREAD = 1.0, 2.0
"""Standard deviations of the trend in percentage points a year, with and without three years of readings."""
LONG_MONTHS = 36
QUANTILES = {"low": 0.1, "middle": 0.5, "high": 0.9}


def ranges(inputs: Mapping[str, Any], plan: str, years: int, peaks: Peaks) -> dict[str, Any]:
    """The 10th, 50th and 90th percentile of each result of a plan."""
    generator = np.random.default_rng(SEED)
    draws = max(MIN_DRAWS, min(DRAWS, MAX_YEAR_DRAWS // max(1, years)))
    found: dict[str, list[float]] = {}
    reached = 0
    for _ in range(draws):
        drawn = draw(inputs, generator)
        goals, sources = parse_goals(drawn), parse_sources(drawn)
        solved = LinearProgram(goals, sources).solve(plan)
        money = appraise(goals, sources, solved, peaks)
        demand = sum(year.demand_kwh for year in solved)
        values = {
            "total_cost": sum(year.cost for year in solved),
            "renewable_share": solved[-1].renewable_share,
            "unmet_share": sum(year.unmet_kwh for year in solved) / demand,
            "emissions_kg": sum(
                year.market_based_kg + year.scope_1_kg for year in emission_years(sources, solved)
            ),
        }
        if money:
            values |= {"net_present_value": money.net_present_value, "investment": money.investment}
        reached += solved[-1].shortfall_kwh <= 1e-4 * solved[-1].demand_kwh
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return {
        "draws": draws,
        "seed": SEED,
        "target_chance": reached / draws,
        "ranges": [
            {"figure": name, **{key: float(np.quantile(values, at)) for key, at in QUANTILES.items()}}
            for name, values in found.items()
        ],
    }


def draw(inputs: Mapping[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    """The inputs with every uncertain one drawn. The order of the draws is that of the inputs."""
    drawn = dict(inputs)
    drawn["profile"] = dict(inputs["profile"])
    drawn["sources"] = [dict(source) for source in inputs["sources"]]
    consumption = drawn["consumption"] = dict(inputs["consumption"] or {})
    spread = TREND_SPREAD if reading_months(consumption) >= LONG_MONTHS else SHORT_TREND_SPREAD
    trend = consumption.get("trend_percent_per_year") or 0.0
    consumption["trend_percent_per_year"] = trend + spread * float(generator.standard_normal())
    drawn["profile"]["total_consumption_kwh"] *= _factor(generator, CONSUMPTION_SPREAD)
    for source in drawn["sources"]:
        cost = _factor(generator, GRID_PRICE_SPREAD if source["kind"] == "grid" else COST_SPREAD)
        for key in ("cost_per_kwh", "investment_per_kw", "operating_cost_per_kwh"):
            if source.get(key) is not None:
                source[key] *= cost
        factor = _factor(generator, FACTOR_SPREAD)
        if source["intermittent"]:
            source["capacity_factor"] = round(min(1.0, source["capacity_factor"] * factor), 2)
    return drawn


def _factor(generator: np.random.Generator, spread: float) -> float:
    return float(np.exp(spread * generator.standard_normal()))
