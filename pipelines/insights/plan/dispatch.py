"""Dispatch of supplies and a battery over the hours of a year, as one linear program solved by HiGHS.

For each hour h with the load L[h]: x[s,h] is the power of supply s, c and d charge and discharge the battery,
l is its level, f is fed into the grid, u stays unmet. P is the peak of what is metered.

    sum x[s,h] + d[h] - c[h] - f[h] + u[h] = L[h]
    l[h] = l[h-1] + charge efficiency * c[h] - d[h] / discharge efficiency,  l at the beginning = l at the end
    x[s,h] <= available[s,h],  sum x[s] <= energy limit[s],  sum metered x[s,h] <= P
    f[h] <= sum of what may be fed in
    sum renewable x - losses >= required share * sum L - m
    sum cost x + battery cost d + demand price P - feed-in price f <= budget

It minimizes the cost and a penalty on u, and a smaller one on m. Energies are in units of the mean load, and
money in units of the highest price, so that the size of a company does not matter to the solver.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

Vector = NDArray[np.float64]

UNMET_PENALTY, SHORTFALL_PENALTY = 100.0, 10.0
"""Penalties of a kWh, in units of the highest price."""
CURTAILMENT_WEIGHT = 1e-6
"""A preference, in units of the highest price, for using energy that costs nothing."""


@dataclass(frozen=True)
class SupplySource:
    """A source of energy. `available_kw` and `price` hold for each hour."""

    code: str
    available_kw: Vector
    price: Vector
    renewable_share: float = 0.0
    energy_limit_kwh: float | None = None
    metered: bool = False
    feeds_in: bool = False


@dataclass(frozen=True)
class Battery:
    """A battery; `cost_per_kwh` is for each kWh that it gives back."""

    capacity_kwh: float
    power_kw: float
    charge_efficiency: float
    discharge_efficiency: float
    cost_per_kwh: float = 0.0


@dataclass(frozen=True)
class Site:
    """What is dispatched. Each hour counts `weight` times in sums and costs. In each block of hours, such as
    a week, the battery ends at the level at which it began.
    """

    load_kw: Vector
    supplies: Sequence[SupplySource]
    battery: Battery | None = None
    demand_price: float = 0.0
    feed_in_price: float = 0.0
    budget: float | None = None
    required_share: float = 0.0
    weight: float = 1.0
    block_hours: int | None = None


@dataclass(frozen=True)
class Dispatch:
    """The dispatch, in kW for each hour, and its sums."""

    power_kw: dict[str, Vector]
    charge_kw: Vector
    discharge_kw: Vector
    level_kwh: Vector
    feed_in_kw: Vector
    unmet_kw: Vector
    peak_kw: float
    cost: float
    shortfall_kwh: float
    objective: float
    weight: float = 1.0

    def energy(self, hours: Vector) -> float:
        """The energy of a power in every hour."""
        return float(hours.sum()) * self.weight


class Columns:
    """The columns of the program: blocks of hours by name, then the peak and the shortfall."""

    def __init__(self, names: Sequence[str], count: int) -> None:
        self.names, self.count = list(names), count
        self.peak, self.shortfall = len(names) * count, len(names) * count + 1
        self.width = len(names) * count + 2

    def of(self, name: str) -> slice:
        """The columns of a block."""
        start = self.names.index(name) * self.count
        return slice(start, start + self.count)

    def rows(self, blocks: dict[str, csr_array], peak: float = 0.0) -> csr_array:
        """A row for each hour, with these matrices at their blocks and a weight of the peak."""
        empty = csr_array((self.count, self.count))
        last = coo_array((np.full(self.count, peak), (np.arange(self.count), np.zeros(self.count, int))))
        ends = [csr_array(last), csr_array((self.count, 1))]
        return hstack([*(blocks.get(name, empty) for name in self.names), *ends], format="csr")


def dispatch(site: Site) -> Dispatch:
    """The cheapest dispatch with the least unmet energy."""
    count, unit, weight = len(site.load_kw), _unit(site), site.weight
    prices = [float(np.max(supply.price)) for supply in site.supplies]
    highest = max([*prices, site.feed_in_price, site.demand_price / (count * weight), 1e-9])
    supplies = {f"supply:{supply.code}": supply for supply in site.supplies}
    columns = Columns([*supplies, "charge", "discharge", "level", "feed_in", "unmet"], count)
    cost = _costs(site, supplies, columns)
    objective = cost / highest
    for name in supplies:
        objective[columns.of(name)] -= CURTAILMENT_WEIGHT
    objective[columns.of("unmet")] = UNMET_PENALTY + site.demand_price / highest
    objective[columns.shortfall] = SHORTFALL_PENALTY
    equal = vstack(_equalities(site, supplies, columns), format="csr")
    values = np.concatenate([site.load_kw / unit, np.zeros(count)])
    upper, limits = _inequalities(site, supplies, columns, cost / highest, unit, highest)
    result = linprog(
        objective,
        A_ub=upper,
        b_ub=limits,
        A_eq=equal,
        b_eq=values,
        bounds=_bounds(site, supplies, columns, unit),
        method="highs-ipm",
    )
    if result.status != 0:
        raise ArithmeticError(f"dispatch: {result.message}")
    hours = {name: result.x[columns.of(name)] * unit for name in columns.names}
    return Dispatch(
        power_kw={supply.code: hours[name] for name, supply in supplies.items()},
        charge_kw=hours["charge"],
        discharge_kw=hours["discharge"],
        level_kwh=hours["level"],
        feed_in_kw=hours["feed_in"],
        unmet_kw=hours["unmet"],
        peak_kw=float(sum(hours[name] for name, supply in supplies.items() if supply.metered).max()),
        cost=float(cost @ result.x) * unit * weight,
        shortfall_kwh=float(result.x[columns.shortfall]) * unit * weight,
        objective=float(result.fun),
        weight=weight,
    )


def _unit(site: Site) -> float:
    """The mean load, in which powers are measured."""
    mean = float(site.load_kw.mean())
    return mean if mean > 0 else 1.0


def _costs(site: Site, supplies: dict[str, SupplySource], columns: Columns) -> Vector:
    """The cost of each column's kWh; that of the peak is per kW, divided by the weight of an hour."""
    cost = np.zeros(columns.width)
    for name, supply in supplies.items():
        cost[columns.of(name)] = supply.price
    cost[columns.of("discharge")] = site.battery.cost_per_kwh if site.battery else 0.0
    cost[columns.of("feed_in")] = -site.feed_in_price
    cost[columns.peak] = site.demand_price / site.weight
    return cost


