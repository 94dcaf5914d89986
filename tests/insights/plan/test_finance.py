"""Investment appraisal beside numpy-financial and tables by hand."""

import random

import numpy_financial
import pytest

from pipelines.insights.plan import finance


@pytest.mark.parametrize("seed", range(20))
def test_values_and_rates_of_return_are_those_of_numpy_financial(seed: int) -> None:
    draw = random.Random(seed)
    flows = [-draw.uniform(1e2, 1e9)]
    flows += [draw.uniform(0, 0.4) * -flows[0] for _ in range(draw.randint(4, 30))]
    rate = draw.uniform(0.0, 0.3)

    assert finance.net_present_value(rate, flows) == pytest.approx(numpy_financial.npv(rate, flows), rel=1e-9)
    assert finance.internal_rate_of_return(flows) == pytest.approx(numpy_financial.irr(flows), rel=1e-9)


def test_flows_without_a_single_rate_of_return_have_none() -> None:
    assert finance.internal_rate_of_return([0.0, 0.0]) is None
    assert finance.internal_rate_of_return([10.0, 20.0]) is None
    assert finance.internal_rate_of_return([-10.0, -1.0]) is None
    # -100 + 230 v - 132 v^2 with v = 1 / (1 + r) is 0 at r = 10 % and at r = 20 %.
    assert finance.internal_rate_of_return([-100.0, 230.0, -132.0]) is None


def test_payback_is_reached_within_a_year_in_proportion() -> None:
    # 100 are paid back by 40 and 40, and by half of the next 40.
    assert finance.payback_years([-100.0, 40.0, 40.0, 40.0]) == pytest.approx(2.5)
    # At 10 %: 36.364 + 33.058 in two years, 30.053 in the third: not paid back; 27.321 in the fourth.
    assert finance.payback_years([-100.0, 40.0, 40.0, 40.0], 0.1) is None
    fourth = finance.payback_years([-100.0, 40.0, 40.0, 40.0, 40.0], 0.1)
    assert fourth == pytest.approx(3 + (100 - 99.4741) / 27.3205, abs=1e-4)
    # A replacement in the third year makes the sum negative once more.
    assert finance.payback_years([-100.0, 120.0, -50.0, 40.0]) == pytest.approx(2 + 30 / 40)
    assert finance.payback_years([0.0, 10.0]) == 0.0


def test_the_levelised_cost_is_that_of_the_table() -> None:
    # year   investment  cost  energy   factor at 5 %
    #   0       1000       -      -      1
    #   1          -      20   2000      0.952381
    #   2          -      20   1990      0.907029
    #   3          -      30   1980      0.863838   residual 100
    # costs 19.047619 + 18.140590 + 25.915128 = 63.103337; residual 86.383760
    # energy 1904.761905 + 1804.988662 + 1710.398445 = 5420.149012
    found = finance.levelised_cost(0.05, [1000.0], [20.0, 20.0, 30.0], [2000.0, 1990.0, 1980.0], 100.0)

    assert found == pytest.approx((1000 + 63.103337 - 86.383760) / 5420.149012, rel=1e-6)
    assert finance.levelised_cost(0.05, [1000.0], [], []) is None


def test_an_annuity_repays_what_was_invested() -> None:
    # 1000 at 6 % over 20 years: 87.1846 a year.
    assert 1000 * finance.annuity_factor(0.06, 20) == pytest.approx(87.1846, abs=1e-4)
    assert finance.annuity_factor(0.0, 20) == 0.05
