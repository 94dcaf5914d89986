"""Inputs of a report: a company's goals and the energy sources available to it."""

from dataclasses import dataclass
from typing import Any, Literal

MAX_DEMAND_CHANGE = 0.05
"""The maximum yearly growth or decline of consumption in a plan, as a share."""


@dataclass(frozen=True)
class EnergySource:
    """An energy source. Costs are per kWh; limits are shares of a year's consumption."""

    code: str
    name: str
    kind: Literal["renewable", "grid", "storage"]
    cost_per_kwh: float
    capacity_factor: float
    reliability: float
    renewable_share: float
    intermittent: bool
    share_limit: float
    yearly_growth: float
    efficiency: float
    provenance: str = ""


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

    @property
    def years(self) -> list[int]:
        """The planned years."""
        return list(range(self.first_year, self.target_year + 1))

    def demand(self, place: int) -> float:
        """The consumption of the planned year with this index, in kWh."""
        return float(self.annual_kwh * (1 + self.growth) ** (place + 1))

    def required_share(self, place: int) -> float:
        """The renewable share required in that year, on a straight line from now to the target."""
        return self.current_share + (self.target_share - self.current_share) * (place + 1) / len(self.years)


def parse_sources(inputs: dict[str, Any]) -> list[EnergySource]:
    """The sources in a report's inputs."""
    return [EnergySource(**source) for source in inputs["sources"]]


def parse_goals(inputs: dict[str, Any]) -> PlanGoals:
    """The goals in a report's inputs. Consumption follows its trend, by at most 5 % per year."""
    profile = inputs["profile"]
    trend = (inputs["consumption"] or {}).get("trend_percent_per_year") or 0.0
    current = (profile["current_renewable_percentage"] or 0.0) / 100
    target = current + (profile["renewable_percentage_increase"] or 0.0) / 100
    return PlanGoals(
        annual_kwh=profile["total_consumption_kwh"],
        growth=min(MAX_DEMAND_CHANGE, max(-MAX_DEMAND_CHANGE, trend / 100)),
        current_share=current,
        target_share=min(1.0, target),
        first_year=inputs["year"] + 1,
        target_year=profile["target_year"],
        budget=profile["budget"],
    )


def round_numbers(value: Any) -> Any:
    """The value with every number rounded to six decimal places."""
    if isinstance(value, float):
        return round(value, 6) + 0.0  # no negative zero
    if isinstance(value, dict):
        return {name: round_numbers(inner) for name, inner in value.items()}
    return [round_numbers(inner) for inner in value] if isinstance(value, list | tuple) else value
