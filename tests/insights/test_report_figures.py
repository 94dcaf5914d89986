"""What reports reckon, against the same by hand; the arithmetic stands beside each case."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from pipelines.insights import anomalies, plan_scoring, proportional, report_steps
from pipelines.insights.consumption_summary import (
    annual_consumption,
    seasonality,
    summarize_consumption,
    yearly_trend,
)
from pipelines.insights.meter_readings import Consumption, PeriodConsumption
from pipelines.insights.optimisation import GREENEST, LEAST_COST, MOST_RELIABLE, ON_TARGET, LinearProgram
from pipelines.insights.plan_inputs import EnergySource, PlanGoals, round_numbers

SUN = EnergySource("sun", "Sun", "renewable", 0.04, 0.24, 0.78, 1.0, True, 1.0, 1.0, 1.0)
WATER = EnergySource("water", "Water", "renewable", 0.08, 0.47, 0.89, 1.0, False, 1.0, 1.0, 1.0)
GRID = EnergySource("grid", "Grid", "grid", 0.10, 1.0, 0.99, 0.0, False, 1.0, 1.0, 1.0)
STORE = EnergySource("store", "Store", "storage", 0.05, 1.0, 0.98, 0.0, False, 0.5, 1.0, 0.8)
AIMS = PlanGoals(1000.0, 0.0, 0.0, 0.4, 2027, 2027, 1000.0)
"""One year, 1,000 kWh, 40 % of it renewable, money enough."""


def test_the_score_is_forty_thirty_five_and_twenty_five_hundredths() -> None:
    # 0.40 * 0.78 + 0.35 * 0.24 + 0.25 * (1 - 0.04 / 0.10) = 0.312 + 0.084 + 0.15
    assert proportional.source_score(SUN) == pytest.approx(0.546)
    # dearer than 0.10: 0.40 * 0.89 + 0.35 * 0.47 + 0.25 * 0 = 0.356 + 0.1645
    assert proportional.source_score(replace(WATER, cost_per_kwh=0.3)) == pytest.approx(0.5205)


def test_shares_are_scores_over_their_sum_and_so_is_money() -> None:
    # water: 0.356 + 0.1645 + 0.25 * 0.2 = 0.5705; the sum with 0.546 is 1.1165; the grid has no share
    sun, water = proportional.portions([SUN, WATER, GRID], 1000.0)

    assert [sun.share, water.share] == pytest.approx([0.546 / 1.1165, 0.5705 / 1.1165])
    assert sun.annual_cost == pytest.approx(489.0282, abs=1e-4)
    assert sun.annual_cost + water.annual_cost == pytest.approx(1000.0)


def test_sustainability_is_the_share_beside_the_target_up_to_a_hundred() -> None:
    assert proportional.sustainability_score(15.0, 60.0) == 25.0  # 15 / 60 * 100
    assert proportional.sustainability_score(80.0, 60.0) == 100.0
    assert proportional.sustainability_score(0.0, 0.0) == 100.0


def test_the_proportional_roadmap_is_a_straight_line() -> None:
    # From 10 to 50 in four years: 10 more each year.
    line = proportional.linear_path(10.0, 50.0, 2027, 2030)

    assert line == [(2027, 20.0), (2028, 30.0), (2029, 40.0), (2030, 50.0)]


def test_the_cheapest_source_is_taken_as_far_as_it_comes_without_storage() -> None:
    # Sun is cheapest, but intermittent: half of 1,000 kWh directly. Then water at 0.08 for the rest.
    (year,) = LinearProgram(AIMS, [SUN, WATER, GRID]).solve(LEAST_COST)

    assert round_numbers(year.energy_kwh) == {"sun": 500.0, "water": 500.0, "grid": 0.0}
    assert year.cost == pytest.approx(500 * 0.04 + 500 * 0.08)  # 60
    assert year.renewable_share == pytest.approx(1.0)


def test_a_limit_of_a_source_is_kept() -> None:
    # Sun 30 % = 300, water 20 % = 200, the grid what is left: 500. 12 + 16 + 50 = 78.
    limited = [replace(SUN, share_limit=0.3), replace(WATER, share_limit=0.2), GRID]
    (year,) = LinearProgram(AIMS, limited).solve(ON_TARGET)

    assert round_numbers(year.energy_kwh) == {"sun": 300.0, "water": 200.0, "grid": 500.0}
    assert year.cost == pytest.approx(78.0)
    assert [year.renewable_share, year.shortfall_kwh] == pytest.approx([0.5, 0.0])


def test_a_target_that_cannot_be_reached_is_missed_by_what_is_lacking() -> None:
    # Only 250 of the 400 kWh that are wanted can be renewable: 150 are lacking.
    (year,) = LinearProgram(AIMS, [replace(WATER, share_limit=0.25), GRID]).solve(ON_TARGET)

    assert year.shortfall_kwh == pytest.approx(150.0, abs=1e-3)
    assert year.renewable_share == pytest.approx(0.25)
    assert year.unmet_kwh == pytest.approx(0.0, abs=1e-3)


def test_a_budget_that_is_too_small_leaves_energy_unmet_first_where_it_is_dearest() -> None:
    # 60 of money buys 600 kWh of the grid at 0.10; sun up to 500 costs 20, which leaves 40 for 400 more.
    (poor,) = LinearProgram(replace(AIMS, budget=60.0), [GRID]).solve(ON_TARGET)
    (year,) = LinearProgram(replace(AIMS, budget=60.0), [SUN, GRID]).solve(ON_TARGET)

    assert poor.unmet_kwh == pytest.approx(400.0, abs=1e-3)
    assert year.unmet_kwh == pytest.approx(100.0, abs=1e-3)  # 1,000 - 500 - 400
    assert year.cost == pytest.approx(60.0, abs=1e-4)


def test_storage_lets_more_of_the_sun_in_and_loses_a_part() -> None:
    # x of sun, t through the store: x - t <= 500 and x - 0.2 t = 1,000 give t = 625, beyond the limit of 500.
    # So t = 500 and x = 1,000: 100 are lost in the store, 900 arrive, 100 come from the grid.
    (year,) = LinearProgram(AIMS, [SUN, GRID, STORE]).solve(GREENEST)

    assert year.stored_kwh == pytest.approx(500.0, abs=1e-2)
    assert round_numbers(year.energy_kwh)["sun"] == pytest.approx(1000.0, abs=1e-2)
    assert round_numbers(year.energy_kwh)["grid"] == pytest.approx(100.0, abs=1e-2)
    assert year.renewable_share == pytest.approx(0.9, abs=1e-4)
    assert year.cost == pytest.approx(1000 * 0.04 + 100 * 0.10 + 500 * 0.05, abs=1e-2)  # 75


def test_sources_grow_by_so_much_a_year_and_stay() -> None:
    # Water grows by 10 % of 1,000 kWh a year: 100, 200, 300; 40 % are wanted in the third year.
    aims = replace(AIMS, target_year=2029)
    slow = replace(WATER, yearly_growth=0.1)
    years = LinearProgram(aims, [slow, GRID]).solve(ON_TARGET)

    assert [round(year.energy_kwh["water"], 3) for year in years] == [100.0, 200.0, 300.0]
    # a third, two thirds and all of 400: 133.3, 266.7, 400 less what there is
    assert [round(year.shortfall_kwh, 1) for year in years] == [33.3, 66.7, 100.0]


def test_what_is_renewable_already_counts_and_costs_what_the_grid_costs() -> None:
    # 20 % now, 40 % wanted in two years: 30 % and 40 %. Least cost without sun: 200 already, 800 of the grid.
    aims = replace(AIMS, current_share=0.2, target_year=2028)
    first, second = LinearProgram(aims, [GRID]).solve(ON_TARGET)

    assert [first.existing_kwh, first.energy_kwh["grid"]] == pytest.approx([200.0, 800.0])
    assert first.cost == pytest.approx(100.0)
    assert (round(first.shortfall_kwh, 3), round(second.shortfall_kwh, 3)) == (100.0, 200.0)


def test_the_most_reliable_plan_takes_no_more_sun_than_is_wanted() -> None:
    # 400 kWh are wanted; water (0.89) is more reliable than sun (0.78), the grid (0.99) than both.
    (year,) = LinearProgram(AIMS, [SUN, WATER, GRID]).solve(MOST_RELIABLE)

    assert year.energy_kwh["water"] == pytest.approx(400.0, abs=0.1)
    assert year.reliability == pytest.approx((400 * 0.89 + 600 * 0.99) / 1000, abs=1e-4)  # 0.95


def test_the_decision_is_the_weighted_mean_and_turns_where_the_scores_are_equal() -> None:
    weights = {"energy_mix": 0.4, "price_optimization": 0.35, "portfolio_decision": 0.25}
    green = {"energy_mix": 1.0, "price_optimization": 0.6, "portfolio_decision": 0.8}
    cheap = {"energy_mix": 0.5, "price_optimization": 1.0, "portfolio_decision": 0.8}

    # 0.4 + 0.21 + 0.2 = 0.81 against 0.2 + 0.35 + 0.2 = 0.75
    assert plan_scoring.weighted_score(green, weights) == pytest.approx(0.81)
    assert plan_scoring.weighted_score(cheap, weights) == pytest.approx(0.75)
    # Of the price w, the others as 0.4 : 0.25. Green leads there by (0.4 * 0.5 + 0.25 * 0) / 0.65 = 0.30769,
    # and lags in price by 0.4: 0.30769 (1 - w) = 0.4 w, w = 0.30769 / 0.70769.
    level = plan_scoring.break_even_weight(green, cheap, weights, "price_optimization")
    assert level == pytest.approx(0.434783, abs=1e-6)
    assert plan_scoring.break_even_weight(green, green, weights, "energy_mix") is None


def test_confidence_is_three_three_and_four_tenths() -> None:
    parts = {"availability": 0.8, "optimisation": 0.5, "portfolio": 0.9}

    assert report_steps.weighted_confidence(parts) == pytest.approx(0.24 + 0.15 + 0.36)  # 0.75


def test_a_modified_z_is_the_distance_in_robust_deviations() -> None:
    # Median 11, deviations 1 1 0 1 2, their median 1: 0.6745 * (20 - 11) / 1
    assert anomalies.modified_z(20.0, [10, 12, 11, 10, 13]) == pytest.approx(6.0705)
    # Median 5, deviations 0 0 0 0 5: the median is 0, the mean 1: (12 - 5) / 1.253314
    assert anomalies.modified_z(12.0, [5, 5, 5, 5, 10]) == pytest.approx(5.585193, abs=1e-6)
    assert anomalies.modified_z(12.0, [5, 5, 5]) == 0.0


def readings(values: list[float]) -> list[PeriodConsumption]:
    """Days from the first of January 2024."""
    first = date(2024, 1, 1)
    return [
        PeriodConsumption(first + timedelta(days=place), kwh, None, 1.0) for place, kwh in enumerate(values)
    ]


def test_a_weekday_is_compared_with_its_own_kind() -> None:
    # Weekends take 5 and weekdays 20: no day is out of line but the Monday that takes 60.
    values = [5.0 + place % 3 if place % 7 > 4 else 20.0 + place % 3 for place in range(84)]
    values[42] = 60.0  # a Monday; the other Mondays within eight weeks take 20, 21 or 22

    (found,) = anomalies.daily_anomalies(readings(values))

    assert (found.starts_on, found.kwh, found.expected_kwh) == (date(2024, 2, 12), 60.0, 21.0)
    # the eleven others are 20 21 22 20 21 22 | 21 22 20 21 22: deviations' median 1, 0.6745 * 39 / 1
    assert found.score == pytest.approx(26.3055, abs=1e-3)


def test_a_year_is_the_last_twelve_months_scaled_up_by_what_they_cover() -> None:
    # 100 days of 10 kWh: 365 * 1,000 / 100
    assert annual_consumption(readings([10.0] * 100), True) == pytest.approx(3650.0)


def months(values: list[float]) -> list[PeriodConsumption]:
    """Whole months from January 2022."""
    return [
        PeriodConsumption(date(2022 + place // 12, place % 12 + 1, 1), kwh, None, 1.0)
        for place, kwh in enumerate(values)
    ]


def test_seasons_are_mean_days_beside_all_and_the_trend_is_the_median_slope() -> None:
    # Every day of the first year takes 10 kWh, of the second 12: 2 more, of a level of 11 in the median.
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    found = months([10.0 * each for each in days] + [12.0 * each for each in days])

    assert {each["index"] for each in seasonality(found)} == {1.0}
    assert yearly_trend(found) == pytest.approx(100 * 2 / 11, abs=0.005)
    assert yearly_trend(found[:23]) is None


def test_a_report_on_nothing_odd_says_little() -> None:
    flat = readings([10.0] * 60)
    summary = summarize_consumption(Consumption(1440.0, 60, tuple(flat), tuple(months([310.0, 280.0])), ()))

    assert (summary["total_kwh"], summary["anomaly_count"], summary["insights"]) == (590.0, 0, [])
