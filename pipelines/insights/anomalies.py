"""Days and months whose consumption is out of line with its neighbours in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median

from pipelines.insights.meter_readings import Reading

WEEKS = 8
"""A day is compared with the same weekday of so many weeks before and after."""
THRESHOLD = 3.5
LEAST_DEVIATION = 0.1
"""The share of what is expected that a reading has to be off, however regular the others are."""
LEAST_NEIGHBOURS = 5
LEAST_COVERAGE = 0.9
YEARS_OF_MONTHS = 4
"""From so many years on, a month is compared with the same month of other years only."""


@dataclass(frozen=True)
class Anomaly:
    """A day or month out of line. `score` is how many robust standard deviations it is off, with its sign."""

    starts_on: date
    kwh: float
    expected_kwh: float
    score: float


def modified_z(value: float, neighbours: Sequence[float]) -> float:
    """0.6745 (value - median) / MAD; where over half are equal, (value - median) / (1.2533 mean deviation).

    Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993); from 3.5 on they call a value an outlier.
    """
    middle = median(neighbours)
    deviations = [abs(each - middle) for each in neighbours]
    spread = median(deviations)
    if spread > 0:
        return 0.6745 * (value - middle) / spread
    mean = fmean(deviations)
    return (value - middle) / (1.253314 * mean) if mean > 0 else 0.0


def daily(days: Sequence[Reading]) -> list[Anomaly]:
    """Each day against the same weekday of the weeks around it: a Hampel filter for every weekday.

    Davies and Gather, The Identification of Multiple Outliers (1993). Seasons and trends move slower than the
    window of seventeen weeks and cancel out, so that nothing has to be fitted.
    """
    whole = [day for day in days if day.coverage >= LEAST_COVERAGE]
    by_weekday: dict[int, list[Reading]] = {}
    for day in whole:
        by_weekday.setdefault(day.starts_on.weekday(), []).append(day)
    found = []
    for same in by_weekday.values():
        for place, day in enumerate(same):
            around = same[max(0, place - WEEKS) : place + WEEKS + 1]
            near = [
                other.kwh
                for other in around
                if abs((other.starts_on - day.starts_on).days) <= 7 * WEEKS and other is not day
            ]
            found += judged(day, near)
    return sorted(found, key=lambda anomaly: anomaly.starts_on)


def monthly(months: Sequence[Reading]) -> list[Anomaly]:
    """Each month's mean day against the same month of the other years, or all months while years are few."""
    whole = [month for month in months if month.coverage >= LEAST_COVERAGE]
    years = {month.starts_on.year for month in whole}
    found = []
    for month in whole:
        same = [
            other
            for other in whole
            if other is not month
            and (len(years) <= YEARS_OF_MONTHS or other.starts_on.month == month.starts_on.month)
        ]
        found += judged(month, [other.kwh for other in same])
    return found


def judged(reading: Reading, near: Sequence[float]) -> list[Anomaly]:
    """The anomaly that a reading is, if it is one beside these."""
    if len(near) < LEAST_NEIGHBOURS:
        return []
    score, expected = modified_z(reading.kwh, near), median(near)
    if abs(score) < THRESHOLD or abs(reading.kwh - expected) < LEAST_DEVIATION * expected:
        return []
    return [Anomaly(reading.starts_on, reading.kwh, round(expected, 6), round(score, 3))]
