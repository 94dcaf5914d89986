"""Money and emissions of energy plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.framework.decorators import output


@output
class EnergyPlanMoneyYear:
    """The money of one year against business as usual."""

    year: int
    """Calendar year. Years after the target year repeat its mix."""

    baseline_cost: float
    """Cost of business as usual."""

    operating_cost: float
    """Cost of the plan's energy, without investments."""

    unmet_cost: float
    """What the unmet energy would cost from the grid. It counts as a cost of the plan."""

    demand_cost: float
    """Cost of the plan's peak demand."""

    feed_in_revenue: float
    """Revenue of the energy fed into the grid."""

    investment: float
    """Investment at the beginning of the year, with replacements."""

    net_flow: float
    """Saving minus investment, in the last year with the residual value."""

    cumulative_flow: float
    """Sum of the net flows up to this year."""


@output
class EnergyPlanMoney:
    """Appraisal of the recommended plan against business as usual, in the currency of the company."""

    horizon_years: int
    """Number of years of the appraisal."""

    discount_rate: float
    """Discount rate per year."""

    investment: float
    """Sum of all investments, with replacements."""

    residual_value: float
    """Value of the assets at the end of the appraisal."""

    net_present_value: float
    """Net present value."""

    internal_rate_of_return: float | None
    """Internal rate of return. Null if the flows have none, or several."""

    payback_years: float | None
    """Simple payback time in years. Null if it is longer than the appraisal."""

    discounted_payback_years: float | None
    """Discounted payback time in years. Null if it is longer than the appraisal."""

    levelised_cost: float | None
    """Levelized cost of a kilowatt hour of the plan."""

    baseline_levelised_cost: float | None
    """Levelized cost of a kilowatt hour of business as usual."""

    notes: list[str]
    """Reasons why figures are missing. At most 2. Not paginated."""

    years: list[EnergyPlanMoneyYear]
    """All years of the appraisal. At most 76. Not paginated."""


@output
class EnergyPlanEmissions:
    """Emissions of one year of the recommended plan, in kilograms of CO2 equivalents."""

    year: int
    """Calendar year."""

    location_based_kg: float
    """Scope 2, location-based: with the factor of the grid."""

    market_based_kg: float
    """Scope 2, market-based: with the factors of the contracts."""

    scope1_kg: float
    """Scope 1: what the company's own plants burn."""

    baseline_location_based_kg: float
    """Scope 2 of business as usual, location-based."""

    baseline_market_based_kg: float
    """Scope 2 of business as usual, market-based."""


def money_of(appraisal: Mapping[str, Any] | None) -> EnergyPlanMoney | None:
    if appraisal is None:
        return None
    years = [
        EnergyPlanMoneyYear(**{name: value for name, value in year.items() if name != "saving"})
        for year in appraisal["years"]
    ]
    left_out = ("years", "flows", "saving", "baseline_cost", "operating_cost")
    rest = {name: value for name, value in appraisal.items() if name not in left_out}
    return EnergyPlanMoney(years=years, **rest)


def emissions_of(year: Mapping[str, Any]) -> EnergyPlanEmissions:
    rest = {name: value for name, value in year.items() if name != "scope_1_kg"}
    return EnergyPlanEmissions(scope1_kg=year["scope_1_kg"], **rest)
