"""What a report reckons with: a company's aims, and the sources it may draw on."""

from dataclasses import dataclass
from typing import Any, Literal

MAX_DEMAND_CHANGE = 0.05
"""The yearly growth or fall of consumption that a plan reckons with at most, as a share."""


@dataclass(frozen=True)
class EnergySource:
    """One way to get energy. Costs are per kWh; limits are shares of a year's consumption."""

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
    """Where a company stands and what it wants. Shares are from 0 to 1, `budget` is for each year."""

    annual_kwh: float
    growth: float
    current_share: float
    target_share: float
    first_year: int
    target_year: int
    budget: float

    @property
    def years(self) -> list[int]:
        """The years that are planned."""
        return list(range(self.first_year, self.target_year + 1))

    def demand(self, place: int) -> float:
        """The consumption of the planned year at that place, in kWh."""
        return float(self.annual_kwh * (1 + self.growth) ** (place + 1))

    def required_share(self, place: int) -> float:
        """The renewable share that year, on a straight line from now to the target."""
        return self.current_share + (self.target_share - self.current_share) * (place + 1) / len(self.years)


def parse_sources(inputs: dict[str, Any]) -> list[EnergySource]:
    """The sources in a report's inputs."""
    return [EnergySource(**each) for each in inputs["sources"]]


def parse_goals(inputs: dict[str, Any]) -> PlanGoals:
    """The aims in a report's inputs. Consumption grows as it has grown, 5 % a year at most."""
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
    """The value with every number to six digits behind the point, as it is stored."""
    if isinstance(value, float):
        return round(value, 6) + 0.0  # no negative zero
    if isinstance(value, dict):
        return {name: round_numbers(inner) for name, inner in value.items()}
    return [round_numbers(inner) for inner in value] if isinstance(value, list | tuple) else value
