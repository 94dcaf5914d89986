"""From readings to energy: kilowatt hours of intervals, and what of a file was left out."""

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from core.errors import Invalid
from resolvers.insights.consumption_files.layout import IntervalLabel, Layout, Quantity, RepeatedInstants
from resolvers.insights.consumption_files.numbers import as_number

FIRST_YEAR = 1990
MAX_MEDIAN_RATIO = 1000.0
"""Readings above this multiple of the median positive reading are dropped as faults."""
DAY_MINUTES = 1440.0
MONTH_MINUTES = (27 * DAY_MINUTES, 32 * DAY_MINUTES)
MAX_STEP_MINUTES = 400 * DAY_MINUTES
REGULAR_SHARE = 0.8
"""The share of equal steps from which readings are regular: a missing one leaves a gap."""


@dataclass(frozen=True)
class Issue:
    """A problem in the file, its number of rows, and the first of them as text."""

    kind: str
    count: int
    example: str = ""


@dataclass(frozen=True)
class Energy:
    """The energy in a file: `intervals` by local `start` and `end`, with `utc`, `kwh` and `renewable`."""

    intervals: pl.DataFrame
    step_minutes: float
    rows: int
    lost: int
    """Rows that could not be used."""
    conflicts: int
    """Rows whose instant has another, different reading."""
    outside: int
    """Rows with an instant before 1990 or after next year."""
    yearless: bool
    issues: tuple[Issue, ...] = field(default=())

    @property
    def total_kwh(self) -> float:
        return round(float(self.intervals["kwh"].sum()), 6)

    @property
    def first(self) -> datetime:
        first: datetime = self.intervals["start"][0]
        return first

    @property
    def last(self) -> datetime:
        last: datetime = self.intervals["end"].sort()[-1]
        return last


def measure(readings: pl.DataFrame, layout: Layout, last_year: int) -> Energy:
    """The energy of readings. Raises `Invalid` if fewer than two can be used."""
    issues: list[Issue] = []
    rows = readings.height
    yearless = bool(readings["yearless"].any())
    readings = add_instants(readings, layout)
    unread = readings.filter(pl.col("utc").is_null())
    add_issue(issues, "UNREADABLE_INSTANT", unread)
    readings = readings.filter(pl.col("utc").is_not_null())
    year = pl.col("local").dt.year()
    strange = readings.filter((year < FIRST_YEAR) | (year > last_year))
    add_issue(issues, "STRANGE_YEAR", strange)
    readings = readings.filter(year.is_between(FIRST_YEAR, last_year))
    unreadable = readings.filter(pl.col("value").is_null())
    add_issue(issues, "UNREADABLE_NUMBER", unreadable)
    readings = readings.filter(pl.col("value").is_not_null())
    lost = unread.height + unreadable.height
    if layout.quantity is Quantity.CONSUMPTION:
        negative = readings.filter(pl.col("value") < 0)
        add_issue(issues, "NEGATIVE", negative)
        readings, lost = readings.filter(pl.col("value") >= 0), lost + negative.height
    readings, conflicts = resolve_repetitions(readings, layout, issues)
    if readings["utc"].n_unique() < 2 and not (readings.height and (readings["days"] > 1).any()):
        raise Invalid("The file must have at least two usable readings.", "input", "uploadId")
    if layout.quantity is Quantity.REGISTER:
        parts = [
            measure_register(part, issues) for _, part in readings.group_by("meter", maintain_order=True)
        ]
        intervals, step = pl.concat([part for part, _ in parts]), min(step for _, step in parts)
        intervals = add_up(intervals)
    else:
        readings = add_up(readings)
        step = typical_step(readings["utc"])
        intervals = add_ends(readings, layout, step)
    if step > MAX_STEP_MINUTES:
        raise Invalid("The readings must be at most a year apart.", "input", "uploadId")
    hours = (pl.col("end") - pl.col("local")).dt.total_seconds() / 3600
    per_hour = 1.0 if layout.unit.is_energy else hours
    intervals = intervals.with_columns(
        (pl.col("value") * pl.col("factor") * per_hour).alias("kwh"),
        (pl.col("renewable") * pl.col("factor") * per_hour).alias("renewable"),
    )
    intervals, absurd = drop_outliers(intervals, issues)
    if layout.quantity is Quantity.CONSUMPTION:
        add_gap_issue(intervals, step, issues)
    chosen = intervals.select(pl.col("local").alias("start"), "end", "utc", "kwh", "renewable").sort("utc")
    return Energy(chosen, step, rows, lost + absurd, conflicts, strange.height, yearless, tuple(issues))


