"""Meter readings: parses a file into daily and monthly energy, and counts the rows left out."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from core.errors import Invalid, UnsupportedContent
from core.working_folders import working_folder
from resolvers.insights.table_layout import EnergyUnit, Layout
from resolvers.insights.table_preview import format_cell, open_workbook
from resolvers.insights.timestamp_formats import FRACTIONAL_SECONDS, T_SEPARATOR, UTC_SUFFIX

MAX_READINGS = 6_000_000
KWH_PER_UNIT = {
    EnergyUnit.WH: 1e-3,
    EnergyUnit.KWH: 1.0,
    EnergyUnit.MWH: 1e3,
    EnergyUnit.GWH: 1e6,
    EnergyUnit.KW: 1.0,
    EnergyUnit.MW: 1e3,
}
"""Kilowatt hours per unit of energy, or per hour of a unit of power."""
POWER_UNITS = {EnergyUnit.KW, EnergyUnit.MW}
MAX_MEDIAN_RATIO = 1000.0
"""Readings above this multiple of the median positive reading are dropped as faults."""
MONTH_MINUTES = (27 * 1440, 32 * 1440)
MAX_STEP_MINUTES = 32 * 1440.0
DAY_MINUTES = 1440.0


@dataclass(frozen=True)
class Issue:
    """A problem in the file, its number of rows, and the first of them as text."""

    kind: str
    count: int
    example: str = ""


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


def read_consumption(path: Path, layout: Layout) -> Consumption:
    """Read a file; runs in a child process. Raises `Invalid` if it has no usable readings."""
    raw = read_columns(path, layout)
    if raw.height > MAX_READINGS:
        raise UnsupportedContent(
            f"The file must have at most {MAX_READINGS:,} readings (got {raw.height:,})."
        )
    issues: list[Issue] = []
    rows = parse_timestamps(raw, layout, issues)
    rows = parse_energies(rows, layout, issues)
    rows = drop_duplicates(rows, issues)
    if rows.height < 2:
        raise Invalid("The file must have at least two usable readings.")
    step = infer_step_minutes(rows)
    if step > MAX_STEP_MINUTES:
        raise Invalid("The readings must be at most a month apart.")
    scale = KWH_PER_UNIT[layout.unit] * (step / 60 if layout.unit in POWER_UNITS else 1)
    rows = rows.with_columns(pl.col("kwh") * scale, pl.col("renewable") * scale)
    rows = drop_outliers(rows, issues)
    add_gap_issue(rows, step, issues)
    days = sum_periods(rows, step, "1d") if step <= DAY_MINUTES else ()
    return Consumption(
        step_minutes=step,
        readings=rows.height,
        days=days,
        months=sum_periods(rows, step, "1mo"),
        profile=hourly_profile(rows, step),
        issues=tuple(issues),
    )


def read_columns(path: Path, layout: Layout) -> pl.DataFrame:
    """The relevant columns as text, under fixed names."""
    positions = {"at": layout.timestamp, "time": layout.time, "kwh": layout.consumption}
    positions |= {"renewable": layout.renewable}
    present_positions = {name: column for name, column in positions.items() if column is not None}
    rows = read_csv(path, layout) if layout.sheet is None else read_sheet(path, layout)
    names = rows.columns
    columns = [
        (pl.col(names[column]) if column < len(names) else pl.lit("")).fill_null("").alias(name)
        for name, column in present_positions.items()
    ]
    rows = rows.select(columns)
    if layout.renewable is None:
        rows = rows.with_columns(pl.lit(None, pl.String).alias("renewable"))
    if layout.time is not None:
        rows = rows.with_columns((pl.col("at") + " " + pl.col("time")).alias("at"))
    content = pl.concat_str(["at", "kwh"])
    return rows.filter(content.str.strip_chars() != "").select("at", "kwh", "renewable")


def read_csv(path: Path, layout: Layout) -> pl.DataFrame:
    """The columns of a CSV file as text."""
    assert layout.delimiter is not None
    with working_folder() as folder:
        source = path
        if layout.encoding not in ("utf-8", "utf-8-sig"):
            source = Path(folder) / "utf-8"
            with path.open(encoding=layout.encoding, errors="replace") as old, source.open("w") as new:
                while block := old.read(1 << 20):
                    new.write(block)
        try:
            return pl.read_csv(
                source,
                has_header=False,
                skip_lines=layout.header_rows,
                separator=layout.delimiter,
                infer_schema=False,
                truncate_ragged_lines=True,
                encoding="utf8-lossy",
            )
        except pl.exceptions.PolarsError as error:
            raise Invalid("The file cannot be parsed as CSV.") from error


def read_sheet(path: Path, layout: Layout) -> pl.DataFrame:
    """The columns of a workbook's sheet as text; formulas as their cached values."""
    assert layout.sheet is not None
    columns: list[list[str]] = [[] for _ in layout.columns]
    with open_workbook(path) as book:
        for number, row in enumerate(book.get_sheet_by_name(layout.sheet).iter_rows()):
            if number >= layout.header_rows:
                texts = [format_cell(value) for value in row]
                for column, values in enumerate(columns):
                    values.append(texts[column] if column < len(texts) else "")
    return pl.DataFrame({str(number): values for number, values in enumerate(columns)})


