"""Investment appraisal of yearly cash flows: net present value, rate of return, payback and unit costs.

Flows stand at the ends of years, the first at the beginning of the first year.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

MIN_RATE, MAX_RATE = -0.99, 1e4
"""Between these, the internal rate of return is looked for."""
RATE_STEPS = 4000


def net_present_value(rate: float, flows: Sequence[float]) -> float:
    """The value of the flows at the beginning of the first year."""
    return float(sum(flow / (1 + rate) ** time for time, flow in enumerate(flows)))


def internal_rate_of_return(flows: Sequence[float]) -> float | None:
    """The rate at which the flows are worth nothing; None if there is none, or more than one."""
    scale = max((abs(flow) for flow in flows), default=0.0)
    if scale == 0 or not (min(flows) < 0 < max(flows)):
        return None
    scaled = [flow / scale for flow in flows]
    rates = np.expm1(np.linspace(np.log1p(MIN_RATE), np.log1p(MAX_RATE), RATE_STEPS))
    values = np.polynomial.polynomial.polyval(1 / (1 + rates), scaled)
    (changes,) = np.nonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    exact = [float(rate) for rate, value in zip(rates, values, strict=True) if value == 0]
    if len(changes) + len(exact) != 1:
        return None
    if exact:
        return exact[0]
    low, high = float(rates[changes[0]]), float(rates[changes[0] + 1])
    found: float = brentq(lambda rate: net_present_value(rate, scaled), low, high, xtol=1e-14, rtol=1e-14)
    return found


def payback_years(flows: Sequence[float], rate: float = 0.0) -> float | None:
    """The time from which the sum of discounted flows is not negative any more, in proportion within a year.

    It is 0 if they never are, and None if they are at the end.
    """
    total, totals = 0.0, []
    for time, flow in enumerate(flows):
        total += flow / (1 + rate) ** time
        totals.append(total)
    tolerance = 1e-9 * max((abs(value) for value in totals), default=0.0)
    negative = [time for time, value in enumerate(totals) if value < -tolerance]
    if not negative:
        return 0.0
    last = negative[-1]
    if last == len(totals) - 1:
        return None
    return last + totals[last] / (totals[last] - totals[last + 1])


def annuity_factor(rate: float, years: float) -> float:
    """The yearly payment at the end of each year that repays an amount of 1."""
    return 1 / years if rate == 0 else rate / (1 - (1 + rate) ** -years)


def levelised_cost(
    rate: float,
    investments: Sequence[float],
    costs: Sequence[float],
    energies: Sequence[float],
    residual: float = 0.0,
) -> float | None:
    """The price of a kWh at which it earns what it costs; None without energy.

    Investments are made at the beginning of a year, costs and energies count at its end, and the residual
    value comes back at the end of the last one.
    """
    energy = net_present_value(rate, [0.0, *energies])
    if energy <= 0:
        return None
    back = residual / (1 + rate) ** len(energies)
    spent = net_present_value(rate, investments) + net_present_value(rate, [0.0, *costs]) - back
    return spent / energy