def add_instants(readings: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """The readings with their instants as `local` time of the layout's zone and as `utc`."""
    zone = layout.timezone
    shifted = readings.with_columns(
        (pl.col("at") - pl.duration(minutes=pl.col("offset"))).dt.replace_time_zone("UTC").alias("exact")
    )
    by_meter = (
        pl.struct("at", "meter").is_first_distinct()
        if readings["meter"].n_unique() > 1
        else pl.col("at").is_first_distinct()
    )
    # In the hour that is repeated when summer time ends, the first occurrence is summer time.
    ambiguous = pl.when(by_meter).then(pl.lit("earliest")).otherwise(pl.lit("latest"))
    wall = (
        pl.col("at")
        .dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
        .dt.convert_time_zone("UTC")
    )
    utc = pl.when(pl.col("offset").is_not_null()).then(pl.col("exact")).otherwise(wall)
    local = (
        pl.when(pl.col("offset").is_not_null())
        .then(pl.col("exact").dt.convert_time_zone(zone).dt.replace_time_zone(None))
        .otherwise(pl.col("at"))
    )
    moved = pl.col("end") - pl.col("at") + pl.col("local")
    return (
        shifted.with_columns(utc.alias("utc"), local.alias("local"))
        .with_columns(moved.alias("end"))
        .drop("exact")
    )


def resolve_repetitions(
    readings: pl.DataFrame, layout: Layout, issues: list[Issue]
) -> tuple[pl.DataFrame, int]:
    """Readings without repetitions of an instant and meter, and the number of those that differ.

    A clock without offsets repeats an hour at the end of summer time: those readings all count.
    """
    keys = ["utc", "meter"]
    same = (
        readings.is_duplicated() if not readings.height else readings.select([*keys, "value"]).is_duplicated()
    )
    repeated = readings.select(keys).is_duplicated()
    if not repeated.any():
        return readings, 0
    autumn = is_end_of_summer_time(readings["local"])
    conflicting = repeated & ~same & ~autumn
    add_issue(issues, "DUPLICATE", readings.filter(~pl.struct(keys).is_first_distinct() & ~autumn))
    exact = readings.filter(
        autumn
        | ~pl.struct([*keys, "value"]).is_duplicated()
        | pl.struct([*keys, "value"]).is_first_distinct()
    )
    if layout.repeated_instants is not RepeatedInstants.ADD:
        fall = is_end_of_summer_time(exact["local"])
        exact = exact.filter(fall | pl.struct(keys).is_last_distinct())
    return exact, int(conflicting.sum())


def is_end_of_summer_time(local: pl.Series) -> pl.Series:
    """Whether instants lie in the night in which Europe or North America set their clocks back."""
    date = local.dt
    sunday, early = date.weekday() == 7, date.hour() < 4
    europe = (date.month() == 10) & (date.day() > 24)
    america = (date.month() == 11) & (date.day() < 8)
    return (sunday & early & (europe | america)).fill_null(value=False)


def add_up(readings: pl.DataFrame) -> pl.DataFrame:
    """The readings of all meters, and repeated ones, as one reading of each instant."""
    grouped = readings.group_by("utc", maintain_order=True).agg(
        pl.col("local").first(),
        pl.col("end").max(),
        pl.col("days").first(),
        pl.col("clock").first(),
        pl.col("at_text").first(),
        pl.col("value_text").first(),
        (pl.col("value") * pl.col("factor")).sum().alias("value"),
        pl.when(pl.col("renewable").count() > 0)
        .then((pl.col("renewable") * pl.col("factor")).sum())
        .alias("renewable"),
    )
    return grouped.with_columns(pl.lit(1.0).alias("factor")).sort("utc")


def typical_step(utc: pl.Series) -> float:
    """The interval of the readings in minutes: the lower quartile, which is robust to gaps."""
    seconds = utc.sort().diff().drop_nulls().dt.total_seconds().quantile(0.25, "lower")
    return round((seconds or 0) / 60, 4)


def steps_of(rows: pl.DataFrame) -> pl.Series:
    return rows["local"].diff().dt.total_seconds() / 60


def is_regular(rows: pl.DataFrame, step: float) -> bool:
    """Whether most steps are equal; months are equal to each other."""
    steps = steps_of(rows).drop_nulls()
    if not steps.len():
        return True
    low, high = MONTH_MINUTES if MONTH_MINUTES[0] < step < MONTH_MINUTES[1] else (step * 0.9, step * 1.1)
    return as_number(steps.is_between(low, high).mean()) >= REGULAR_SHARE


def add_ends(rows: pl.DataFrame, layout: Layout, step: float) -> pl.DataFrame:
    """The readings with the end of their interval; `local` is its start.

    An interval is as long as its text says, else as the typical step; where steps are uneven, it lasts until
    the next reading.
    """
    following = pl.col("local").shift(-1)
    if rows["end"].null_count() < rows.height:
        fixed = rows.with_columns(pl.when(pl.col("end") > pl.col("local")).then("end").alias("end"))
        joined = as_number((fixed["end"] == fixed["local"].shift(-1)).mean()) >= 0.5
        if not rows["clock"].any() and not joined:  # the last day of an interval is a part of it
            fixed = rows.with_columns((pl.col("end") + pl.duration(days=1)).alias("end"))
        return fixed.with_columns(
            pl.coalesce("end", following, pl.col("local") + pl.duration(minutes=step)).alias("end")
        )
    length = int(as_number(rows["days"].max()))
    calendar = {31: "1mo", 92: "3mo", 366: "1y", 7: "7d"}.get(length)
    if calendar:
        return rows.with_columns(pl.col("local").dt.offset_by(calendar).alias("end"))
    monthly = MONTH_MINUTES[0] < step < MONTH_MINUTES[1]
    if (not is_regular(rows, step) and step >= DAY_MINUTES) or step > MONTH_MINUTES[1]:
        middle = as_number(steps_of(rows).drop_nulls().median(), step)
        if layout.interval_label is IntervalLabel.END:
            begin = pl.col("local").shift(1).fill_null(pl.col("local") - pl.duration(minutes=middle))
            return rows.with_columns(begin.alias("local"), pl.col("local").alias("end"))
        return rows.with_columns(
            following.fill_null(pl.col("local") + pl.duration(minutes=middle)).alias("end")
        )
    if monthly:
        end_of_month = (
            as_number((rows["local"].dt.day() == rows["local"].dt.month_end().dt.day()).mean()) > 0.9
        )
        if end_of_month:
            begin = pl.col("local").dt.truncate("1mo")
            return rows.with_columns(begin.alias("local"), begin.dt.offset_by("1mo").alias("end"))
        if layout.interval_label is IntervalLabel.END:
            return rows.with_columns(
                pl.col("local").dt.offset_by("-1mo").alias("local"), pl.col("local").alias("end")
            )
        return rows.with_columns(pl.col("local").dt.offset_by("1mo").alias("end"))
    span = pl.duration(seconds=round(step * 60))
    if layout.interval_label is IntervalLabel.END:
        return rows.with_columns(
            (pl.col("local") - span).alias("local"),
            (pl.col("utc") - span).alias("utc"),
            pl.col("local").alias("end"),
        )
    return rows.with_columns((pl.col("local") + span).alias("end"))


def measure_register(readings: pl.DataFrame, issues: list[Issue]) -> tuple[pl.DataFrame, float]:
    """The differences of a register's readings as values of the intervals between them, and their step.

    A register that begins again at zero has run over if it was near its last number; any other fall is left
    out and told.
    """
    rows = readings.sort("utc")
    step = typical_step(rows["utc"])
    digits = len(str(int(as_number(rows["value"].max(), 1.0))))
    capacity = 10.0**digits
    gained = pl.col("value").shift(-1) - pl.col("value")
    runs_over = (gained < 0) & (gained + capacity < capacity / 2)
    rows = rows.with_columns(
        pl.when(runs_over).then(gained + capacity).otherwise(gained).alias("gained"),
        runs_over.alias("runs_over"),
        pl.col("local").shift(-1).alias("end"),
    ).filter(pl.col("gained").is_not_null())
    add_issue(issues, "REGISTER_RAN_OVER", rows.filter("runs_over"))
    falls = rows.filter(pl.col("gained") < 0)
    add_issue(issues, "REGISTER_FELL", falls)
    kept = (
        rows.filter(pl.col("gained") >= 0)
        .with_columns(pl.col("gained").alias("value"))
        .drop("gained", "runs_over")
    )
    return kept, step


def drop_outliers(rows: pl.DataFrame, issues: list[Issue]) -> tuple[pl.DataFrame, int]:
    """The rows up to `MAX_MEDIAN_RATIO` times the median, and the number of the others."""
    middle = rows.filter(pl.col("kwh") > 0)["kwh"].median()
    if not isinstance(middle, float) or rows.filter(pl.col("kwh") > 0).height < 10:
        return rows, 0
    absurd = rows.filter(pl.col("kwh") > MAX_MEDIAN_RATIO * middle)
    add_issue(issues, "ABSURD", absurd)
    return rows.filter(pl.col("kwh") <= MAX_MEDIAN_RATIO * middle), absurd.height


def add_issue(issues: list[Issue], kind: str, rows: pl.DataFrame) -> None:
    """Record rows as an issue, if there are any."""
    if rows.height:
        issues.append(
            Issue(kind, rows.height, f"{rows['at_text'][0]}: {rows['value_text'][0]}".strip()[:200])
        )


def add_gap_issue(rows: pl.DataFrame, step: float, issues: list[Issue]) -> None:
    """Record the number of readings missing between the first and the last."""
    if not is_regular(rows, step) and step >= DAY_MINUTES:
        return
    since = (rows["utc"].diff().dt.total_seconds() / 60).alias("since")
    limit = step * 1.5 if step <= DAY_MINUTES * 7 else step * 1.2
    late = rows.with_columns(since).filter(pl.col("since") > limit)
    if late.height:
        count = int((late["since"] / step - 1).round(0).sum())
        issues.append(Issue("GAP", count, f"before {late['at_text'][0]}"[:200]))
