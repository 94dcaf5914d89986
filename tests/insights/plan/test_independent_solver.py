"""Plans beside an independent formulation in PuLP, solved by CBC: ten of years and ten of hours."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pulp
import pytest
from pulp.apis.coin_api import pulp_cbc_path

from pipelines.insights.optimisation import GREENEST, LEAST_COST, MOST_RELIABLE, ON_TARGET, LinearProgram
from pipelines.insights.plan.dispatch import SHORTFALL_PENALTY, UNMET_PENALTY, Site, SupplySource, dispatch
from pipelines.insights.plan_inputs import EnergySource, PlanGoals, parse_goals, parse_sources
from tests.insights.plan.sample_plans import random_site, report_inputs

SOLVER = pulp.COIN_CMD(path=pulp_cbc_path, msg=False, threads=1)


def total(terms: Any) -> Any:
    return pulp.lpSum(terms)


def available(supply: SupplySource, hour: int) -> float:
    return float(supply.available_kw[hour])


def hourly_objective(site: Site) -> float:
    """The optimum of a dispatch: cost and penalties, in money of one weighted hour."""
    model, hours = pulp.LpProblem("hours", pulp.LpMinimize), range(len(site.load_kw))
    highest = max(
        *(float(s.price.max()) for s in site.supplies),
        site.feed_in_price,
        site.demand_price / (len(hours) * site.weight),
    )

    def column(name: str, upper: Callable[[int], float | None]) -> list[Any]:
        return [model.add_variable(f"{name}_{h}", 0, upper(h)) for h in hours]

    power = {s.code: column(s.code, partial(available, s)) for s in site.supplies}
    battery = site.battery
    charge = column("charge", lambda h: battery.power_kw if battery else 0.0)
    discharge = column("discharge", lambda h: battery.power_kw if battery else 0.0)
    level = column("level", lambda h: battery.capacity_kwh if battery else 0.0)
    fed, unmet = column("fed", lambda h: None), column("unmet", lambda h: float(site.load_kw[h]))
    peak, short = model.add_variable("peak", 0), model.add_variable("short", 0)
    block = site.block_hours or len(hours)
    for h in hours:
        before = level[h - 1] if h % block else level[h + block - 1]
        inward, outward = (battery.charge_efficiency, battery.discharge_efficiency) if battery else (1, 1)
        model += total(p[h] for p in power.values()) + discharge[h] - charge[h] - fed[h] + unmet[h] == float(
            site.load_kw[h]
        )
        model += level[h] == before + inward * charge[h] - discharge[h] * (1 / outward)
        model += total(power[s.code][h] for s in site.supplies if s.metered) <= peak
        model += fed[h] <= total(power[s.code][h] for s in site.supplies if s.feeds_in)
    for s in site.supplies:
        if s.energy_limit_kwh is not None:
            model += site.weight * total(power[s.code]) <= s.energy_limit_kwh
    green = total(s.renewable_share * power[s.code][h] for s in site.supplies for h in hours)
    losses = total(charge) - total(discharge)
    if site.required_share:
        model += green - losses - total(fed) + short >= site.required_share * float(site.load_kw.sum())
    price = battery.cost_per_kwh if battery else 0.0
    cost = (
        total(float(s.price[h]) * power[s.code][h] for s in site.supplies for h in hours)
        + price * total(discharge)
        - site.feed_in_price * total(fed)
        + site.demand_price / site.weight * peak
    )
    if site.budget is not None:
        model += site.weight * cost <= site.budget
    generated = total(p[h] for p in power.values() for h in hours)
    penalty = (UNMET_PENALTY * highest + site.demand_price) * total(unmet)
    model += cost + penalty + SHORTFALL_PENALTY * highest * short - 1e-6 * highest * generated
    assert model.solve(SOLVER) == pulp.LpStatusOptimal
    return float(pulp.value(model.objective)) / highest / float(site.load_kw.mean())


@pytest.mark.parametrize("seed", range(10))
def test_four_weeks_of_hours_equal_an_independent_solver(seed: int) -> None:
    site = random_site(seed)

    assert dispatch(site).objective == pytest.approx(hourly_objective(site), rel=1e-6, abs=1e-6)


def yearly_values(goals: PlanGoals, sources: list[EnergySource], order: tuple[str, ...]) -> list[float]:
    """The optimal values of objectives, one after the other, written down year by year."""
    model, unit = pulp.LpProblem("years", pulp.LpMinimize), goals.annual_kwh
    supplies = [s for s in sources if s.kind != "storage"]
    storage = next((s for s in sources if s.kind == "storage"), None)
    price = min(s.cost_per_kwh for s in supplies if s.kind == "grid")
    trust = max(s.reliability for s in supplies if s.kind == "grid")
    weather = [s for s in supplies if s.intermittent]
    best = max((s.reliability for s in weather), default=0.0)
    values: dict[str, list[Any]] = {name: [] for name in ("unmet", "shortfall", "cost", "green", "trust")}
    previous: dict[str, Any] = {}
    for place in range(len(goals.years)):
        need = goals.demand(place) / unit
        x = {s.code: model.add_variable(f"{s.code}_{place}", 0, s.share_limit * need) for s in supplies}
        e = model.add_variable(f"existing_{place}", 0, min(goals.current_share, need))
        t = model.add_variable(f"stored_{place}", 0, storage.share_limit * need if storage else 0.0)
        u, m, f = (model.add_variable(f"{name}_{place}", 0) for name in ("unmet", "short", "fed"))
        loss = (1 - storage.efficiency) * t if storage else 0 * t
        model += total(x.values()) + e - loss - f + u == need
        green = total(s.renewable_share * x[s.code] for s in supplies) + e - loss - f
        model += green + m >= goals.required_share(place) * need
        grows = (1 + goals.price_escalation) ** (place + 1)
        paid = total(s.cost_per_kwh * (grows if s.kind == "grid" else 1) * x[s.code] for s in supplies)
        stored = storage.cost_per_kwh * t if storage else 0 * t
        model += paid + price * grows * e + stored - goals.feed_in_price * f <= goals.budget / unit
        total_weather = total(x[s.code] for s in weather)
        for cut in goals.direct_use:
            taken = total(weight * x[code] for code, weight in cut.weights)
            model += total_weather - t - f <= cut.limit * need + taken
        model += t + f <= total_weather
        limited = {s.code: (s, x[s.code]) for s in supplies if s.kind != "grid"}
        if storage:
            limited[storage.code] = (storage, t)
        for code, (s, variable) in limited.items():
            model += variable <= previous.get(code, 0) + s.yearly_growth * need
            if place:
                kept = min(1.0, goals.demand(place) / goals.demand(place - 1))
                model += variable >= kept * previous[code]
        previous = {code: variable for code, (_, variable) in limited.items()}
        gain = max(0.0, storage.reliability - best) if storage and weather else 0.0
        values["unmet"].append(u)
        values["shortfall"].append(m)
        values["cost"].append(paid + price * grows * 0.999 * e + stored - goals.feed_in_price * f)
        values["green"].append(-green)
        values["trust"].append(
            -total(s.reliability * x[s.code] for s in supplies) - trust * e - gain * t + best * f
        )
    found = []
    for name in order:
        objective = total(values[name])
        model.setObjective(objective)
        assert model.solve(SOLVER) == pulp.LpStatusOptimal
        found.append(float(pulp.value(objective)))
        model += objective <= found[-1] + 1e-8
    return found


ORDERS = {
    LEAST_COST: ("unmet", "cost"),
    ON_TARGET: ("unmet", "shortfall", "cost"),
    GREENEST: ("unmet", "green", "cost"),
    MOST_RELIABLE: ("unmet", "shortfall", "trust", "cost"),
}


@pytest.mark.parametrize("seed", range(10))
def test_years_equal_an_independent_solver(seed: int) -> None:
    draw, plan = random.Random(seed), list(ORDERS)[seed % 4]
    inputs = report_inputs(
        total_consumption_kwh=10 ** draw.uniform(2, 12),
        target_year=draw.randint(2028, 2036),
        current_renewable_percentage=draw.uniform(0, 40),
        price_escalation=draw.choice([0.0, 0.02]),
        feed_in_price_per_kwh=draw.choice([0.0, 0.03]),
    )
    inputs["profile"]["budget"] = draw.uniform(0.05, 0.15) * inputs["profile"]["total_consumption_kwh"]
    inputs["consumption"] = {"trend_percent_per_year": draw.uniform(-3, 3)}
    for source in inputs["sources"]:
        source["share_limit"] *= draw.uniform(0.3, 1.0)
        source["cost_per_kwh"] *= draw.uniform(0.7, 1.3)
    goals, sources = parse_goals(inputs), parse_sources(inputs)

    program = LinearProgram(goals, sources)
    _, values = program.solution(plan)

    independent = yearly_values(replace(goals), sources, ORDERS[plan])
    assert [value / goals.annual_kwh for value in values] == pytest.approx(independent, rel=1e-6, abs=1e-6)
