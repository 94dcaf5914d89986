"""Optimization of the energy mix of each year until the target, as linear programs solved by HiGHS.

For each year with the consumption D: x[s] is the energy from source s, e the existing renewable energy,
t the energy through storage, u the unmet consumption, m the shortfall of renewable energy.

    sum x + e - (1 - efficiency) t + u = D            energy balance
    sum renewable x + e - (1 - efficiency) t + m >= required share * D
    sum cost x + grid cost e + storage cost t <= budget
    x[s] <= limit[s] D,  t <= limit D,  e <= existing renewable energy
    x[s] <= x[s] of the year before + growth[s] D,  and so for t
    x[s] >= x[s] of the year before, as a share of D  no source shrinks
    sum of intermittent x - t <= DIRECT D,  t <= sum of intermittent x

Buying nothing is always feasible: what the budget does not buy becomes u, and what is missing of the target
becomes m.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, lil_array, vstack

from pipelines.insights.plan_inputs import EnergySource, PlanGoals

MAX_DIRECT_SHARE = 0.5
"""The share of a year's consumption that intermittent sources can meet without storage."""
OBJECTIVE_TOLERANCE = 1e-7
"""The tolerance of an objective's best value while the next objective is optimized."""

EXISTING_DISCOUNT = 1e-3
"""The discount of existing renewable energy against the grid's price, so that it is preferred."""
NOISE_SHARE = 1e-9
"""Amounts below this share of a year's consumption are numerical noise."""

Vector = NDArray[np.float64]

LEAST_COST, ON_TARGET, GREENEST, MOST_RELIABLE = "least_cost", "on_target", "greenest", "most_reliable"
PLAN_OBJECTIVES = {
    LEAST_COST: ("unmet", "cost"),
    ON_TARGET: ("unmet", "shortfall", "cost"),
    GREENEST: ("unmet", "non_renewable", "cost"),
    MOST_RELIABLE: ("unmet", "shortfall", "unreliable", "cost"),
}
"""The objectives that each plan minimizes, in lexicographic order."""


@dataclass(frozen=True)
class Year:
    """One year of a plan; energies in kWh, shares from 0 to 1."""

    year: int
    demand_kwh: float
    energy_kwh: dict[str, float]
    existing_kwh: float
    stored_kwh: float
    unmet_kwh: float
    renewable_share: float
    wanted_share: float
    shortfall_kwh: float
    cost: float
    reliability: float


