"""The assumptions of a plan, and how far its results move with each of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from pipelines.insights.optimisation import Year
from pipelines.insights.plan.appraisal import Peaks, appraise
from pipelines.insights.plan.emissions import emission_years
from pipelines.insights.plan.profiles import DEFAULT_LATITUDE
from pipelines.insights.plan_inputs import (
    MAX_DEMAND_CHANGE,
    EnergySource,
    PlanGoals,
    parse_goals,
    parse_sources,
)
from pipelines.insights.plan_scoring import Plan, rank_plans

BUDGET_CHANGE, DEMAND_CHANGE, COST_CHANGE = 0.2, 0.1, 0.2
FACTOR_CHANGE, LIMIT_CHANGE, RATE_CHANGE, LATITUDE_CHANGE = 0.1, 0.2, 0.02, 5.0
EMISSION_CHANGE, PRICE_CHANGE, LIFE_CHANGE, EFFICIENCY_CHANGE = 0.2, 0.5, 5, 0.05
MIN_MOVEMENT = 0.01
"""An assumption counts if it moves a result by more than this share of it."""
BASE_SHARE = 0.01
"""The least base of a relative change of the net present value, as a share of the baseline's cost."""

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Variation:
    """An assumption, what it says today and where from, and one way to change it."""

    assumption: str
    value: str
    origin: str
    change: str
    inputs: Inputs


@dataclass(frozen=True)
class Results:
    """What a plan comes to."""

    plan: str
    total_cost: float
    renewable_share: float
    served_share: float
    net_present_value: float | None
    baseline_cost: float
    emissions_kg: float


def plan_results(inputs: Mapping[str, Any], plan: Plan, peaks: Peaks) -> Results:
    """The results of the plan of these inputs."""
    goals, sources = parse_goals(dict(inputs)), parse_sources(inputs)
    money = appraise(goals, sources, plan.years, peaks)
    emissions = emission_years(sources, plan.years)
    return Results(
        plan=plan.name,
        total_cost=plan.total_cost,
        renewable_share=plan.renewable_share,
        served_share=plan.served_share,
        net_present_value=money.net_present_value if money else None,
        baseline_cost=money.baseline_cost if money else plan.total_cost,
        emissions_kg=sum(year.market_based_kg + year.scope_1_kg for year in emissions),
    )


def assess(inputs: Inputs, best: Plan, peaks: Peaks) -> list[dict[str, Any]]:
    """Every variation with its results beside those of the best plan."""
    base = plan_results(inputs, best, peaks)
    solved = {_program_key(inputs): best}
    cases = []
    for variation in variations(inputs):
        key = _program_key(variation.inputs)
        if key not in solved:
            solved[key] = rank_plans(*key, inputs["weights"])[0]
        found = plan_results(variation.inputs, solved[key], peaks)
        cases.append(
            {
                "assumption": variation.assumption,
                "value": variation.value,
                "origin": variation.origin,
                "change": variation.change,
                "decision": found.plan,
                "changes_decision": found.plan != base.plan,
                "renewable_share": found.renewable_share,
                "renewable_share_change": found.renewable_share - base.renewable_share,
                "total_cost_change": found.total_cost - base.total_cost,
                "served_share": found.served_share,
                "served_share_change": found.served_share - base.served_share,
                "net_present_value_change": difference(found.net_present_value, base.net_present_value),
                "emissions_change_kg": found.emissions_kg - base.emissions_kg,
                "movement": movement(base, found),
                "relevant": movement(base, found) > MIN_MOVEMENT,
            }
        )
    return cases


def _program_key(inputs: Inputs) -> tuple[PlanGoals, tuple[EnergySource, ...]]:
    """The goals and sources without what only appraisal and emissions count, which changes no plan."""
    goals = replace(
        parse_goals(inputs), discount_rate=0.0, demand_price=0.0, latitude=0.0, asset_life_years=1
    )
    sources = tuple(
        replace(
            source,
            capacity_factor=0.0,
            capital_per_kwh=0.0,
            life_years=1,
            emission_factor=0.0,
            market_emission_factor=None,
        )
        for source in parse_sources(inputs)
    )
    return goals, sources


def difference(after: float | None, before: float | None) -> float | None:
    """The change of a figure, or None if either is unknown."""
    return None if after is None or before is None else after - before