def parse_timestamps(raw: pl.DataFrame, layout: Layout, issues: list[Issue]) -> pl.DataFrame:
    """The rows with a valid timestamp, as `local` time without a zone and as `utc`."""
    assert layout.notation is not None
    notation, zone = layout.notation, layout.timezone
    text = (
        pl.col("at").str.strip_chars().str.replace(T_SEPARATOR, "$1 $2").str.replace(FRACTIONAL_SECONDS, "$1")
    )
    text = text.str.replace_all(",", "").str.replace(UTC_SUFFIX, "$1+00:00")
    if notation.endswith(" %d"):
        text = text + " 01"
    if "%z" in notation:
        # polars reads an offset into UTC
        parsed = text.str.to_datetime(notation, time_unit="us", strict=False, time_zone="UTC")
        rows = raw.with_columns(parsed.alias("utc")).with_columns(
            pl.col("utc").dt.convert_time_zone(zone).dt.replace_time_zone(None).alias("local")
        )
    else:
        if "%H" not in notation and "%I" not in notation:
            parsed = text.str.to_date(notation, strict=False).cast(pl.Datetime("us"))
        else:
            parsed = text.str.to_datetime(notation, time_unit="us", strict=False)
        rows = raw.with_columns(parsed.alias("local"))
        # In the hour that is repeated when summer time ends, the first occurrence is summer time.
        ambiguous = (
            pl.when(pl.col("local").is_first_distinct()).then(pl.lit("earliest")).otherwise(pl.lit("latest"))
        )
        utc = pl.col("local").dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
        rows = rows.with_columns(utc.dt.convert_time_zone("UTC").alias("utc"))
    unread = rows.filter(pl.col("utc").is_null())
    add_issue(issues, "UNREADABLE_INSTANT", unread)
    return rows.filter(pl.col("utc").is_not_null())


def parse_energies(rows: pl.DataFrame, layout: Layout, issues: list[Issue]) -> pl.DataFrame:
    """The rows with a valid energy of zero or more."""
    for column in ("kwh", "renewable"):
        number = pl.col(column).str.replace_all(r"[\s'\u2019\u00a0]", "")
        if layout.decimal_comma:
            number = number.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        else:
            number = number.str.replace_all(",", "", literal=True)
        rows = rows.with_columns(
            pl.col(column).alias(f"{column}_text"), number.cast(pl.Float64, strict=False)
        )
    unreadable = ~pl.col("kwh").is_finite().fill_null(False)
    add_issue(issues, "UNREADABLE_NUMBER", rows.filter(unreadable))
    rows = rows.filter(~unreadable)
    add_issue(issues, "NEGATIVE", rows.filter(pl.col("kwh") < 0))
    valid = pl.col("renewable").is_finite() & (pl.col("renewable") >= 0)
    return rows.filter(pl.col("kwh") >= 0).with_columns(pl.when(valid).then(pl.col("renewable")))


