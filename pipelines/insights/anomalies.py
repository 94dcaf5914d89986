"""Anomaly detection: days and months whose consumption deviates from comparable periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median

from pipelines.insights.meter_readings import PeriodConsumption

WINDOW_WEEKS = 8
"""A day is compared with the same weekday of this many weeks before and after."""
OUTLIER_THRESHOLD = 3.5
MIN_DEVIATION = 0.1
"""The least deviation, as a share of the expected consumption."""
MIN_NEIGHBOURS = 5
MIN_COVERAGE = 0.9
MAX_POOLED_YEARS = 4
"""With more years, a month is compared with the same month of other years only."""


@dataclass(frozen=True)
class Anomaly:
    """An anomalous day or month. `score` is its signed deviation in robust standard deviations."""

    starts_on: date
    kwh: float
    expected_kwh: float
    score: float


def modified_z(value: float, neighbours: Sequence[float]) -> float:
    """0.6745 (value - median) / MAD; where over half are equal, (value - median) / (1.2533 mean deviation).

    Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993); values from 3.5 are outliers.
    """
    middle = median(neighbours)
    deviations = [abs(neighbour - middle) for neighbour in neighbours]
    spread = median(deviations)
    if spread > 0:
        return 0.6745 * (value - middle) / spread
    mean = fmean(deviations)
    return (value - middle) / (1.253314 * mean) if mean > 0 else 0.0


def daily_anomalies(days: Sequence[PeriodConsumption]) -> list[Anomaly]:
    """Each day against the same weekday of the weeks around it: a Hampel filter for every weekday.

    Davies and Gather, The Identification of Multiple Outliers (1993). Seasons and trends are slower than the
    window of seventeen weeks and cancel out, so that no model has to be fitted.
    """
    complete = [day for day in days if day.coverage >= MIN_COVERAGE]
    by_weekday: dict[int, list[PeriodConsumption]] = {}
    for day in complete:
        by_weekday.setdefault(day.starts_on.weekday(), []).append(day)
    anomalies = []
    for same in by_weekday.values():
        for index, day in enumerate(same):
            window = same[max(0, index - WINDOW_WEEKS) : index + WINDOW_WEEKS + 1]
            neighbours = [
                other.kwh
                for other in window
                if abs((other.starts_on - day.starts_on).days) <= 7 * WINDOW_WEEKS and other is not day
            ]
            anomalies += detect_anomaly(day, neighbours)
    return sorted(anomalies, key=lambda anomaly: anomaly.starts_on)


def monthly_anomalies(months: Sequence[PeriodConsumption]) -> list[Anomaly]:
    """Each month against the same month of other years, or against all months if there are few years."""
    complete = [month for month in months if month.coverage >= MIN_COVERAGE]
    years = {month.starts_on.year for month in complete}
    anomalies = []
    for month in complete:
        same = [
            other
            for other in complete
            if other is not month
            and (len(years) <= MAX_POOLED_YEARS or other.starts_on.month == month.starts_on.month)
        ]
        anomalies += detect_anomaly(month, [other.kwh for other in same])
    return anomalies


def detect_anomaly(period: PeriodConsumption, neighbours: Sequence[float]) -> list[Anomaly]:
    """The anomaly of a period beside its neighbours: a list of one, or empty."""
    if len(neighbours) < MIN_NEIGHBOURS:
        return []
    score, expected = modified_z(period.kwh, neighbours), median(neighbours)
    if abs(score) < OUTLIER_THRESHOLD or abs(period.kwh - expected) < MIN_DEVIATION * expected:
        return []
    return [Anomaly(period.starts_on, period.kwh, round(expected, 6), round(score, 3))]
