"""The target year of a plan, hour by hour."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from pipelines.insights.optimisation import Year
from pipelines.insights.plan.direct_use import source_profile
from pipelines.insights.plan.dispatch import Battery, Dispatch, Site, SupplySource, dispatch
from pipelines.insights.plan.profiles import HOURS, Vector, heat_profile, load_profile, typical_days
from pipelines.insights.plan_inputs import STORAGE_CYCLES_PER_YEAR, EnergySource, PlanGoals

BATTERY_HOURS = 4.0
"""The time in which a battery is charged or discharged fully."""
EXISTING = "existing"
"""The code of renewable energy that the company has today."""


def hourly_load(goals: PlanGoals, consumption: Mapping[str, Any] | None, place: int) -> Vector:
    """The load of a year in kW."""
    weekday = date(goals.first_year + place, 1, 1).weekday()
    shape = load_profile(consumption, weekday)
    base = (goals.demand(place) - goals.added_kwh) / HOURS * shape
    return np.asarray(base + goals.added_kwh / HOURS * heat_profile(goals.latitude))


def plan_site(
    goals: PlanGoals, sources: Sequence[EnergySource], year: Year, consumption: Mapping[str, Any] | None
) -> Site:
    """The supplies of a planned year, with the capacities that its energies need."""
    place = year.year - goals.first_year
    load, factor = hourly_load(goals, consumption, place), goals.price_factor(place)
    supplies = [
        _plan_supply(source, year, goals, factor, load) for source in sources if source.kind != "storage"
    ]
    if year.existing_kwh > 0:
        shape = load / load.mean() * year.existing_kwh / HOURS
        supplies.append(SupplySource(EXISTING, shape, np.zeros(HOURS), 1.0, None, True))
    storage = next((source for source in sources if source.kind == "storage"), None)
    battery = None
    if storage and year.stored_kwh > 0:
        capacity = year.stored_kwh / STORAGE_CYCLES_PER_YEAR
        share = storage.efficiency**0.5
        operation = max(0.0, storage.cost_per_kwh - storage.annuity_per_kwh)
        battery = Battery(capacity, capacity / BATTERY_HOURS, share, share, operation)
    return Site(load, supplies, battery, goals.demand_price, goals.feed_in_price)


def _plan_supply(
    source: EnergySource, year: Year, goals: PlanGoals, factor: float, load: Vector
) -> SupplySource:
    energy = year.energy_kwh[source.code]
    price = source.cost_per_kwh - source.annuity_per_kwh
    if source.kind == "grid":
        available = np.full(HOURS, 10 * float(load.max()))
        limit = source.share_limit * year.demand_kwh
        return SupplySource(
            source.code,
            available,
            np.full(HOURS, price * factor),
            source.renewable_share,
            None if limit >= year.demand_kwh else limit,
            metered=True,
        )
    power = energy / HOURS / source.capacity_factor if source.capacity_factor > 0 else 0.0
    shape = source_profile(source.profile, goals.latitude, source.capacity_factor)
    fuel = factor if source.kind == "cogeneration" else 1.0
    if source.intermittent:
        return SupplySource(
            source.code,
            power * shape,
            np.zeros(HOURS),  # paid for whether it is used or not
            source.renewable_share,
            feeds_in=True,
            metered=not source.on_site,
        )
    # What is bought or run as needed may give its nominal power in any hour, up to its energy.
    return SupplySource(
        source.code,
        np.full(HOURS, power),
        np.full(HOURS, price * fuel),
        source.renewable_share,
        energy_limit_kwh=energy,
        metered=not source.on_site,
    )


def summarize_dispatch(site: Site, result: Dispatch, year: Year) -> dict[str, Any]:
    """The dispatch as JSON: sums, the peak, and the mean day of each month."""
    load = result.energy(site.load_kw)
    unmet, fed = result.energy(result.unmet_kw), result.energy(result.feed_in_kw)
    renewable = sum(
        supply.renewable_share * result.energy(result.power_kw[supply.code]) for supply in site.supplies
    )
    losses = result.energy(result.charge_kw) - result.energy(result.discharge_kw)
    available = sum(float(supply.available_kw.sum()) for supply in site.supplies if supply.feeds_in)
    taken = sum(result.energy(result.power_kw[supply.code]) for supply in site.supplies if supply.feeds_in)
    series = {supply.code: result.power_kw[supply.code] for supply in site.supplies}
    series |= {"discharge": result.discharge_kw, "charge": result.charge_kw}
    series |= {"feed_in": result.feed_in_kw, "unmet": result.unmet_kw, "load": site.load_kw}
    return {
        "year": year.year,
        "load_kwh": load,
        "energy_kwh": {code: result.energy(power) for code, power in result.power_kw.items()},
        "charged_kwh": result.energy(result.charge_kw),
        "discharged_kwh": result.energy(result.discharge_kw),
        "feed_in_kwh": fed,
        "curtailed_kwh": max(0.0, available - taken),
        "unmet_kwh": unmet,
        "renewable_share": min(1.0, max(0.0, (renewable - losses - fed) / load)) if load > 0 else 0.0,
        "load_peak_kw": float(site.load_kw.max()),
        "grid_peak_kw": result.peak_kw,
        "battery_kwh": site.battery.capacity_kwh if site.battery else 0.0,
        "typical_days": {name: typical_days(hours) for name, hours in series.items()},
    }


def dispatch_year(
    goals: PlanGoals, sources: Sequence[EnergySource], year: Year, consumption: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The dispatch of a planned year."""
    site = plan_site(goals, sources, year, consumption)
    return summarize_dispatch(site, dispatch(site), year)
