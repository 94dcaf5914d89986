"""Optimization of the energy mix of each year until the target, as linear programs solved by HiGHS.

For each year with the consumption D: x[s] is the energy from source s, e the existing renewable energy,
t the energy through storage, f the surplus fed into the grid, u the unmet consumption, m the shortfall of
renewable energy.

    sum x + e - (1 - efficiency) t - f + u = D        energy balance
    sum renewable x + e - (1 - efficiency) t - f + m >= required share * D
    sum cost x + grid cost e + storage cost t - feed-in price f <= budget
    x[s] <= limit[s] D,  t <= limit D,  e <= existing renewable energy
    x[s] <= x[s] of the year before + growth[s] D,  and so for t
    x[s] >= x[s] of the year before, as a share of D  no source shrinks
    sum of intermittent x - t - f <= direct use,  t + f <= sum of intermittent x

Direct use is the part of the weather's energy that the load takes in its hours: `plan/direct_use.py`. Buying
nothing is always feasible: what the budget does not buy becomes u, what is missing of the target becomes m.

Energies are solved in shares of the yearly consumption and money in units of the dearest source, so that the
size of a company does not matter to the solver.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, diags_array, vstack

from pipelines.insights.plan_inputs import EnergySource, PlanGoals

OBJECTIVE_TOLERANCE = 1e-10
"""The tolerance of an objective's best value while the next objective is optimized, in solved units."""
FEASIBILITY_TOLERANCE = 1e-9
MAX_BUDGET_FACTOR = 1e3
"""A budget of more than this many consumptions of the dearest source does not bind."""

EXISTING_DISCOUNT = 1e-3
"""The discount of existing renewable energy against the grid's price, so that it is preferred."""
NOISE_SHARE = 1e-7
"""Amounts below this share of a year's consumption are numerical noise."""

ESCALATING_KINDS = ("grid", "cogeneration")
OPTIONS = {
    "primal_feasibility_tolerance": FEASIBILITY_TOLERANCE,
    "dual_feasibility_tolerance": FEASIBILITY_TOLERANCE,
}

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
    surplus_kwh: float = 0.0


LimitKind = Literal["budget", "share", "growth", "target", "direct_use"]


@dataclass(frozen=True)
class PlanLimit:
    """A limit of a year: by how much its rows or bounds change if it is loosened by all of it."""

    kind: LimitKind
    place: int
    code: str | None
    rows: tuple[tuple[int, float], ...] = ()
    bounds: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Stage:
    """A program after some objectives: their values, each of them a constraint from then on."""

    solution: Vector
    values: tuple[float, ...]
    upper: csr_array
    limits: Vector
    bounds: Vector


