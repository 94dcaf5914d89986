"""Scores of energy plans, and what would change the decision, by hand."""

from dataclasses import replace
from typing import Any

import pytest

from pipelines.insights import plan_scoring, proportional
from pipelines.insights.optimisation import PLAN_OBJECTIVES, Year
from pipelines.insights.plan import assumptions
from pipelines.insights.plan_inputs import EnergySource, PlanGoals
from pipelines.insights.plan_scoring import (
    break_even_weight,
    break_even_weights,
    rank_plans,
    score_plan,
    unit_cost,
    weighted_score,
)

about: Any = pytest.approx
WEIGHTS = {"energy_mix": 0.4, "price_optimization": 0.35, "portfolio_decision": 0.25}
GOALS = PlanGoals(1000.0, 0.0, 0.0, 0.4, 2027, 2027, 1000.0)
GRID = EnergySource("grid", "Grid", "grid", 0.10, 1.0, 0.99, 0.0, False, 1.0, 1.0, 1.0)
WATER = EnergySource("water", "Water", "renewable", 0.20, 0.5, 0.5, 1.0, False, 1.0, 1.0, 1.0)


def year(**changes: Any) -> Year:
    defaults: dict[str, Any] = {
        "year": 2027,
        "demand_kwh": 1000.0,
        "energy_kwh": {},
        "existing_kwh": 0.0,
        "stored_kwh": 0.0,
        "unmet_kwh": 0.0,
        "renewable_share": 0.3,
        "wanted_share": 0.4,
        "shortfall_kwh": 0.0,
        "cost": 100.0,
        "reliability": 0.9,
    }
    return Year(**(defaults | changes))


def test_the_published_figures_hold() -> None:
    assert plan_scoring.ON_TRACK_TOLERANCE == 1e-4
    assert (assumptions.COST_CHANGE, assumptions.BUDGET_CHANGE, assumptions.DEMAND_CHANGE) == (0.2, 0.2, 0.1)
    assert plan_scoring.MAX_BREAK_EVEN_WEIGHT == 0.995
    assert plan_scoring.CRITERIA == ("energy_mix", "price_optimization", "portfolio_decision")
    assert (proportional.RELIABILITY_WEIGHT, proportional.CAPACITY_WEIGHT) == (0.40, 0.35)
    assert (proportional.COST_WEIGHT, proportional.MAX_COST_PER_KWH) == (0.25, 0.10)


def test_a_plan_is_scored_by_its_mix_its_price_and_its_years() -> None:
    years = [
        year(unmet_kwh=200.0, cost=80.0, reliability=0.8, shortfall_kwh=0.1),  # a ten-thousandth: on track
        year(year=2028, demand_kwh=2000.0, unmet_kwh=400.0, cost=160.0, shortfall_kwh=0.21),
    ]
    plan = score_plan("greenest", years, GOALS, WEIGHTS, 0.05)

    assert (plan.name, plan.years, plan.years_on_track) == ("greenest", years, 1)
    assert (plan.renewable_share, plan.total_cost, plan.unit_cost) == (0.3, 240.0, 0.1)
    assert (plan.served_share, plan.reliability) == about((0.8, 0.85))
    assert plan.criteria == {
        "energy_mix": about(0.75),  # 0.3 of 0.4
        "price_optimization": 0.5,  # 0.05 of 0.10
        "portfolio_decision": about(0.34),  # 0.8 x 0.85 x 1 / 2
    }
    assert plan.score == about(0.4 * 0.75 + 0.35 * 0.5 + 0.25 * 0.34)


def test_a_mix_beyond_the_target_counts_as_the_target() -> None:
    def mix(share: float, target: float) -> float:
        goals = replace(GOALS, target_share=target)
        return score_plan("greenest", [year(renewable_share=share)], goals, WEIGHTS, 0.1).criteria[
            "energy_mix"
        ]

    assert (mix(0.6, 0.4), mix(0.4, 0.4), mix(0.0, 0.0), mix(0.0, 0.4)) == (1.0, 1.0, 1.0, 0.0)


