"""Summary of past consumption: totals, seasons, trend, renewable share, anomalies and insights."""

from calendar import month_name, monthrange
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import fmean, median
from typing import Any

from pipelines.insights import anomalies
from pipelines.insights.meter_readings import Consumption, PeriodConsumption, read_consumption
from resolvers.insights.consumption_files.layout import Layout

DAYS_PER_YEAR = 365
MIN_COVERAGE = 0.9
"""Months and days with less coverage are ignored in seasons and trends."""
MAX_INSIGHTS = 5
MAX_ANOMALIES = 50
MIN_TREND_MONTHS = 24
MIN_TREND_PERCENT = 1.0
"""Percent per year below which consumption counts as steady."""


def read_and_summarize(path: Path, mime_type: str, layout: Layout) -> tuple[Consumption, dict[str, Any]]:
    """The consumption in a file and its summary; runs in a child process."""
    consumption = read_consumption(path, mime_type, layout)
    return consumption, summarize_consumption(consumption)


def summarize_consumption(consumption: Consumption) -> dict[str, Any]:
    """The summary as JSON; energies in kWh, shares in percent."""
    months, days = consumption.months, consumption.days
    periods = days or months
    anomalous = anomalies.daily_anomalies(days) if days else anomalies.monthly_anomalies(months)
    total = sum(month.kwh for month in months)
    renewable = renewable_percentage(months)
    summary: dict[str, Any] = {
        "first_on": periods[0].starts_on.isoformat(),
        "last_on": last_day(periods[-1], bool(days)).isoformat(),
        "step_minutes": consumption.step_minutes,
        "readings": consumption.readings,
        "coverage": round(fmean(period.coverage for period in periods), 4),
        "total_kwh": round(total, 3),
        "annual_kwh": round(annual_consumption(periods, bool(days)), 3),
        "renewable_percentage": None if renewable is None else round(renewable, 2),
        "seasonality": seasonality(months),
        "trend_percent_per_year": yearly_trend(months),
        "weekend_ratio": weekend_ratio(days),
        "profile": list(consumption.profile),
        "months": [
            {"starts_on": month.starts_on.isoformat(), "kwh": month.kwh, "coverage": month.coverage}
            for month in months
        ],
        "anomaly_count": len(anomalous),
        "anomalies": [
            {
                "starts_on": anomaly.starts_on.isoformat(),
                "period": "DAY" if days else "MONTH",
                "kwh": anomaly.kwh,
                "expected_kwh": anomaly.expected_kwh,
                "score": anomaly.score,
            }
            for anomaly in sorted(anomalous, key=lambda anomaly: (-abs(anomaly.score), anomaly.starts_on))[
                :MAX_ANOMALIES
            ]
        ],
        "issues": [
            {"kind": issue.kind, "count": issue.count, "example": issue.example}
            for issue in consumption.issues
        ],
    }
    summary["insights"] = describe_insights(summary)
    return summary


def last_day(period: PeriodConsumption, daily: bool) -> date:
    """The last day of a period."""
    first = period.starts_on
    return first if daily else first.replace(day=monthrange(first.year, first.month)[1])


def covered_days(period: PeriodConsumption, daily: bool) -> float:
    """The number of days of a period that readings cover."""
    days = 1 if daily else monthrange(period.starts_on.year, period.starts_on.month)[1]
    return days * period.coverage


def annual_consumption(periods: Sequence[PeriodConsumption], daily: bool) -> float:
    """The consumption of the last 365 days or 12 months, scaled up to full coverage."""
    last = periods[-(DAYS_PER_YEAR if daily else 12) :]
    covered = sum(covered_days(period, daily) for period in last)
    return DAYS_PER_YEAR * sum(period.kwh for period in last) / covered if covered else 0.0


def renewable_percentage(periods: Sequence[PeriodConsumption]) -> float | None:
    """The renewable share in percent, or None if it was not measured."""
    measured = [period for period in periods if period.renewable_kwh is not None]
    total = sum(period.kwh for period in measured)
    return min(100.0, 100 * sum(period.renewable_kwh or 0 for period in measured) / total) if total else None


def seasonality(months: Sequence[PeriodConsumption]) -> list[dict[str, Any]]:
    """For each month of the year, its mean daily consumption relative to that of all months."""
    means: dict[int, list[float]] = {}
    for month in months:
        if month.coverage >= MIN_COVERAGE:
            means.setdefault(month.starts_on.month, []).append(month.kwh / covered_days(month, False))
    if not means:
        return []
    overall = fmean(fmean(values) for values in means.values())
    if overall <= 0:
        return []
    return [
        {"month": number, "index": round(fmean(values) / overall, 4)}
        for number, values in sorted(means.items())
    ]