def drop_duplicates(rows: pl.DataFrame, issues: list[Issue]) -> pl.DataFrame:
    """The rows with the last reading of each timestamp."""
    unique = rows.unique("utc", keep="last", maintain_order=True).sort("utc")
    if unique.height < rows.height:
        add_issue(issues, "DUPLICATE", rows.filter(~pl.col("utc").is_first_distinct()))
    return unique


def drop_outliers(rows: pl.DataFrame, issues: list[Issue]) -> pl.DataFrame:
    """The rows up to `MAX_MEDIAN_RATIO` times the median."""
    positive = rows.filter(pl.col("kwh") > 0)["kwh"]
    middle = positive.median()
    if not isinstance(middle, float) or positive.len() < 10:
        return rows
    is_outlier = pl.col("kwh") > MAX_MEDIAN_RATIO * middle
    add_issue(issues, "ABSURD", rows.filter(is_outlier))
    return rows.filter(~is_outlier)


def add_issue(issues: list[Issue], kind: str, rows: pl.DataFrame) -> None:
    """Record dropped rows as an issue, if there are any."""
    if rows.height:
        value = rows["kwh_text"][0] if "kwh_text" in rows.columns else rows["kwh"][0]
        issues.append(Issue(kind, rows.height, f"{rows['at'][0]}: {value}".strip()[:200]))


def infer_step_minutes(rows: pl.DataFrame) -> float:
    """The interval of the readings: the lower quartile, which is robust to gaps."""
    seconds = rows["utc"].diff().drop_nulls().dt.total_seconds().quantile(0.25, "lower")
    assert seconds is not None
    return round(seconds / 60, 4)


def add_gap_issue(rows: pl.DataFrame, step: float, issues: list[Issue]) -> None:
    """Record the number of readings missing between the first and the last."""
    intervals = rows.with_columns((pl.col("utc").diff().dt.total_seconds() / 60).alias("since"))
    limit = step * 1.5 if step <= DAY_MINUTES * 7 else step * 1.2
    missing = intervals.filter(pl.col("since") > limit)
    if missing.height:
        count = int((missing["since"] / step - 1).round(0).sum())
        issues.append(Issue("GAP", count, f"before {missing['at'][0]}"[:200]))


def sum_periods(rows: pl.DataFrame, step: float, interval: str) -> tuple[PeriodConsumption, ...]:
    """The consumption by days (`1d`) or months (`1mo`) of local time."""
    grouped = rows.group_by_dynamic("local", every=interval) if rows["local"].is_sorted() else None
    if grouped is None:
        grouped = rows.sort("local").group_by_dynamic("local", every=interval)
    summed = grouped.agg(
        pl.col("kwh").sum(),
        pl.when(pl.col("renewable").count() > 0).then(pl.col("renewable").sum()).alias("renewable"),
        pl.len().alias("count"),
    )
    length = pl.lit(1.0) if interval == "1d" else pl.col("local").dt.days_in_month().cast(pl.Float64)
    expected = pl.lit(1.0) if step > MONTH_MINUTES[0] else length * 1440 / step
    covered = (pl.col("count") / expected).clip(0, 1).round(4)
    return tuple(
        PeriodConsumption(
            row["local"].date(), round(row["kwh"], 6), round_kwh(row["renewable"]), row["covered"]
        )
        for row in summed.with_columns(covered.alias("covered")).iter_rows(named=True)
    )


def hourly_profile(rows: pl.DataFrame, step: float) -> tuple[float, ...]:
    """The mean energy of each hour of the day, if readings are at most an hour apart."""
    if step > 60:
        return ()
    hourly = rows.group_by(pl.col("local").dt.hour().alias("hour")).agg(pl.col("kwh").mean()).sort("hour")
    means: dict[int, float] = dict(zip(hourly["hour"], hourly["kwh"] * 60 / step, strict=True))
    return tuple(round(means.get(hour, 0.0), 6) for hour in range(24))


def round_kwh(value: float | None) -> float | None:
    """Round to a milliwatt hour, so that sums are the same on every machine."""
    return None if value is None else round(value, 6)