def _equalities(site: Site, supplies: dict[str, SupplySource], columns: Columns) -> list[csr_array]:
    """The balance of each hour, and the level of the battery after it."""
    count = columns.count
    one = eye_array(count, format="csr")
    balance = dict.fromkeys(supplies, one) | {
        "discharge": one,
        "unmet": one,
        "charge": -one,
        "feed_in": -one,
    }
    hours = np.arange(count)
    block = site.block_hours or count
    before = np.where(hours % block == 0, np.minimum(hours + block, count) - 1, hours - 1)
    earlier = csr_array((np.ones(count), (hours, before)), shape=(count, count))
    charging = site.battery.charge_efficiency if site.battery else 1.0
    discharging = site.battery.discharge_efficiency if site.battery else 1.0
    level = {"level": one - earlier, "charge": -charging * one, "discharge": one / discharging}
    return [columns.rows(balance), columns.rows(level)]


def _inequalities(
    site: Site, supplies: dict[str, SupplySource], columns: Columns, cost: Vector, unit: float, highest: float
) -> tuple[csr_array, Vector]:
    """The limits of energies, peak, feed-in, renewable share and budget."""
    one = eye_array(columns.count, format="csr")
    metered = [name for name, supply in supplies.items() if supply.metered]
    feeding = [name for name, supply in supplies.items() if supply.feeds_in]
    rows = [columns.rows({"feed_in": one, **dict.fromkeys(feeding, -one)})]
    if site.demand_price > 0:
        rows.append(columns.rows(dict.fromkeys(metered, one), peak=-1.0))
    limits = [np.zeros(len(rows) * columns.count)]
    weight = site.weight
    for name, supply in supplies.items():
        if supply.energy_limit_kwh is not None:
            row = np.zeros(columns.width)
            row[columns.of(name)] = 1.0
            rows.append(csr_array(row[np.newaxis]))
            limits.append(np.array([supply.energy_limit_kwh / (unit * weight)]))
    if site.required_share > 0:
        row = np.zeros(columns.width)
        for name, supply in supplies.items():
            row[columns.of(name)] = -supply.renewable_share
        row[columns.of("charge")], row[columns.of("discharge")], row[columns.of("feed_in")] = 1.0, -1.0, 1.0
        row[columns.shortfall] = -1.0
        rows.append(csr_array(row[np.newaxis]))
        limits.append(np.array([-site.required_share * float(site.load_kw.sum()) / unit]))
    if site.budget is not None:
        rows.append(csr_array(cost[np.newaxis]))
        most = 10 * UNMET_PENALTY * float(site.load_kw.sum()) / unit
        limits.append(np.array([min(most, site.budget / (unit * weight * highest))]))
    return vstack(rows, format="csr"), np.concatenate(limits)


def _bounds(
    site: Site, supplies: dict[str, SupplySource], columns: Columns, unit: float
) -> NDArray[np.float64]:
    """The bounds of each column."""
    upper = np.full(columns.width, np.inf)
    for name, supply in supplies.items():
        upper[columns.of(name)] = supply.available_kw / unit
    power = site.battery.power_kw / unit if site.battery else 0.0
    upper[columns.of("charge")] = upper[columns.of("discharge")] = power
    capacity = site.battery.capacity_kwh / unit if site.battery else 0.0
    upper[columns.of("level")] = capacity
    upper[columns.of("unmet")] = site.load_kw / unit
    if site.feed_in_price <= 0:
        upper[columns.of("feed_in")] = 0.0  # nobody pays for it: what is too much is curtailed
    return np.column_stack([np.zeros(columns.width), upper])