def movement(base: Results, other: Results) -> float:
    """The largest relative change of a result."""
    value = difference(other.net_present_value, base.net_present_value) or 0.0
    worth = max(abs(base.net_present_value or 0.0), BASE_SHARE * base.baseline_cost)
    pairs = [
        (other.total_cost - base.total_cost, base.total_cost),
        (other.renewable_share - base.renewable_share, base.renewable_share),
        (other.served_share - base.served_share, base.served_share),
        (other.emissions_kg - base.emissions_kg, base.emissions_kg),
        (value, worth),
    ]
    return max(abs(change) / abs(size) if size else float(bool(change)) for change, size in pairs)


def variations(inputs: Inputs) -> Iterator[Variation]:
    """Every assumption, changed one at a time."""
    yield from profile_variations(inputs)
    yield from trend_variations(inputs)
    for source in inputs["sources"]:
        yield from source_variations(inputs, source)


def profile_variations(inputs: Inputs) -> Iterator[Variation]:
    """What the company's profile says, or leaves to the product."""
    profile = inputs["profile"]
    yield from _profile_changes(inputs, "Budget", "budget", BUDGET_CHANGE, _number(profile["budget"]))
    consumption = f"{_number(profile['total_consumption_kwh'])} kWh a year"
    yield from _profile_changes(inputs, "Consumption", "total_consumption_kwh", DEMAND_CHANGE, consumption)
    for name, key in (("Discount rate", "discount_rate"), ("Price escalation", "price_escalation")):
        rate = profile.get(key, 0.0)
        for sign in (-1, 1):
            if key == "discount_rate" and rate + sign * RATE_CHANGE <= 0:
                continue
            label = f"{name} {100 * (rate + sign * RATE_CHANGE):.3g} %"
            value = f"{100 * rate:.3g} % a year"
            yield Variation(
                name, value, "Profile", label, _with_profile(inputs, key, rate + sign * RATE_CHANGE)
            )
    life = profile.get("asset_life_years", 20)
    for years in (life - LIFE_CHANGE, life + LIFE_CHANGE):
        if years > 0:
            changed = _with_profile(inputs, "asset_life_years", years)
            yield Variation("Asset life", f"{life} years", "Profile", f"Asset life {years} years", changed)
    for name, key in (
        ("Demand price", "demand_price_per_kw"),
        ("Feed-in price", "feed_in_price_per_kwh"),
    ):
        if price := profile.get(key, 0.0):
            yield from _profile_changes(inputs, name, key, PRICE_CHANGE, f"{price:g}")
    latitude = profile.get("latitude")
    place = DEFAULT_LATITUDE if latitude is None else latitude
    origin = "Default, because the profile has no latitude" if latitude is None else "Profile"
    for degrees in (place - LATITUDE_CHANGE, place + LATITUDE_CHANGE):
        if abs(degrees) <= 90:
            changed = _with_profile(inputs, "latitude", degrees)
            label = f"Latitude {degrees:g}°"
            yield Variation("Latitude of the sun", f"{place:g}°", origin, label, changed)


def trend_variations(inputs: Inputs) -> Iterator[Variation]:
    """The trend of past consumption, and its shape, if there are readings."""
    consumption = inputs["consumption"]
    if not consumption:
        changed = deepcopy(inputs)
        for growth in (-2.0, 2.0):
            varied = {**changed, "consumption": {"trend_percent_per_year": growth}}
            label = f"Consumption {growth:+g} % a year"
            yield Variation("Trend of consumption", "0 % a year", "No readings", label, varied)
        return
    trend, months = consumption.get("trend_percent_per_year"), reading_months(consumption)
    origin = f"Extrapolated from {months} months of readings"
    if trend is not None:
        limited = min(100 * MAX_DEMAND_CHANGE, max(-100 * MAX_DEMAND_CHANGE, trend))
        changed = deepcopy(inputs)
        changed["consumption"]["trend_percent_per_year"] = 0.0
        value = f"{limited:+.2f} % a year"
        yield Variation("Trend of consumption", value, origin, "Consumption stays as it is", changed)
    if consumption.get("profile"):
        even = deepcopy(inputs)
        even["consumption"]["profile"] = []
        yield Variation("Mean day of the load", "As read", origin, "Even load all day", even)


