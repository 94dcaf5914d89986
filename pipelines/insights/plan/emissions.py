"""Emissions of a plan by year, after the GHG Protocol's Scope 2 Guidance.

Scope 2 counts what is bought from outside: location-based with the factor of the grid, whatever the
contracts say, market-based with the factors of the contracts. Energy of the company's own sites is no scope
2; what its own plants burn is scope 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.insights.optimisation import Year
from pipelines.insights.plan_inputs import EnergySource


@dataclass(frozen=True)
class EmissionYear:
    """Emissions of a year in kg of CO2 equivalents."""

    year: int
    location_based_kg: float
    market_based_kg: float
    scope_1_kg: float
    baseline_location_based_kg: float
    baseline_market_based_kg: float


def emission_years(sources: Sequence[EnergySource], years: Sequence[Year]) -> list[EmissionYear]:
    """The emissions of each year of a plan, and of business as usual."""
    location, market = grid_factors(sources)
    found = []
    for year in years:
        bought, contracts, burnt = year.existing_kwh, 0.0, 0.0
        for source in sources:
            if source.kind == "storage":
                continue
            energy = year.energy_kwh[source.code]
            if source.on_site:
                burnt += energy * source.emission_factor
            else:
                bought += energy
                contracts += energy * market_factor(source)
        own = sum(source.existing_kwh for source in sources if source.on_site and source.kind != "storage")
        rest = max(0.0, year.demand_kwh - min(own, year.demand_kwh))
        found.append(
            EmissionYear(
                year=year.year,
                location_based_kg=bought * location,
                market_based_kg=contracts,
                scope_1_kg=burnt,
                baseline_location_based_kg=rest * location,
                baseline_market_based_kg=rest * market,
            )
        )
    return found


def market_factor(source: EnergySource) -> float:
    """The factor of a contract: its own, or else the source's for what is not certified as renewable."""
    if source.market_emission_factor is not None:
        return source.market_emission_factor
    return source.emission_factor * (1 - source.renewable_share)


def grid_factors(sources: Sequence[EnergySource]) -> tuple[float, float]:
    """The location-based and the market-based factor of the cheapest grid supply, or 0."""
    grid = [source for source in sources if source.kind == "grid"]
    if not grid:
        return 0.0, 0.0
    cheapest = min(grid, key=lambda source: source.cost_per_kwh)
    return cheapest.emission_factor, market_factor(cheapest)
