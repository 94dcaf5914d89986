"""Typed results of energy plans."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from schema.framework.decorators import enumeration, output
from schema.insights.plan_money import EnergyPlanEmissions, EnergyPlanMoney, emissions_of, money_of


@enumeration
class EnergyPlanKind(Enum):
    """Objective that an energy plan puts first, after serving the consumption."""

    LEAST_COST = "least_cost"
    """The least cost."""
    ON_TARGET = "on_target"
    """The renewable target at the least cost."""
    GREENEST = "greenest"
    """The largest renewable share."""
    MOST_RELIABLE = "most_reliable"
    """The most reliable supply."""
    PROPORTIONAL = "proportional"
    """Shares in proportion to scores."""


@enumeration
class EnergyPlanLimitKind(Enum):
    """Kind of a limit of an energy plan."""

    BUDGET = "budget"
    """The yearly budget."""
    SHARE = "share"
    """The maximum share of an energy source."""
    GROWTH = "growth"
    """The maximum growth of an energy source per year."""
    TARGET = "target"
    """The required renewable share."""


@enumeration
class EnergyPlanObjective(Enum):
    """Objective that a plan minimizes."""

    UNMET = "unmet"
    """Consumption that is not served, in kilowatt hours."""
    SHORTFALL = "shortfall"
    """Renewable energy that is missing of the target, in kilowatt hours."""
    COST = "cost"
    """Cost, in the currency of the company."""
    NON_RENEWABLE = "non_renewable"
    """Energy that is not renewable, in kilowatt hours."""
    UNRELIABLE = "unreliable"
    """Energy weighted with what its sources lack in reliability, in kilowatt hours."""


@output
class EnergyPlanSource:
    """The energy of one source in one year of a plan."""

    code: str
    """Code of the energy source. `existing` is what was renewable before the plan."""

    kwh: float
    """Energy in kilowatt hours."""


@output
class EnergyPlanYear:
    """One year of the recommended plan. Sources, unmet energy and minus surplus and losses sum to the
    consumption.
    """

    year: int
    """Calendar year."""

    demand_kwh: float
    """Consumption in kilowatt hours."""

    sources: list[EnergyPlanSource]
    """Energy by source, with that which was renewable before the plan. At most 51. Not paginated."""

    stored_kwh: float
    """Energy that passes through storage."""

    surplus_kwh: float
    """Energy that is generated when nobody needs it, and fed into the grid."""

    unmet_kwh: float
    """Consumption that the plan does not serve."""

    renewable_share: float
    """Renewable share of the consumption, from 0 to 1."""

    required_share: float
    """Renewable share that the way to the target requires, from 0 to 1."""

    cost: float
    """Cost of the year, with investments as annuities, in the currency of the company."""

    on_track: bool
    """Whether the required share is reached and the consumption served."""


@output
class EnergyPlanLimit:
    """A limit that binds the recommended plan: 1 % more of it improves the plan's objective."""

    kind: EnergyPlanLimitKind
    """Kind of the limit."""

    code: str | None
    """Code of the energy source, or null."""

    years: list[int]
    """Years in which the limit binds. At most 75. Not paginated."""

    value: float
    """The limit: an amount for the budget, otherwise a share of the consumption."""

    objective: EnergyPlanObjective
    """Objective that 1 % more improves."""

    improvement: float
    """Improvement of the objective by 1 % more in all of the years, in its unit."""

    label: str
    """The limit as a sentence."""


@output
class EnergyPlanSensitivity:
    """A changed assumption and its effect on the recommendation."""

    assumption: str
    """Name of the assumption."""

    value: str
    """Its value in the plan."""

    origin: str
    """Where the value is from."""

    change: str
    """The change."""

    plan: EnergyPlanKind
    """Plan that is recommended with the change."""

    renewable_share_change: float
    """Change of the renewable share of the target year, from -1 to 1."""

    total_cost_change: float
    """Change of the cost of all years."""

    net_present_value_change: float | None
    """Change of the net present value. Null without business as usual."""

    emissions_change_kg: float
    """Change of the emissions of all years, market-based, in kilograms of CO2 equivalents."""

    relevant: bool
    """Whether a result moves by more than 1 %."""


@output
class EnergyPlanRange:
    """Range of a result over draws of the uncertain inputs."""

    figure: str
    """Name of the result, such as `net_present_value`."""

    low: float
    """10th percentile."""

    middle: float
    """Median."""

    high: float
    """90th percentile."""


@output
class EnergyPlanDay:
    """Mean day of a month of the target year: mean power of each hour."""

    code: str
    """Code of an energy source, or `load`, `charge`, `discharge`, `feed_in` or `unmet`."""

    month: int
    """Month from 1 to 12."""

    kw: list[float]
    """Mean power in kilowatts of the 24 hours. Not paginated."""