def test_a_plan_that_costs_nothing_has_no_price() -> None:
    free = score_plan("greenest", [year(cost=0.0)], GOALS, WEIGHTS, 0.1)

    assert (free.unit_cost, free.criteria["price_optimization"]) == (0.0, 0.0)


def test_the_last_year_is_the_one_that_counts() -> None:
    years = [year(renewable_share=0.1), year(renewable_share=0.2)]

    assert score_plan("greenest", years, GOALS, WEIGHTS, 0.1).renewable_share == 0.2


def test_the_unit_cost_is_that_of_served_energy() -> None:
    assert unit_cost([year(unmet_kwh=500.0), year(cost=50.0)]) == about(0.1)
    assert unit_cost([year(unmet_kwh=1000.0)]) == 0.0
    assert unit_cost([year(cost=0.5, demand_kwh=1.0, unmet_kwh=0.0)]) == 0.5


def test_weights_need_not_sum_to_one() -> None:
    criteria = {"energy_mix": 1.0, "price_optimization": 0.5, "portfolio_decision": 0.0}

    assert weighted_score(criteria, {name: 10 * weight for name, weight in WEIGHTS.items()}) == about(0.575)


def criteria(mix: float, price: float, portfolio: float) -> dict[str, float]:
    return {"energy_mix": mix, "price_optimization": price, "portfolio_decision": portfolio}


