"""Consumption by days and months, from the intervals of a file."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from core.errors import UnsupportedContent
from resolvers.insights.consumption_files.energy import DAY_MINUTES, Energy, Issue
from resolvers.insights.consumption_files.inference import read_energy
from resolvers.insights.consumption_files.layout import Layout

MAX_READINGS = 6_000_000


@dataclass(frozen=True)
class PeriodConsumption:
    """The consumption of a day or month; `coverage` is the share of it with readings."""

    starts_on: date
    kwh: float
    renewable_kwh: float | None
    coverage: float


@dataclass(frozen=True)
class Consumption:
    """The consumption in a file. `profile` is the mean kWh by hour of the day, empty for coarser data."""

    step_minutes: float
    readings: int
    days: tuple[PeriodConsumption, ...]
    months: tuple[PeriodConsumption, ...]
    profile: tuple[float, ...]
    issues: tuple[Issue, ...] = field(default=())


def read_consumption(path: Path, mime_type: str, layout: Layout) -> Consumption:
    """Read a file; runs in a child process. Raises `Invalid` if it has no usable readings."""
    energy = read_energy(path, mime_type, layout)
    if energy.rows > MAX_READINGS:
        message = f"The file must have at most {MAX_READINGS:,} readings (got {energy.rows:,})."
        raise UnsupportedContent(message)
    return summarize_intervals(energy)


def summarize_intervals(energy: Energy) -> Consumption:
    """The consumption of each day and month of the intervals."""
    fine = energy.step_minutes <= DAY_MINUTES
    return Consumption(
        step_minutes=energy.step_minutes,
        readings=energy.intervals.height,
        days=sum_short(energy.intervals, "1d") if fine else (),
        months=sum_short(energy.intervals, "1mo") if fine else spread_over_months(energy.intervals),
        profile=hourly_profile(energy),
        issues=energy.issues,
    )


def sum_short(intervals: pl.DataFrame, period: str) -> tuple[PeriodConsumption, ...]:
    """The consumption by days (`1d`) or months (`1mo`) of intervals of at most a day, by their start."""
    minutes = (pl.col("end") - pl.col("start")).dt.total_seconds() / 60
    summed = (
        intervals.sort("start")
        .group_by_dynamic("start", every=period)
        .agg(
            pl.col("kwh").sum(),
            pl.when(pl.col("renewable").count() > 0).then(pl.col("renewable").sum()).alias("renewable"),
            minutes.sum().alias("minutes"),
        )
    )
    length = pl.lit(1.0) if period == "1d" else pl.col("start").dt.days_in_month().cast(pl.Float64)
    covered = (pl.col("minutes") / (length * DAY_MINUTES)).clip(0, 1).round(4)
    return tuple(
        PeriodConsumption(
            row["start"].date(), round(row["kwh"], 6), round_kwh(row["renewable"]), row["coverage"]
        )
        for row in summed.with_columns(covered.alias("coverage")).iter_rows(named=True)
    )


def spread_over_months(intervals: pl.DataFrame) -> tuple[PeriodConsumption, ...]:
    """The consumption by months of intervals longer than a day: each month gets its share of their time."""
    kwh: dict[date, float] = defaultdict(float)
    renewable: dict[date, float] = defaultdict(float)
    covered: dict[date, float] = defaultdict(float)
    for row in intervals.iter_rows(named=True):
        length = (row["end"] - row["start"]).total_seconds()
        begin = row["start"]
        while begin < row["end"]:
            month = begin.date().replace(day=1)
            end = min(row["end"], datetime.combine(following_month(month), datetime.min.time()))
            share = (end - begin).total_seconds() / length
            kwh[month] += row["kwh"] * share
            covered[month] += (end - begin).total_seconds()
            if row["renewable"] is not None:
                renewable[month] += row["renewable"] * share
            begin = end
    return tuple(
        PeriodConsumption(
            month,
            round(kwh[month], 6),
            round_kwh(renewable.get(month)),
            round(min(1.0, covered[month] / (following_month(month) - month).total_seconds()), 4),
        )
        for month in sorted(kwh)
    )


def following_month(first: date) -> date:
    """The first day of the next month."""
    return (first + timedelta(days=31)).replace(day=1)


def hourly_profile(energy: Energy) -> tuple[float, ...]:
    """The mean energy of each hour of the day, if readings are at most an hour apart."""
    if energy.step_minutes > 60:
        return ()
    hourly = (
        energy.intervals.group_by(pl.col("start").dt.hour().alias("hour"))
        .agg(pl.col("kwh").mean())
        .sort("hour")
    )
    means: dict[int, float] = dict(zip(hourly["hour"], hourly["kwh"] * 60 / energy.step_minutes, strict=True))
    return tuple(round(means.get(hour, 0.0), 6) for hour in range(24))


def round_kwh(value: float | None) -> float | None:
    """Round to a milliwatt hour, so that sums are the same on every machine."""
    return None if value is None else round(value, 6)
