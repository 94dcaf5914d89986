"""The linear programs of energy plans, row by row, and what is read off their solutions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipelines.insights import optimisation
from pipelines.insights.optimisation import (
    GREENEST,
    LEAST_COST,
    MOST_RELIABLE,
    ON_TARGET,
    PLAN_OBJECTIVES,
    LinearProgram,
    Year,
    constraint_matrix,
)
from pipelines.insights.plan.direct_use import DEFAULT_DIRECT_USE, DirectUseCut
from pipelines.insights.plan_inputs import EnergySource, PlanGoals, parse_goals, parse_sources, round_numbers

about: Any = pytest.approx
SUN = EnergySource("sun", "Sun", "renewable", 0.04, 0.24, 0.78, 1.0, True, 0.6, 0.3, 1.0)
WATER = EnergySource("water", "Water", "renewable", 0.08, 0.47, 0.89, 0.9, False, 0.5, 0.2, 1.0)
GRID = EnergySource("grid", "Grid", "grid", 0.10, 1.0, 0.99, 0.1, False, 1.0, 1.0, 1.0)
SPARE = EnergySource("spare", "Spare", "grid", 0.12, 1.0, 0.95, 0.0, False, 0.8, 1.0, 1.0)
STORE = EnergySource("store", "Store", "storage", 0.05, 1.0, 0.98, 0.0, False, 0.25, 0.1, 0.75)
SECOND = EnergySource("second", "Second", "storage", 0.01, 1.0, 0.5, 0.0, False, 1.0, 1.0, 1.0)
SOURCES = [SUN, WATER, GRID, SPARE, STORE, SECOND]
GOALS = PlanGoals(1000.0, 0.1, 0.2, 0.6, 2027, 2028, 70.0)
"""Two years, 1,100 and 1,210 kWh, of which 40 and 60 % are to be renewable."""
COLUMNS = 9
"""Sun, water, grid, spare, existing, stored, unmet, short and surplus, of each year."""


def dense(columns: dict[int, float]) -> list[float]:
    row = [0.0] * (2 * COLUMNS)
    for column, weight in columns.items():
        row[column] = weight
    return row


def rows(constraints: Sequence[tuple[dict[int, float], float]]) -> list[tuple[list[float], float]]:
    return [(about(dense(columns)), about(limit)) for columns, limit in constraints]


def test_the_published_figures_hold() -> None:
    assert (DirectUseCut(0.5),) == DEFAULT_DIRECT_USE
    assert optimisation.OBJECTIVE_TOLERANCE == 1e-10
    assert optimisation.EXISTING_DISCOUNT == 1e-3
    assert optimisation.NOISE_SHARE == 1e-7
    assert PLAN_OBJECTIVES == {
        LEAST_COST: ("unmet", "cost"),
        ON_TARGET: ("unmet", "shortfall", "cost"),
        GREENEST: ("unmet", "non_renewable", "cost"),
        MOST_RELIABLE: ("unmet", "shortfall", "unreliable", "cost"),
    }
    assert (LEAST_COST, ON_TARGET, GREENEST, MOST_RELIABLE) == (
        "least_cost",
        "on_target",
        "greenest",
        "most_reliable",
    )


def year_rows(start: int, demand: float, required: float) -> list[tuple[dict[int, float], float]]:
    """The inequalities of a year without those about the year before."""
    sun, water, grid, spare, existing, stored, _, short, surplus = range(start, start + COLUMNS)
    return [
        (
            {sun: -1.0, water: -0.9, grid: -0.1, existing: -1.0, stored: 0.25, surplus: 1.0, short: -1.0},
            -required * demand,
        ),
        ({sun: 0.04, water: 0.08, grid: 0.10, spare: 0.12, existing: 0.10, stored: 0.05}, 70.0),
        ({sun: 1.0, stored: -1.0, surplus: -1.0}, 0.5 * demand),
        ({sun: -1.0, stored: 1.0, surplus: 1.0}, 0.0),
    ]


def growth(column: int, share: float) -> list[tuple[dict[int, float], float]]:
    """From the first to the second year, whose consumption is larger: nothing shrinks."""
    before = column - COLUMNS
    return [({column: 1.0, before: -1.0}, share * 1210), ({before: 1.0, column: -1.0}, 0.0)]


def test_the_inequalities_are_those_of_the_description() -> None:
    program = LinearProgram(GOALS, SOURCES)

    assert [(dense(columns), limit) for columns, limit in program.upper] == rows(
        [
            *year_rows(0, 1100.0, 0.4),
            ({0: 1.0}, 0.3 * 1100),
            ({1: 1.0}, 0.2 * 1100),
            ({5: 1.0}, 0.1 * 1100),
            *year_rows(9, 1210.0, 0.6),
            *growth(9, 0.3),
            *growth(10, 0.2),
            *growth(14, 0.1),
        ]
    )


def test_unsteady_sources_may_stand_anywhere() -> None:
    program = LinearProgram(GOALS, [WATER, SUN, STORE])
    # Water, sun, existing, stored, unmet, short and surplus: seven columns a year.
    assert [row for row in program.upper if set(row[0]) == {8, 10, 13}] == [
        ({8: 1.0, 10: -1.0, 13: -1.0}, about(605.0)),
        ({8: -1.0, 10: 1.0, 13: 1.0}, 0.0),
    ]


def test_energy_is_balanced_in_each_year() -> None:
    program = LinearProgram(GOALS, SOURCES)
    balance = {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: -0.25, 6: 1.0, 8: -1.0}

    assert [(dense(columns), limit) for columns, limit in program.equal] == rows(
        [(balance, 1100.0), ({column + 9: weight for column, weight in balance.items()}, 1210.0)]
    )


def test_amounts_have_their_bounds() -> None:
    def bounds(demand: float, existing: float) -> list[tuple[float, float | None]]:
        shares = [0.6, 0.5, 1.0, 0.8]
        known = [*(share * demand for share in shares), existing, 0.25 * demand]
        return [*((0.0, about(limit)) for limit in known), (0.0, None), (0.0, None), (0.0, None)]

    assert LinearProgram(GOALS, SOURCES).bounds == [*bounds(1100.0, 200.0), *bounds(1210.0, 200.0)]
    # What is renewable already, 900 kWh, is not more than is needed: 500 and 250.
    falling = replace(GOALS, growth=-0.5, current_share=0.9)
    assert LinearProgram(falling, SOURCES).bounds == [*bounds(500.0, 500.0), *bounds(250.0, 250.0)]


def test_what_stays_of_a_source_follows_a_falling_consumption() -> None:
    program = LinearProgram(replace(GOALS, growth=-0.5), [WATER])
    # Water, existing, stored, unmet, short, surplus: six columns a year. Half of the first year's stays.
    last = [(columns, limit) for columns, limit in program.upper][-2:]

    assert last == [({6: 1.0, 0: -1.0}, about(0.2 * 250)), ({0: 0.5, 6: -1.0}, 0.0)]


def test_objectives_weigh_the_columns_of_every_year() -> None:
    program = LinearProgram(GOALS, SOURCES)
    expected: dict[str, list[float]] = {
        "unmet": [0, 0, 0, 0, 0, 0, 1, 0, 0],
        "shortfall": [0, 0, 0, 0, 0, 0, 0, 1, 0],
        "cost": [0.04, 0.08, 0.10, 0.12, 0.0999, 0.05, 0, 0, 0],
        "non_renewable": [-1.0, -0.9, -0.1, 0, -1.0, 0.25, 0, 0, 1.0],
        "unreliable": [-0.78, -0.89, -0.99, -0.95, -0.99, -0.2, 0, 0, 0.78],  # stored: 0.98 - 0.78
    }

    assert program.objectives.keys() == expected.keys()
    for name, weights in expected.items():
        assert program.objectives[name].tolist() == about(weights * 2)


def test_without_storage_grid_or_sun_nothing_is_stored() -> None:
    program = LinearProgram(replace(GOALS, target_year=2027), [WATER])

    assert (program.grid_cost, program.grid_reliability, program.loss, program.storage) == (
        0.0,
        1.0,
        0.0,
        None,
    )
    assert program.upper[2:] == [({2: 1.0, 5: 1.0}, 0.0), ({0: 1.0}, about(220.0))]
    assert program.bounds[2] == (0.0, 0.0)
    assert program.objectives["unreliable"].tolist() == about([-0.89, -1.0, 0.0, 0.0, 0.0, 0.0])
    calm = LinearProgram(GOALS, [WATER, STORE])  # nothing unsteady: stored energy gains nothing
    assert calm.objectives["unreliable"].tolist()[2] == 0.0
    worse = LinearProgram(GOALS, [SUN, replace(STORE, reliability=0.5)])
    assert worse.objectives["unreliable"].tolist()[2] == 0.0
    both = LinearProgram(GOALS, [SUN, replace(SUN, reliability=0.9), STORE])
    assert both.objectives["unreliable"].tolist()[3] == about(-0.08)  # beside the better one


def test_the_cheapest_and_the_most_reliable_grid_count() -> None:
    program = LinearProgram(GOALS, [SPARE, GRID])

    assert (program.grid_cost, program.grid_reliability) == (0.10, 0.99)


SOLUTION = [
    *(300.0, 200.0, 250.0, 50.0, 200.0, 100.0, 125.0, 1e-7, 1e-7),
    *(400.0, 100.0, 300.0, 1e-7, 100.0, 200.0, 10.0, -1e-7, 0.0),
]


def test_a_year_is_read_off_the_solution() -> None:
    program = LinearProgram(GOALS, SOURCES)
    first, second = program._year(0, np.array(SOLUTION)), program._year(1, np.array(SOLUTION))

    green = 300 + 0.9 * 200 + 0.1 * 250 + 200 - 0.25 * 100  # 680
    trusted = 300 * 0.78 + 200 * 0.89 + 250 * 0.99 + 50 * 0.95 + 200 * 0.99 + 100 * 0.2
    assert first == Year(
        year=2027,
        demand_kwh=about(1100.0),
        energy_kwh={"sun": 300.0, "water": 200.0, "grid": 250.0, "spare": 50.0},
        existing_kwh=200.0,
        stored_kwh=100.0,
        unmet_kwh=125.0,
        renewable_share=about(green / 1100),
        wanted_share=about(0.4),
        shortfall_kwh=0.0,
        cost=about(300 * 0.04 + 200 * 0.08 + 250 * 0.10 + 50 * 0.12 + 200 * 0.10 + 100 * 0.05),
        reliability=about(trusted / 1000),
    )
    assert (second.year, second.wanted_share) == (2028, about(0.6))
    assert second.energy_kwh == {"sun": 400.0, "water": 100.0, "grid": 300.0, "spare": 0.0}  # noise goes
    green = 400 + 90 + 30 + 100 - 50  # 570 of the 726 that are wanted
    assert (second.shortfall_kwh, second.renewable_share) == about((156.0, 570 / 1210))


def test_noise_is_a_ten_millionth_of_the_consumption() -> None:
    program = LinearProgram(GOALS, SOURCES)  # 1,100 kWh in the first year
    small = LinearProgram(replace(GOALS, annual_kwh=1e-3), SOURCES)

    assert program._year(0, np.array([1.2e-4, -1.2e-4, 1.0e-4] + [0.0] * 15)).energy_kwh == {
        "sun": 1.2e-4,
        "water": -1.2e-4,
        "grid": 0.0,  # less than 1.1e-4
        "spare": 0.0,
    }
    found = small._year(0, np.array([1.2e-10, 1.0e-10] + [0.0] * 16)).energy_kwh
    assert found == {"sun": 1.2e-10, "water": 0.0, "grid": 0.0, "spare": 0.0}


def test_a_year_that_serves_nothing_has_no_share_and_no_reliability() -> None:
    program = LinearProgram(GOALS, SOURCES)
    empty = program._year(0, np.zeros(16))

    assert (empty.renewable_share, empty.reliability, empty.shortfall_kwh) == (0.0, 0.0, about(440.0))


def test_shares_are_at_most_one() -> None:
    program = LinearProgram(GOALS, [replace(SUN, reliability=1.0), replace(STORE, reliability=1.5)])
    found = program._year(0, np.array([2000.0, 0.0, 1000.0, 0.0, 0.0] + [0.0] * 5))

    assert (found.renewable_share, found.reliability) == (1.0, 1.0)


def test_constraints_become_a_matrix() -> None:
    matrix, limits = constraint_matrix([({0: 1.0, 2: -2.0}, 5.0), ({}, 0.0), ({1: 0.5}, -1.0)], 3)

    assert matrix.toarray().tolist() == [[1.0, 0.0, -2.0], [0.0, 0.0, 0.0], [0.0, 0.5, 0.0]]
    assert limits.tolist() == [5.0, 0.0, -1.0]


def test_a_program_without_a_solution_says_which() -> None:
    with pytest.raises(ArithmeticError, match=r"^on_target: "):
        LinearProgram(replace(GOALS, budget=-1.0), SOURCES).solve(ON_TARGET)


def test_objectives_are_met_one_after_the_other() -> None:
    # 1,000 kWh, 40 % wanted: water at 0.2 and grid at 0.1. Least cost takes no water, the target 400 of it,
    # the greenest all; with money for 600 kWh of grid and 200 of water, serving all comes first.
    goals = PlanGoals(1000.0, 0.0, 0.0, 0.4, 2027, 2027, 1000.0)
    dear = replace(WATER, cost_per_kwh=0.2, renewable_share=1.0, share_limit=1.0, yearly_growth=1.0)
    grid = replace(GRID, renewable_share=0.0)
    program = LinearProgram(goals, [dear, grid])

    def water(name: str) -> float:
        (year,) = program.solve(name)
        assert year.unmet_kwh == about(0.0, abs=1e-3)
        return year.energy_kwh["water"]

    assert water(LEAST_COST) == about(0.0, abs=0.01)
    assert water(ON_TARGET) == about(400.0, abs=0.01)
    assert water(GREENEST) == about(1000.0, abs=0.01)
    assert water(MOST_RELIABLE) == about(400.0, abs=0.01)
    # 120 of money: 800 kWh of grid and 200 of water serve all.
    (poor,) = LinearProgram(replace(goals, budget=120.0), [dear, grid]).solve(ON_TARGET)
    assert round_numbers(poor.energy_kwh) == {
        "water": about(200.0, abs=0.01),
        "grid": about(800.0, abs=0.01),
    }
    assert (poor.unmet_kwh, poor.shortfall_kwh) == about((0.0, 200.0), abs=0.01)


def test_existing_renewable_energy_is_preferred_to_the_grid_at_the_same_price() -> None:
    goals = PlanGoals(1000.0, 0.0, 0.3, 0.3, 2027, 2027, 1000.0)
    (year,) = LinearProgram(goals, [replace(GRID, renewable_share=0.0)]).solve(LEAST_COST)

    assert (year.existing_kwh, year.energy_kwh["grid"]) == about((300.0, 700.0), abs=0.01)


def inputs(**changes: Any) -> dict[str, Any]:
    profile = {
        "total_consumption_kwh": 1000.0,
        "current_renewable_percentage": 20.0,
        "renewable_percentage_increase": 30.0,
        "target_year": 2030,
        "budget": 70.0,
    }
    return {"profile": profile | changes, "consumption": {"trend_percent_per_year": 2.0}, "year": 2026}


def test_goals_are_those_of_the_profile() -> None:
    assert parse_goals(inputs()) == PlanGoals(1000.0, 0.02, 0.2, 0.5, 2027, 2030, 70.0)
    assert parse_goals(inputs(current_renewable_percentage=None)).current_share == 0.0
    assert parse_goals(inputs(current_renewable_percentage=None)).target_share == 0.3
    assert parse_goals(inputs(renewable_percentage_increase=None)).target_share == 0.2
    assert parse_goals(inputs(renewable_percentage_increase=90.0)).target_share == 1.0


@pytest.mark.parametrize(
    ("trend", "growth"), [(4.9, 0.049), (5.0, 0.05), (5.1, 0.05), (-5.1, -0.05), (-4.9, -0.049), (None, 0.0)]
)
def test_consumption_follows_its_trend_by_at_most_a_twentieth(trend: float | None, growth: float) -> None:
    found = parse_goals(inputs() | {"consumption": {"trend_percent_per_year": trend}})

    assert found.growth == about(growth)
    assert parse_goals(inputs() | {"consumption": None}).growth == 0.0


def test_goals_of_a_year_lie_on_a_straight_line() -> None:
    goals = replace(GOALS, target_year=2030)

    assert goals.years == [2027, 2028, 2029, 2030]
    assert [goals.required_share(place) for place in range(4)] == about([0.3, 0.4, 0.5, 0.6])
    assert [goals.demand(place) for place in range(3)] == about([1100.0, 1210.0, 1331.0])


def test_sources_are_those_of_the_inputs() -> None:
    row = {name: getattr(SUN, name) for name in SUN.__dataclass_fields__}

    assert parse_sources({"sources": [row, row | {"code": "sea"}]}) == [SUN, replace(SUN, code="sea")]


def test_numbers_are_rounded_to_six_places() -> None:
    value = {"a": [0.12345649, (1.0000004, 2)], "b": "text", "c": None, "d": {"e": -0.0000001}}

    assert round_numbers(value) == {"a": [0.123456, [1.0, 2]], "b": "text", "c": None, "d": {"e": 0.0}}
    assert str(round_numbers(-0.0)) == "0.0"