@pytest.mark.parametrize(
    ("best", "other", "weights", "criterion", "weight"),
    [
        # Leads by 0.2 in the mix, by -0.3 in the rest (0.35 x -0.3 and 0.25 x -0.3 over 0.6): 0.3 / 0.5
        (criteria(0.7, 0.2, 0.2), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", 0.6),
        (criteria(0.7, 0.2, 0.6), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", 0.4),  # rest -0.08 / 0.6
        (criteria(0.7, 0.5, 0.5), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", 0.0),
        (criteria(0.5, 0.6, 0.6), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", 1.0),
        (criteria(0.7, 0.6, 0.6), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", None),  # leads in all: -1
        (criteria(0.6, 0.7, 0.7), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", None),  # 2
        (criteria(0.6, 0.6, 0.6), criteria(0.5, 0.5, 0.5), WEIGHTS, "energy_mix", None),  # never
        # The rest has no weight: its mean, (0.1 - 0.5) / 2 = -0.2, counts. 0.2 / 0.4
        (criteria(0.7, 0.6, 0.0), criteria(0.5, 0.5, 0.5), criteria(1, 0, 0), "energy_mix", 0.5),
    ],
)
def test_a_decision_turns_where_the_scores_are_equal(
    best: dict[str, float],
    other: dict[str, float],
    weights: dict[str, float],
    criterion: str,
    weight: float | None,
) -> None:
    found = break_even_weight(best, other, weights, criterion)

    assert found is None if weight is None else found == about(weight, abs=1e-12)
    if weight is not None and 0 < weight < 1:
        rest = [name for name in WEIGHTS if name != criterion]
        total = sum(weights[name] for name in rest)
        parts = {name: weights[name] / total if total else 1 / len(rest) for name in rest}
        even = {criterion: weight, **{name: (1 - weight) * part for name, part in parts.items()}}
        assert weighted_score(best, even) == about(weighted_score(other, even))


def test_plans_are_ranked_by_score_and_equal_ones_in_their_order() -> None:
    # Only the grid: all four plans are the same.
    ranked = rank_plans(GOALS, [GRID], WEIGHTS)

    assert [plan.name for plan in ranked] == list(PLAN_OBJECTIVES)
    assert [plan.score for plan in ranked] == about([0.35 * 1 + 0.25 * 0.0] * 4, abs=1e-6)


def test_the_price_is_that_of_the_cheapest_plan_beside_the_plans() -> None:
    # Least cost: grid alone at 0.10. On target and most reliable: 400 of water at 0.20, together 0.14 a kWh.
    # The greenest: water alone.
    ranked = {plan.name: plan for plan in rank_plans(GOALS, [GRID, WATER], WEIGHTS)}

    prices = {name: plan.criteria["price_optimization"] for name, plan in ranked.items()}
    assert prices == about(
        {"least_cost": 1.0, "on_target": 0.1 / 0.14, "greenest": 0.5, "most_reliable": 0.1 / 0.14}, abs=1e-4
    )
    assert {name: plan.criteria["energy_mix"] for name, plan in ranked.items()} == about(
        {"least_cost": 0.0, "on_target": 1.0, "greenest": 1.0, "most_reliable": 1.0}, abs=1e-4
    )
    # 0.4 + 0.35 x 0.7143 + 0.25 x (0.4 x 0.5 + 0.6 x 0.99); the two are equal, the first in order is first
    assert list(ranked)[:2] == ["on_target", "most_reliable"]
    assert ranked["on_target"].score == about(0.4 + 0.25 + 0.25 * 0.794, abs=1e-4)


def test_the_weights_at_which_the_decision_turns_are_listed() -> None:
    # Beside least cost: leads by 1 in the mix, lags by 0.2857 in the price, leads by 0.794 in the portfolio.
    ranked = rank_plans(GOALS, [GRID, WATER], WEIGHTS)
    levels = {
        (row["criterion"], row["decision"]): row["weight"] for row in break_even_weights(ranked, WEIGHTS)
    }

    rest = (0.4 * 1 + 0.25 * 0.794) / 0.65
    price = 1 - 0.1 / 0.14
    assert levels["price_optimization", "least_cost"] == about(rest / (rest + price), abs=1e-3)
    assert ("energy_mix", "greenest") not in levels


def source(code: str, reliability: float, capacity: float, cost: float) -> EnergySource:
    return replace(WATER, code=code, reliability=reliability, capacity_factor=capacity, cost_per_kwh=cost)


def test_proportional_shares_are_of_renewable_sources_by_their_scores() -> None:
    sun, free, dear = (
        source("sun", 0.5, 0.4, 0.05),
        source("free", 1.0, 1.0, 0.0),
        source("dear", 0.5, 0.4, 0.3),
    )
    store = replace(sun, code="store", kind="storage")

    assert proportional.source_score(sun) == about(0.2 + 0.14 + 0.125)
    assert proportional.source_score(free) == about(1.0)
    assert proportional.source_score(dear) == about(0.34)
    assert proportional.source_score(replace(dear, cost_per_kwh=0.10)) == about(0.34)
    found = proportional.portions([sun, GRID, store, free], 293.0)
    assert [(part.code, part.score, part.share, part.annual_cost) for part in found] == [
        ("sun", about(0.465), about(0.465 / 1.465), about(93.0)),
        ("free", about(1.0), about(1 / 1.465), about(200.0)),
    ]


@pytest.mark.parametrize(
    ("renewable", "target", "score"),
    [
        (15.0, 60.0, 25.0),
        (60.0, 60.0, 100.0),
        (61.0, 60.0, 100.0),
        (0.5, 0.0, 100.0),
        (0.5, 1.0, 50.0),
        (5.0, -1.0, 100.0),
    ],
)
def test_sustainability_is_a_share_of_the_target(renewable: float, target: float, score: float) -> None:
    assert proportional.sustainability_score(renewable, target) == about(score)


def test_a_path_has_one_step_a_year() -> None:
    assert proportional.linear_path(10.0, 40.0, 2027, 2029) == [(2027, 20.0), (2028, 30.0), (2029, 40.0)]
    assert proportional.linear_path(10.0, 40.0, 2027, 2027) == [(2027, 40.0)]
    assert proportional.linear_path(10.0, 40.0, 2027, 2026) == []