def yearly_trend(months: Sequence[PeriodConsumption]) -> float | None:
    """The growth of consumption in percent per year: the median over pairs of equal months.

    The seasonal Kendall slope: Hirsch, Slack and Smith, Water Resources Research 18 (1982).
    """
    complete = [month for month in months if month.coverage >= MIN_COVERAGE]
    if len(complete) < MIN_TREND_MONTHS:
        return None
    slopes = []
    for index, first in enumerate(complete):
        for second in complete[index + 1 :]:
            years = second.starts_on.year - first.starts_on.year
            if first.starts_on.month == second.starts_on.month and years > 0:
                change = second.kwh / covered_days(second, False) - first.kwh / covered_days(first, False)
                slopes.append(change / years)
    level = median(month.kwh / covered_days(month, False) for month in complete)
    return round(100 * median(slopes) / level, 2) if slopes and level > 0 else None


def weekend_ratio(days: Sequence[PeriodConsumption]) -> float | None:
    """The mean consumption of a weekend day relative to that of a weekday."""
    complete = [day for day in days if day.coverage >= MIN_COVERAGE]
    week = [day.kwh for day in complete if day.starts_on.weekday() < 5]
    weekend = [day.kwh for day in complete if day.starts_on.weekday() >= 5]
    return round(fmean(weekend) / fmean(week), 4) if week and weekend and fmean(week) > 0 else None


def describe_insights(summary: dict[str, Any]) -> list[str]:
    """At most five insights as sentences, the most important first."""
    sentences = []
    if (slope := summary["trend_percent_per_year"]) is not None:
        if abs(slope) < MIN_TREND_PERCENT:
            sentences.append("Consumption has been steady over the years.")
        else:
            verb = "grown" if slope > 0 else "fallen"
            sentences.append(f"Consumption has {verb} by {abs(slope):.1f} % a year.")
    if len(seasons := summary["seasonality"]) == 12:
        high = max(seasons, key=lambda season: season["index"])
        low = min(seasons, key=lambda season: season["index"])
        sentences.append(
            f"{month_name[high['month']]} takes {100 * (high['index'] - 1):.0f} % more than a mean month, "
            f"{month_name[low['month']]} {100 * (1 - low['index']):.0f} % less."
        )
    if summary["anomaly_count"]:
        worst = summary["anomalies"][0]
        kind = "day" if worst["period"] == "DAY" else "month"
        many = "s are" if summary["anomaly_count"] > 1 else " is"
        sentences.append(
            f"{summary['anomaly_count']} {kind}{many} out of line; the most striking, {worst['starts_on']}, "
            f"had {worst['kwh']:,.1f} kWh where {worst['expected_kwh']:,.1f} were to be expected."
        )
    if profile := summary["profile"]:
        peak, base = profile.index(max(profile)), min(profile)
        share = 100 * base / fmean(profile) if fmean(profile) > 0 else 0
        sentences.append(
            f"The peak of a mean day is at {peak}:00; the base load is {share:.0f} % of the mean load."
        )
    if (ratio := summary["weekend_ratio"]) is not None and abs(ratio - 1) >= 0.1:
        sentences.append(f"A day of the weekend takes {100 * ratio:.0f} % of a weekday's consumption.")
    if summary["coverage"] < MIN_COVERAGE:
        sentences.append(f"Readings are missing: {100 * summary['coverage']:.0f} % of the time is covered.")
    if (renewable := summary["renewable_percentage"]) is not None:
        sentences.append(f"{renewable:.1f} % of the consumption was renewable.")
    return sentences[:MAX_INSIGHTS]


def render_markdown(summary: dict[str, Any], filename: str) -> str:
    """The summary as a Markdown document for search and chat."""
    seasons = ", ".join(
        f"{month_name[int(season['month'])]} {season['index']:.2f}" for season in summary["seasonality"]
    )
    anomaly_lines = [
        f"- {anomaly['starts_on']}: {anomaly['kwh']:,.1f} kWh, expected {anomaly['expected_kwh']:,.1f} kWh"
        for anomaly in summary["anomalies"][:20]
    ]
    renewable = summary["renewable_percentage"]
    lines = [
        "# Historical energy consumption",
        f"This summarises the readings of {filename}, from {summary['first_on']} to {summary['last_on']}.",
        f"The total consumption was {summary['total_kwh']:,.0f} kWh; "
        f"a year's consumption is {summary['annual_kwh']:,.0f} kWh.",
        "" if renewable is None else f"The renewable share of the consumption was {renewable:.1f} %.",
        "## Insights",
        "\n".join(f"- {insight}" for insight in summary["insights"]),
        "## Seasons" if seasons else "",
        f"Consumption of the months beside a mean month: {seasons}." if seasons else "",
        f"## Anomalies\n\n{len(anomaly_lines)} of {summary['anomaly_count']} are listed."
        if anomaly_lines
        else "",
        "\n".join(anomaly_lines),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"