class LinearProgram:
    """The constraints for a set of goals and sources; `solve` minimizes the objectives of a plan."""

    def __init__(self, aims: PlanGoals, sources: Sequence[EnergySource]) -> None:
        self.goals = aims
        self.sources = [source for source in sources if source.kind != "storage"]
        self.storage = next((source for source in sources if source.kind == "storage"), None)
        grid = [source for source in self.sources if source.kind == "grid"]
        self.grid_cost = min((source.cost_per_kwh for source in grid), default=0.0)
        self.grid_reliability = max((source.reliability for source in grid), default=1.0)
        self.width = len(self.sources) + 4
        self.count = len(aims.years)
        self.demand = [aims.demand(place) for place in range(self.count)]
        self.existing, self.stored, self.unmet, self.short = range(len(self.sources), self.width)
        self.loss = 1 - self.storage.efficiency if self.storage else 0.0
        self.upper: list[tuple[dict[int, float], float]] = []
        self.equal: list[tuple[dict[int, float], float]] = []
        for place in range(self.count):
            self._constrain(place)
        self.bounds = [bound for place in range(self.count) for bound in self._bounds(place)]
        self.objectives = {
            "unmet": self._objective({self.unmet: 1.0}),
            "shortfall": self._objective({self.short: 1.0}),
            "cost": self._objective(
                {**self._costs(), self.existing: self.grid_cost * (1 - EXISTING_DISCOUNT)}
            ),
            "non_renewable": self._objective(
                {column: -share for column, share in self._renewable_shares().items()}
            ),
            "unreliable": self._objective(
                {column: -reliability for column, reliability in self._reliabilities().items()}
            ),
        }

    def solve(self, name: str) -> list[Year]:
        """The years of one of the `PLAN_OBJECTIVES`."""
        upper, limits = constraint_matrix(self.upper, self.width * self.count)
        equal, values = constraint_matrix(self.equal, self.width * self.count)
        solution = np.zeros(self.width * self.count)
        for objective_name in PLAN_OBJECTIVES[name]:
            objective = self.objectives[objective_name]
            found = linprog(
                objective,
                A_ub=upper,
                b_ub=limits,
                A_eq=equal,
                b_eq=values,
                bounds=self.bounds,
            )
            if found.status != 0:
                raise ArithmeticError(f"{name}: {found.message}")
            solution = found.x
            best = float(objective @ solution)
            upper = vstack([upper, csr_array(objective[np.newaxis, :])], format="csr")
            limits = np.append(limits, best + OBJECTIVE_TOLERANCE * max(1.0, abs(best)))
        return [self._year(place, solution) for place in range(self.count)]

    def _constrain(self, place: int) -> None:
        demand, start = self.demand[place], place * self.width
        energy = {start + column: 1.0 for column in range(len(self.sources))}
        lost = {start + self.stored: -self.loss}
        self.equal.append(({**energy, start + self.existing: 1.0, start + self.unmet: 1.0, **lost}, demand))
        green = {start + column: -share for column, share in self._renewable_shares().items()}
        self.upper.append(({**green, start + self.short: -1.0}, -self.goals.required_share(place) * demand))
        costs = {start + column: cost for column, cost in self._costs().items()}
        self.upper.append((costs, self.goals.budget))
        unsteady = {start + c: 1.0 for c, source in enumerate(self.sources) if source.intermittent}
        if unsteady:
            self.upper.append(({**unsteady, start + self.stored: -1.0}, MAX_DIRECT_SHARE * demand))
        self.upper.append(({**dict.fromkeys(unsteady, -1.0), start + self.stored: 1.0}, 0.0))
        growing = {c: source for c, source in enumerate(self.sources) if source.kind == "renewable"}
        if self.storage:
            growing[self.stored] = self.storage
        for column, source in growing.items():
            before = {start - self.width + column: -1.0} if place else {}
            self.upper.append(({start + column: 1.0, **before}, source.yearly_growth * demand))
            if place:
                kept = min(1.0, demand / self.demand[place - 1])
                stays = {start - self.width + column: kept, start + column: -1.0}
                self.upper.append((stays, 0.0))

    def _bounds(self, place: int) -> list[tuple[float, float | None]]:
        demand = self.demand[place]
        stored = self.storage.share_limit * demand if self.storage else 0.0
        already = min(self.goals.current_share * self.goals.annual_kwh, demand)
        limits = [(0.0, source.share_limit * demand) for source in self.sources]
        return [*limits, (0.0, already), (0.0, stored), (0.0, None), (0.0, None)]

    def _costs(self) -> dict[int, float]:
        stored = {self.stored: self.storage.cost_per_kwh} if self.storage else {}
        own = {column: source.cost_per_kwh for column, source in enumerate(self.sources)}
        return {**own, self.existing: self.grid_cost, **stored}

    def _renewable_shares(self) -> dict[int, float]:
        own = {column: source.renewable_share for column, source in enumerate(self.sources)}
        return {**own, self.existing: 1.0, self.stored: -self.loss}

    def _reliabilities(self) -> dict[int, float]:
        """The reliability of a kWh by column; stored energy counts as storage instead of as its source."""
        own = {column: source.reliability for column, source in enumerate(self.sources)}
        unsteady = [source.reliability for source in self.sources if source.intermittent]
        gain = max(0.0, self.storage.reliability - max(unsteady)) if self.storage and unsteady else 0.0
        return {**own, self.existing: self.grid_reliability, self.stored: gain}

    def _objective(self, columns: dict[int, float]) -> Vector:
        """The objective with these weights of columns in every year."""
        objective = np.zeros(self.width * self.count)
        for column, weight in columns.items():
            objective[column :: self.width] = weight
        return objective

    def _year(self, place: int, solution: Vector) -> Year:
        part = solution[place * self.width : (place + 1) * self.width]
        part = np.where(np.abs(part) < NOISE_SHARE * max(1.0, self.demand[place]), 0.0, part)
        demand = self.demand[place]
        green = sum(part[column] * share for column, share in self._renewable_shares().items())
        trusted = sum(part[column] * share for column, share in self._reliabilities().items())
        served = float(part[: self.existing + 1].sum())
        wanted = self.goals.required_share(place)
        return Year(
            year=self.goals.first_year + place,
            demand_kwh=demand,
            energy_kwh={source.code: float(part[column]) for column, source in enumerate(self.sources)},
            existing_kwh=float(part[self.existing]),
            stored_kwh=float(part[self.stored]),
            unmet_kwh=float(part[self.unmet]),
            renewable_share=min(1.0, float(green) / demand),
            wanted_share=wanted,
            shortfall_kwh=max(0.0, wanted * demand - float(green)),
            cost=float(sum(part[column] * cost for column, cost in self._costs().items())),
            reliability=min(1.0, float(trusted) / served) if served > 0 else 0.0,
        )


def constraint_matrix(
    constraints: Sequence[tuple[dict[int, float], float]], width: int
) -> tuple[csr_array, Vector]:
    """The constraints as a sparse matrix and their right-hand sides."""
    matrix = lil_array((len(constraints), width))
    for number, (columns, _) in enumerate(constraints):
        for column, weight in columns.items():
            matrix[number, column] = weight
    return matrix.tocsr(), np.array([value for _, value in constraints])