@output
class EnergyPlanHours:
    """The target year of the recommended plan, dispatched over its 8,760 hours."""

    year: int
    """Calendar year."""

    renewable_share: float
    """Renewable share hour by hour, from 0 to 1."""

    unmet_kwh: float
    """Consumption that is not served in its hours."""

    feed_in_kwh: float
    """Energy that is fed into the grid."""

    curtailed_kwh: float
    """Energy that is not generated because nobody needs it."""

    load_peak_kw: float
    """Highest load."""

    grid_peak_kw: float
    """Highest power that is drawn from the grid."""

    battery_kwh: float
    """Capacity of the battery."""

    typical_days: list[EnergyPlanDay]
    """The mean day of each month, for each series. At most 680. Not paginated."""


@output
class EnergyPlan:
    """Results of an energy report, typed for charts."""

    kind: EnergyPlanKind
    """Recommended plan."""

    target_met: bool
    """Whether the target is met and the consumption served."""

    reached_share: float
    """Renewable share that is reached in the target year, from 0 to 1."""

    target_share: float
    """Renewable share that is the target, from 0 to 1."""

    summary: str
    """The recommendation and what limits it, in a few sentences."""

    budget_needed: float
    """What the dearest year costs beyond the budget if all consumption that money can buy is served. 0 if
    money is not what is missing.
    """

    years: list[EnergyPlanYear]
    """The roadmap. At most 75. Not paginated."""

    money: EnergyPlanMoney | None
    """Appraisal against business as usual. Null without a grid supply."""

    emissions: list[EnergyPlanEmissions]
    """Emissions by year. At most 75. Not paginated."""

    limits: list[EnergyPlanLimit]
    """Limits that bind the plan, those that leave energy unmet first. At most 152. Not paginated."""

    sensitivities: list[EnergyPlanSensitivity]
    """Changed assumptions. At most 1,000. Not paginated."""

    ranges: list[EnergyPlanRange]
    """Ranges of results. At most 6. Not paginated."""

    target_chance: float | None
    """Share of the draws that reach the target, from 0 to 1. Null for the method PROPORTIONAL."""

    hours: EnergyPlanHours
    """The target year hour by hour."""


def plan_of(data: Mapping[str, Any] | None) -> EnergyPlan | None:
    """The plan in a report's data, or None if it has none of this form."""
    if not data or not {"decision", "roadmap", "dispatch", "money", "emissions", "ranges"} <= data.keys():
        return None
    decision = data["decision"]
    return EnergyPlan(
        kind=EnergyPlanKind(decision["plan"]),
        target_met=decision["target_met"],
        reached_share=decision["reached_share"],
        target_share=decision["target_share"],
        summary=decision["summary"],
        budget_needed=decision["budget_needed"],
        years=[_year(year) for year in data["roadmap"]["years"]],
        money=money_of(data["money"]["appraisal"]),
        emissions=[emissions_of(year) for year in data["emissions"]["years"]],
        limits=[_limit(limit) for limit in data["constraints"]["limits"]],
        sensitivities=[_sensitivity(case) for case in data["sensitivity"]["cases"]],
        ranges=[EnergyPlanRange(**found) for found in data["ranges"]["ranges"]],
        target_chance=data["ranges"]["target_chance"],
        hours=_hours(data["dispatch"]),
    )


def _year(year: Mapping[str, Any]) -> EnergyPlanYear:
    energies = {"existing": year["existing_kwh"], **year["energy_kwh"]}
    return EnergyPlanYear(
        year=year["year"],
        demand_kwh=year["demand_kwh"],
        sources=[EnergyPlanSource(code=code, kwh=kwh) for code, kwh in sorted(energies.items())],
        stored_kwh=year["stored_kwh"],
        surplus_kwh=year["surplus_kwh"],
        unmet_kwh=year["unmet_kwh"],
        renewable_share=year["renewable_share"],
        required_share=year["wanted_share"],
        cost=year["cost"],
        on_track=year["on_track"],
    )


def _limit(limit: Mapping[str, Any]) -> EnergyPlanLimit:
    kind, objective = EnergyPlanLimitKind(limit["kind"]), EnergyPlanObjective(limit["objective"])
    return EnergyPlanLimit(**{**limit, "kind": kind, "objective": objective})


def _sensitivity(case: Mapping[str, Any]) -> EnergyPlanSensitivity:
    names = ("assumption", "value", "origin", "change", "renewable_share_change", "total_cost_change")
    more = ("net_present_value_change", "emissions_change_kg", "relevant")
    return EnergyPlanSensitivity(
        plan=EnergyPlanKind(case["decision"]), **{name: case[name] for name in (*names, *more)}
    )


def _hours(dispatch: Mapping[str, Any]) -> EnergyPlanHours:
    names = ("year", "renewable_share", "unmet_kwh", "feed_in_kwh", "curtailed_kwh", "load_peak_kw")
    days = [
        EnergyPlanDay(code=code, month=month + 1, kw=kw)
        for code, months in sorted(dispatch["typical_days"].items())
        for month, kw in enumerate(months)
    ]
    more = {name: dispatch[name] for name in (*names, "grid_peak_kw", "battery_kwh")}
    return EnergyPlanHours(typical_days=days, **more)