def source_variations(inputs: Inputs, source: Mapping[str, Any]) -> Iterator[Variation]:
    """What is assumed of an energy source."""
    name, origin = source["name"], source["provenance"]
    invests = source.get("investment_per_kw") is not None
    for sign in (-1, 1):
        share = sign * COST_CHANGE
        keys = ("investment_per_kw", "operating_cost_per_kwh") if invests else ("cost_per_kwh",)
        value = f"{source['investment_per_kw']:g} a kW" if invests else f"{source['cost_per_kwh']:g} a kWh"
        if source["kind"] == "heat_pump":
            continue
        label = f"Cost of {name} {100 * share:+.0f} %"
        yield Variation(f"Cost of {name}", value, origin, label, _with_source(inputs, source, keys, share))
    checks: list[tuple[str, str, float, Callable[[float], bool]]] = [
        ("Growth a year of", "yearly_growth", LIMIT_CHANGE, lambda value: 0 < value < 1),
        ("Limit of", "share_limit", LIMIT_CHANGE, lambda value: value > 0),
        ("Capacity factor of", "capacity_factor", FACTOR_CHANGE, lambda value: value > 0),
        ("Renewable share of", "renewable_share", LIMIT_CHANGE, lambda value: value > 0),
    ]
    for title, key, share, applies in checks:
        if key == "capacity_factor" and not (source["intermittent"] or invests):
            continue
        if (source["kind"] == "grid" and key == "yearly_growth") or not applies(source[key]):
            continue
        for sign in (-1, 1):
            changed = _with_source(inputs, source, (key,), sign * share, most=1.0)
            if _value(changed, source, key) == source[key]:
                continue
            label = f"{title} {name} {100 * sign * share:+.0f} %"
            yield Variation(f"{title} {name}", f"{100 * source[key]:.4g} %", origin, label, changed)
    if source["kind"] == "storage":
        for sign in (-1, 1):
            changed = _with_source(inputs, source, ("efficiency",), sign * EFFICIENCY_CHANGE, most=1.0)
            label = f"Efficiency of {name} {100 * sign * EFFICIENCY_CHANGE:+.0f} %"
            value = f"{100 * source['efficiency']:.4g} %"
            yield Variation(f"Efficiency of {name}", value, origin, label, changed)
    if source.get("emission_factor"):
        keys = ("emission_factor", "market_emission_factor")
        for sign in (-1, 1):
            changed = _with_source(inputs, source, keys, sign * EMISSION_CHANGE)
            label = f"Emission factor of {name} {100 * sign * EMISSION_CHANGE:+.0f} %"
            value = f"{source['emission_factor']:g} kg a kWh"
            yield Variation(f"Emission factor of {name}", value, origin, label, changed)


def reading_months(consumption: Mapping[str, Any] | None) -> int:
    """How many months have readings."""
    return sum(month["coverage"] > 0 for month in (consumption or {}).get("months") or ())


def _profile_changes(inputs: Inputs, name: str, key: str, share: float, value: str) -> Iterator[Variation]:
    for sign in (-1, 1):
        changed = _with_profile(inputs, key, inputs["profile"][key] * (1 + sign * share))
        yield Variation(name, value, "Profile", f"{name} {100 * sign * share:+.0f} %", changed)


def _with_profile(inputs: Inputs, key: str, value: float) -> Inputs:
    return {**inputs, "profile": {**inputs["profile"], key: value}}


def _with_source(
    inputs: Inputs, source: Mapping[str, Any], keys: Sequence[str], share: float, most: float | None = None
) -> Inputs:
    values = {key: source[key] * (1 + share) for key in keys if source.get(key) is not None}
    if most is not None:
        values = {key: min(most, value) for key, value in values.items()}
    listed = [
        {**other, **values} if other["code"] == source["code"] else other for other in inputs["sources"]
    ]
    return {**inputs, "sources": listed}


def _value(inputs: Inputs, source: Mapping[str, Any], key: str) -> Any:
    return next(other[key] for other in inputs["sources"] if other["code"] == source["code"])


def _number(value: float) -> str:
    return f"{value:,.0f}"


def years_of(plan: Mapping[str, Any]) -> list[Year]:
    """The years of a plan in JSON."""
    return [Year(**year) for year in plan["years"]]