class LinearProgram:
    """The constraints for a set of goals and sources; `solve` minimizes the objectives of a plan."""

    def __init__(self, aims: PlanGoals, sources: Sequence[EnergySource]) -> None:
        self.goals = aims
        self.sources = [source for source in sources if source.kind != "storage"]
        self.storage = next((source for source in sources if source.kind == "storage"), None)
        grid = [source for source in self.sources if source.kind == "grid"]
        self.grid_cost = min((source.cost_per_kwh for source in grid), default=0.0)
        self.grid_reliability = max((source.reliability for source in grid), default=1.0)
        self.width = len(self.sources) + 5
        self.count = len(aims.years)
        self.demand = [aims.demand(place) for place in range(self.count)]
        first = len(self.sources)
        self.existing, self.stored, self.unmet, self.short, self.surplus = range(first, self.width)
        self.loss = 1 - self.storage.efficiency if self.storage else 0.0
        self.floors = [self._floors(demand) for demand in self.demand]
        self.unit = max(self.demand)
        self.price = max((source.cost_per_kwh for source in sources), default=0.0) or 1.0
        self.upper: list[tuple[dict[int, float], float]] = []
        self.equal: list[tuple[dict[int, float], float]] = []
        self.limits: list[PlanLimit] = []
        for place in range(self.count):
            self._constrain(place)
        self.bounds = [bound for place in range(self.count) for bound in self._bounds(place)]
        self._build_matrices()
        self.objectives = {
            "unmet": self._objective(lambda place: {self.unmet: 1.0}),
            "shortfall": self._objective(lambda place: {self.short: 1.0}),
            "cost": self._objective(self._cost_weights),
            "non_renewable": self._objective(
                lambda place: {column: -share for column, share in self._renewable_shares().items()}
            ),
            "unreliable": self._objective(
                lambda place: {column: -reliability for column, reliability in self._reliabilities().items()}
            ),
        }

    def _build_matrices(self) -> None:
        """The matrices of the scaled program, which every objective and every change of limits shares."""
        matrix, self._row_limits = constraint_matrix(self.upper, self.width * self.count)
        self._scale = np.full(len(self.upper), 1 / self.unit)
        self._money = [limit.rows[0][0] for limit in self.limits if limit.kind == "budget"]
        self._scale[self._money] /= self.price
        self._upper = csr_array(diags_array(self._scale * self.unit) @ matrix)
        self._equal, energies = constraint_matrix(self.equal, self.width * self.count)
        self._energies = energies / self.unit
        self._column_bounds = np.array(
            [(low, np.inf if high is None else high) for low, high in self.bounds], dtype=float
        )

    def solve(self, name: str) -> list[Year]:
        """The years of one of the `PLAN_OBJECTIVES`."""
        return self._years(self.solution(name)[0])

    def solve_all(self) -> dict[str, list[Year]]:
        """The years of every plan. Objectives that plans begin with in common are solved once."""
        start, solved = self._scaled({}), dict[tuple[str, ...], Stage]()
        return {
            name: self._years(self._minimize(name, start, solved).solution * self.unit)
            for name in PLAN_OBJECTIVES
        }

    def solution(
        self, name: str, change: Mapping[PlanLimit, float] | None = None
    ) -> tuple[Vector, list[float]]:
        """The solution of a plan in kWh, and the values of its objectives, in kWh or money.

        `change` moves limits by multiples of what they are.
        """
        found = self._minimize(name, self._scaled(change or {}), {})
        return found.solution * self.unit, list(found.values)

    def _scaled(self, change: Mapping[PlanLimit, float]) -> Stage:
        """The constraints in shares of the greatest consumption, before any objective."""
        limits, bounds = self._changed(change)
        limits = limits * self._scale
        limits[self._money] = np.minimum(limits[self._money], MAX_BUDGET_FACTOR)
        return Stage(np.zeros(self.width * self.count), (), self._upper, limits, bounds / self.unit)

    def _minimize(self, name: str, start: Stage, solved: dict[tuple[str, ...], Stage]) -> Stage:
        """The stage after the last objective of a plan; `solved` has the stages of common objectives."""
        stage, done = start, tuple[str, ...]()
        for objective_name in PLAN_OBJECTIVES[name]:
            done = (*done, objective_name)
            if done not in solved:
                solved[done] = self._minimize_next(name, objective_name, stage)
            stage = solved[done]
        return stage

    def _minimize_next(self, name: str, objective_name: str, stage: Stage) -> Stage:
        price = self.price if objective_name == "cost" else 1.0
        objective = self.objectives[objective_name] / price
        result = linprog(
            objective,
            A_ub=stage.upper,
            b_ub=stage.limits,
            A_eq=self._equal,
            b_eq=self._energies,
            bounds=stage.bounds,
            options=OPTIONS,
        )
        if result.status != 0:
            raise ArithmeticError(f"{name}: {result.message}")
        best = float(objective @ result.x)
        return Stage(
            result.x,
            (*stage.values, best * self.unit * price),
            vstack([stage.upper, csr_array(objective[np.newaxis, :])], format="csr"),
            np.append(stage.limits, best + OBJECTIVE_TOLERANCE * max(1.0, abs(best))),
            stage.bounds,
        )

    def _years(self, solution: Vector) -> list[Year]:
        return [self._year(place, solution) for place in range(self.count)]

    def _changed(self, change: Mapping[PlanLimit, float]) -> tuple[Vector, Vector]:
        """The limits of the rows and the bounds of the columns after a change of limits."""
        limits, bounds = self._row_limits.copy(), self._column_bounds.copy()
        for limit, share in change.items():
            for row, amount in limit.rows:
                limits[row] += share * amount
            for column, amount in limit.bounds:
                bounds[column, 1] += share * amount
        return limits, bounds

    def _constrain(self, place: int) -> None:
        demand, start = self.demand[place], place * self.width
        energy = {start + column: 1.0 for column in range(len(self.sources))}
        lost = {start + self.stored: -self.loss, start + self.surplus: -1.0}
        self.equal.append(({**energy, start + self.existing: 1.0, start + self.unmet: 1.0, **lost}, demand))
        green = {start + column: -share for column, share in self._renewable_shares().items()}
        required = self.goals.required_share(place) * demand
        self._limit("target", place, None, required)
        self.upper.append(({**green, start + self.short: -1.0}, -required))
        costs = {start + column: cost for column, cost in self._costs(place).items()}
        self._limit("budget", place, None, self.goals.budget)
        self.upper.append((costs, self._affordable(place)))
        self._constrain_weather(place)
        growing = {c: source for c, source in enumerate(self.sources) if source.kind != "grid"}
        if self.storage:
            growing[self.stored] = self.storage
        for column, source in growing.items():
            before = {start - self.width + column: -1.0} if place else {}
            already = 0.0 if place else source.existing_kwh
            self._limit("growth", place, source.code, source.yearly_growth * demand)
            self.upper.append(({start + column: 1.0, **before}, already + source.yearly_growth * demand))
            if place:
                kept = min(1.0, demand / self.demand[place - 1])
                stays = {start - self.width + column: kept, start + column: -1.0}
                self.upper.append((stays, 0.0))

    def _constrain_weather(self, place: int) -> None:
        """Energy of the weather is used in its hours, stored, or fed in."""
        demand, start = self.demand[place], place * self.width
        columns = {source.code: c for c, source in enumerate(self.sources) if source.intermittent}
        unsteady = {start + column: 1.0 for column in columns.values()}
        elsewhere = {start + self.stored: -1.0, start + self.surplus: -1.0}
        rows = []
        for cut in self.goals.direct_use if columns else ():
            taken = {start + columns[code]: 1.0 - weight for code, weight in cut.weights if code in columns}
            rows.append((len(self.upper), cut.limit * demand))
            self.upper.append(({**unsteady, **taken, **elsewhere}, cut.limit * demand))
        if rows:
            self.limits.append(PlanLimit("direct_use", place, None, tuple(rows)))
        freed = {start + self.stored: 1.0, start + self.surplus: 1.0}
        self.upper.append(({**dict.fromkeys(unsteady, -1.0), **freed}, 0.0))

    def _limit(self, kind: LimitKind, place: int, code: str | None, amount: float) -> None:
        """Name the row that is added next."""
        self.limits.append(PlanLimit(kind, place, code, rows=((len(self.upper), amount),)))

    def _bounds(self, place: int) -> list[tuple[float, float | None]]:
        demand, start = self.demand[place], place * self.width
        stored = self.storage.share_limit * demand if self.storage else 0.0
        owned = sum(source.existing_kwh * source.renewable_share for source in self.sources)
        already = min(max(0.0, self.goals.current_share * self.goals.annual_kwh - owned), demand)
        bounds: list[tuple[float, float | None]] = []
        for column, source in enumerate(self.sources):
            limit = source.share_limit * demand
            bounds.append((self.floors[place][column], limit))
            self.limits.append(PlanLimit("share", place, source.code, bounds=((start + column, limit),)))
        if self.storage:
            column = start + self.stored
            self.limits.append(PlanLimit("share", place, self.storage.code, bounds=((column, stored),)))
        return [*bounds, (0.0, already), (0.0, stored), (0.0, None), (0.0, None), (0.0, None)]

    def _affordable(self, place: int) -> float:
        """The budget, but at least what the operation of existing plants costs."""
        budget = self.goals.budget + self._paid(place)
        if not any(self.floors[place]):
            return budget
        prices = self._costs(place)
        return max(budget, sum(prices[column] * floor for column, floor in enumerate(self.floors[place])))

    def _floors(self, demand: float) -> list[float]:
        """The energies of existing plants, which run, up to the whole consumption."""
        floors = [min(source.existing_kwh, source.share_limit * demand) for source in self.sources]
        part = min(1.0, demand / sum(floors)) if sum(floors) > 0 else 1.0
        return [part * floor for floor in floors]

    def _paid(self, place: int) -> float:
        """The annuities of existing plants, which have been paid."""
        return sum(
            floor * source.annuity_per_kwh
            for floor, source in zip(self.floors[place], self.sources, strict=True)
        )

    def _costs(self, place: int) -> dict[int, float]:
        """The costs of a kWh by column. Prices of the grid and of fuel follow the price escalation."""
        factor = self.goals.price_factor(place)
        stored = {self.stored: self.storage.cost_per_kwh} if self.storage else {}
        own = {
            column: source.cost_per_kwh * (factor if source.kind in ESCALATING_KINDS else 1.0)
            for column, source in enumerate(self.sources)
        }
        sold = {self.surplus: -self.goals.feed_in_price} if self.goals.feed_in_price else {}
        return {**own, self.existing: self.grid_cost * factor, **stored, **sold}

    def _cost_weights(self, place: int) -> dict[int, float]:
        costs = self._costs(place)
        return {**costs, self.existing: costs[self.existing] * (1 - EXISTING_DISCOUNT)}

    def _renewable_shares(self) -> dict[int, float]:
        own = {column: source.renewable_share for column, source in enumerate(self.sources)}
        return {**own, self.existing: 1.0, self.stored: -self.loss, self.surplus: -1.0}

    def _reliabilities(self) -> dict[int, float]:
        """The reliability of a kWh by column; stored energy counts as storage instead of as its source."""
        own = {column: source.reliability for column, source in enumerate(self.sources)}
        unsteady = [source.reliability for source in self.sources if source.intermittent]
        gain = max(0.0, self.storage.reliability - max(unsteady)) if self.storage and unsteady else 0.0
        lost = -max(unsteady, default=0.0)
        return {**own, self.existing: self.grid_reliability, self.stored: gain, self.surplus: lost}

    def _objective(self, weigh: Callable[[int], dict[int, float]]) -> Vector:
        """The objective with the weights of columns of each year."""
        objective = np.zeros(self.width * self.count)
        for place in range(self.count):
            for column, weight in weigh(place).items():
                objective[place * self.width + column] = weight
        return objective

    def _year(self, place: int, solution: Vector) -> Year:
        part = solution[place * self.width : (place + 1) * self.width]
        part = np.where(np.abs(part) < NOISE_SHARE * self.demand[place], 0.0, part)
        demand = self.demand[place]
        green = sum(part[column] * share for column, share in self._renewable_shares().items())
        trusted = sum(part[column] * share for column, share in self._reliabilities().items())
        served = float(part[: self.existing + 1].sum() - part[self.surplus])
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
            cost=float(sum(part[column] * cost for column, cost in self._costs(place).items()))
            - self._paid(place),
            reliability=min(1.0, float(trusted) / served) if served > 0 else 0.0,
            surplus_kwh=float(part[self.surplus]),
        )


def constraint_matrix(
    constraints: Sequence[tuple[dict[int, float], float]], width: int
) -> tuple[csr_array, Vector]:
    """The constraints as a sparse matrix and their right-hand sides."""
    lengths = [len(columns) for columns, _ in constraints]
    rows = np.repeat(np.arange(len(constraints)), lengths)
    places = np.fromiter((column for columns, _ in constraints for column in columns), dtype=int)
    weights = np.fromiter((weight for columns, _ in constraints for weight in columns.values()), dtype=float)
    matrix = coo_array((weights, (rows, places)), shape=(len(constraints), width))
    return matrix.tocsr(), np.array([value for _, value in constraints])
