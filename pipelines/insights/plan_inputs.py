"""Inputs of a report: a company's goals and the energy sources available to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipelines.insights.plan.direct_use import DEFAULT_DIRECT_USE, DirectUseCut, direct_use_cuts
from pipelines.insights.plan.finance import annuity_factor
from pipelines.insights.plan.profiles import DEFAULT_LATITUDE, HOURS

MAX_DEMAND_CHANGE = 0.05
"""The maximum yearly growth or decline of consumption in a plan, as a share."""
STORAGE_CYCLES_PER_YEAR = 330
"""How often a year a battery gives back what it holds; from it follows its capacity."""
DEFAULT_DISCOUNT_RATE, DEFAULT_ASSET_LIFE_YEARS = 0.06, 20

Kind = Literal["renewable", "grid", "storage", "cogeneration", "heat_pump"]


@dataclass(frozen=True)
class EnergySource:
    """An energy source. Costs are per kWh; limits are shares of a year's consumption.

    `cost_per_kwh` includes the annuity of the investment. `capital_per_kwh` is the investment for one kWh a
    year, `annuity_per_kwh` its yearly payment.
    """

    code: str
    name: str
    kind: Kind
    cost_per_kwh: float
    capacity_factor: float
    reliability: float
    renewable_share: float
    intermittent: bool
    share_limit: float
    yearly_growth: float
    efficiency: float
    provenance: str = ""
    profile: str = "steady"
    capital_per_kwh: float = 0.0
    annuity_per_kwh: float = 0.0
    life_years: int = DEFAULT_ASSET_LIFE_YEARS
    existing_kwh: float = 0.0
    emission_factor: float = 0.0
    market_emission_factor: float | None = None
    on_site: bool = False

    @property
    def kwh_per_kw(self) -> float:
        """The yearly energy of a kW, or of a kWh of storage."""
        return STORAGE_CYCLES_PER_YEAR if self.kind == "storage" else HOURS * self.capacity_factor


@dataclass(frozen=True)
class PlanGoals:
    """A company's current state and target. Shares are from 0 to 1; `budget` is per year."""

    annual_kwh: float
    growth: float
    current_share: float
    target_share: float
    first_year: int
    target_year: int
    budget: float
    price_escalation: float = 0.0
    discount_rate: float = DEFAULT_DISCOUNT_RATE
    feed_in_price: float = 0.0
    demand_price: float = 0.0
    added_kwh: float = 0.0
    latitude: float = DEFAULT_LATITUDE
    asset_life_years: int = DEFAULT_ASSET_LIFE_YEARS
    direct_use: tuple[DirectUseCut, ...] = DEFAULT_DIRECT_USE

    @property
    def years(self) -> list[int]:
        """The planned years."""
        return list(range(self.first_year, self.target_year + 1))

    def demand(self, place: int) -> float:
        """The consumption of the planned year with this index, in kWh, with that of added heat pumps."""
        return float(self.annual_kwh * (1 + self.growth) ** (place + 1)) + self.added_kwh

    def required_share(self, place: int) -> float:
        """The renewable share required in that year, on a straight line from now to the target."""
        return self.current_share + (self.target_share - self.current_share) * (place + 1) / len(self.years)

    def price_factor(self, place: int) -> float:
        """The grid's price in that year relative to today's."""
        return float((1 + self.price_escalation) ** (place + 1))


def parse_sources(inputs: Mapping[str, Any]) -> list[EnergySource]:
    """The sources in a report's inputs that supply or store energy.

    What a company builds itself costs its operation and the annuity of its investment.
    """
    profile = inputs.get("profile", {})
    rate = profile.get("discount_rate", DEFAULT_DISCOUNT_RATE)
    life = profile.get("asset_life_years", DEFAULT_ASSET_LIFE_YEARS)
    return [
        _parse_source(source, rate, life)
        for source in inputs.get("sources", ())
        if source["kind"] != "heat_pump"
    ]


def _parse_source(source: Mapping[str, Any], rate: float, life: int) -> EnergySource:
    values = dict(source)
    investment = values.pop("investment_per_kw", None)
    operation = values.pop("operating_cost_per_kwh", 0.0)
    existing_kw = values.pop("existing_kw", 0.0)
    values["life_years"] = values.get("life_years") or life
    parsed = EnergySource(**values)
    per_kw = parsed.kwh_per_kw
    parsed = replace(parsed, existing_kwh=existing_kw * per_kw)
    if investment is None or per_kw <= 0:
        return parsed
    annuity = investment * annuity_factor(rate, parsed.life_years) / per_kw
    return replace(
        parsed,
        capital_per_kwh=investment / per_kw,
        annuity_per_kwh=annuity,
        cost_per_kwh=operation + annuity,
    )


def parse_listed_sources(inputs: Mapping[str, Any]) -> list[EnergySource]:
    """The sources with the cost per kWh of the company's list, as the proportional formula takes it."""
    costs = {source["code"]: source["cost_per_kwh"] for source in inputs.get("sources", ())}
    return [replace(source, cost_per_kwh=costs[source.code]) for source in parse_sources(inputs)]


def parse_goals(inputs: Mapping[str, Any]) -> PlanGoals:
    """The goals in a report's inputs. Consumption follows its trend, by at most 5 % per year."""
    profile = inputs["profile"]
    trend = (inputs["consumption"] or {}).get("trend_percent_per_year") or 0.0
    current = (profile["current_renewable_percentage"] or 0.0) / 100
    target = current + (profile["renewable_percentage_increase"] or 0.0) / 100
    latitude = profile.get("latitude")
    latitude = DEFAULT_LATITUDE if latitude is None else latitude
    return PlanGoals(
        annual_kwh=profile["total_consumption_kwh"],
        growth=min(MAX_DEMAND_CHANGE, max(-MAX_DEMAND_CHANGE, trend / 100)),
        current_share=current,
        target_share=min(1.0, target),
        first_year=inputs["year"] + 1,
        target_year=profile["target_year"],
        budget=profile["budget"],
        price_escalation=profile.get("price_escalation", 0.0),
        discount_rate=profile.get("discount_rate", DEFAULT_DISCOUNT_RATE),
        feed_in_price=profile.get("feed_in_price_per_kwh", 0.0),
        demand_price=profile.get("demand_price_per_kw", 0.0),
        added_kwh=sum(
            source["existing_kw"] * HOURS * source["capacity_factor"]
            for source in inputs.get("sources", ())
            if source["kind"] == "heat_pump"
        ),
        latitude=latitude,
        asset_life_years=profile.get("asset_life_years", DEFAULT_ASSET_LIFE_YEARS),
        direct_use=direct_use_cuts(inputs["consumption"], latitude, parse_sources(inputs)),
    )


def round_numbers(value: Any) -> Any:
    """The value with every number rounded to six decimal places."""
    if isinstance(value, float):
        return round(value, 6) + 0.0  # no negative zero
    if isinstance(value, dict):
        return {name: round_numbers(inner) for name, inner in value.items()}
    return [round_numbers(inner) for inner in value] if isinstance(value, list | tuple) else value
