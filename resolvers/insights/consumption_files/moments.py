"""Instants and intervals as meters and offices write them, in five languages."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from functools import cache

import polars as pl

MONTH_WORDS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "january jan januar jänner jän janvier janv enero ene gennaio gen",
            "february feb februar feber février fevrier févr fevr febrero febbraio",
            "march mar märz maerz mär mrz mars marzo",
            "april apr avril avr abril abr aprile",
            "may mai mayo maggio mag",
            "june jun juni juin junio giugno giu",
            "july jul juli juillet juil julio luglio lug",
            "august aug août aout agosto ago",
            "september sep sept septembre septiembre settembre set",
            "october oct oktober okt octobre octubre ottobre ott",
            "november nov novembre noviembre",
            "december dec dezember dez décembre decembre déc diciembre dic dicembre",
        ),
        1,
    )
    for word in words.split()
}
WEEKDAY = re.compile(
    r"^(mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mié|jue|vie|sáb|dom)"
    r"[a-zäéáû]*\.?,?\s+(?=\d{1,2}[./ -]|\d{4}-)"
)
YEAR_GROUP = r"(?P<year>\d{4}|\d{2})"
WORD = r"([a-zäéûáíóú]{3,10})\.?"
QUARTER_WORDS = r"(?:q|t|quartal|quarter|trimestre|qtr)"
ZONE_MINUTES = {"Z": 0, "UTC": 0, "GMT": 0, "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120}
CLOCK = r"\d{1,2}[:hH]\d{2}(?::\d{2}(?:[.,]\d+)?)?"
CLOCK_TAIL = (
    rf"^(.*?)(?:^|[ T,;]+)({CLOCK}(?:\s*[AaPp]\.?[Mm]\.?)?)\s*(?:Uhr|h)?\s*"
    r"\(?(Z|[+-]\d{2}:?\d{2}|UTC|GMT|CET|CEST|MEZ|MESZ)?\)?$"
)
DOTTED_TAIL = r"^(.+\d)[ T,]+(\d{1,2}\.\d{2}(?:\.\d{2})?)$"
RANGE = r"^(.+?)\s+(?:-|\u2013|\u2014|bis|to|until|au|hasta|à|a)\s+(\d.*)$|^(\d{4}-\d.*T.*)/(\d.*)$"
DURATION = r"/PT(?:(\d+)H)?(?:(\d+)M)?$"
TIGHT_RANGE = rf"^(.*?{CLOCK})\s?[-\u2013\u2014]\s?({CLOCK})$"
MIN_TIGHT_RANGES = 5
"""A clock after a hyphen is an offset unless it takes at least this many values."""
BARE_NUMBER = re.compile(r"[\d.,]+")
DIGITS_OF_DATE = re.compile(r"\d{1,2}\.(\d{1,2}\.)?\d{2,4}|\d{4}\.\d\d?\.\d\d?|(19|20)\d{6}")
FIRST_SERIAL, LAST_SERIAL = 20_000, 80_000
"""Days since 1899-12-30 that a bare number may stand for: the years 1954 to 2119."""
SERIAL_EPOCH = datetime(1899, 12, 30)


class Precision(IntEnum):
    """The length of the interval that a date names."""

    DAY = 1
    WEEK = 7
    MONTH = 31
    QUARTER = 92
    YEAR = 366


@dataclass(frozen=True)
class NamedDate:
    """The first day of the interval that a text names. `without_year` if the text has no year."""

    first: date
    precision: Precision
    without_year: bool = False


def parse_date(text: str, day_first: bool, year: int | None = None) -> NamedDate | None:
    """The date, month, quarter, week or year that a text names; None if it names none."""
    bare = WEEKDAY.sub("", text.strip().lower().replace("\u00a0", " ")).strip(" ,")
    try:
        return next((found for parse in PARSERS if (found := parse(bare, day_first, year))), None)
    except ValueError:
        return None


def _full_year(text: str) -> int:
    return int(text) if len(text) > 2 else 2000 + int(text)


def _numeric_date(text: str, day_first: bool, _: int | None) -> NamedDate | None:
    if found := re.fullmatch(r"((?:1[89]|20|21)\d\d)([-/. ])(\d{1,2})\2(\d{1,2})\.?", text):
        return NamedDate(date(int(found[1]), int(found[3]), int(found[4])), Precision.DAY)
    if found := re.fullmatch(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})\.?", text):
        first, second, year = int(found[1]), int(found[3]), _full_year(found[4])
        day, month = (first, second) if day_first or found[2] == "." else (second, first)
        return NamedDate(date(year, month, day), Precision.DAY)
    if found := re.fullmatch(r"(19\d\d|20\d\d)(\d\d)(\d\d)", text):
        return NamedDate(date(int(found[1]), int(found[2]), int(found[3])), Precision.DAY)
    return None


def _numeric_month(text: str, _: bool, __: int | None) -> NamedDate | None:
    if found := re.fullmatch(r"((?:1[89]|20|21)\d\d)[-/. ](\d{1,2})|(19\d\d|20\d\d)(0[1-9]|1[0-2])", text):
        return NamedDate(date(int(found[1] or found[3]), int(found[2] or found[4]), 1), Precision.MONTH)
    if found := re.fullmatch(r"(\d{1,2})[-/. ]((?:1[89]|20|21)\d\d)", text):
        return NamedDate(date(int(found[2]), int(found[1]), 1), Precision.MONTH)
    return None


def _worded_date(text: str, _: bool, year: int | None) -> NamedDate | None:
    patterns = (
        (
            rf"(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?[ -]*(?:de )?{WORD}[ ,-]*(?:de )?{YEAR_GROUP}",
            1,
        ),
        (rf"{WORD}[ -]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[ -]+(?P<year>\d{{4}})", 1),
        (rf"{WORD}[ '/,-]*(?:de |del )?(?P<year>\d{{4}}|\d{{2}})", 31),
        (rf"(?P<year>\d{{4}})[ /-]*{WORD}", 31),
        (WORD, 31),
    )
    for pattern, length in patterns:
        found = re.fullmatch(pattern, text)
        word = next((group for group in found.groups() if group in MONTH_WORDS), None) if found else None
        if found and word:
            named = found.groupdict()
            known = _full_year(named["year"]) if named.get("year") else year
            first = date(known or 2000, MONTH_WORDS[word], int(named.get("day") or 1))
            return NamedDate(first, Precision(length), known is None)
    return None


def _other_interval(text: str, _: bool, __: int | None) -> NamedDate | None:
    quarter = (
        re.fullmatch(rf"{QUARTER_WORDS}\.? ?(?P<part>[1-4])[ /.-]*(?P<year>\d{{4}})", text)
        or re.fullmatch(rf"(?P<year>\d{{4}})[ /.-]*{QUARTER_WORDS}\.? ?(?P<part>[1-4])", text)
        or re.fullmatch(
            rf"(?P<part>[1-4])(?:\.|st|nd|rd|th|er|e|o|º)?[ -]*{QUARTER_WORDS}[ /.-]*(?P<year>\d{{4}})", text
        )
    )
    if quarter:
        return NamedDate(date(int(quarter["year"]), 3 * int(quarter["part"]) - 2, 1), Precision.QUARTER)
    if week := re.fullmatch(r"(?P<year>\d{4})[ -]*(?:w|kw|s)[ -]?(?P<week>\d{1,2})", text) or re.fullmatch(
        r"(?:kw|week|w) ?(?P<week>\d{1,2})[ /.-]+(?P<year>\d{4})", text
    ):
        return NamedDate(date.fromisocalendar(int(week["year"]), int(week["week"]), 1), Precision.WEEK)
    if re.fullmatch(r"(19|20)\d\d", text):
        return NamedDate(date(int(text), 1, 1), Precision.YEAR)
    return None


PARSERS: tuple[Callable[[str, bool, int | None], NamedDate | None], ...] = (
    _numeric_date,
    _numeric_month,
    _worded_date,
    _other_interval,
)


@cache
def parse_clock(text: str) -> float | None:
    """Minutes since midnight; 24:00 is 1,440. None if the text is no time of day."""
    found = re.fullmatch(
        r"(\d{1,2})[:.hH](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*(?:([AaPp])\.?[Mm]\.?)?", text.strip()
    )
    if not found:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hours = hours % 12 + 12 * (found[4] in "Pp")
    total = hours * 60 + minutes + seconds / 60
    return total if total <= 1440 and minutes < 60 and seconds < 60 else None


def parse_offset(text: str) -> int | None:
    """Minutes east of UTC, of an offset or a zone's abbreviation."""
    if text in ZONE_MINUTES:
        return ZONE_MINUTES[text]
    digits = text.replace(":", "")
    return (-1 if digits[0] == "-" else 1) * (int(digits[1:3]) * 60 + int(digits[3:5]))


def parse_moments(texts: pl.Series, day_first: bool, year: int | None = None) -> pl.DataFrame:
    """Each text as `start`, `end`, `offset`, `days` and `clock`; null where it is none.

    `start` and `end` are local times without a zone, `end` only of texts that name an interval with two ends.
    `offset` is in minutes east of UTC. `days` is the length of what a date without a clock names.
    """
    frame = texts.str.strip_chars().alias("text").to_frame()
    if frame["text"].str.contains(DURATION).any():
        return _parse_durations(frame["text"], day_first)
    two = frame.select(
        left=pl.coalesce(pl.col("text").str.extract(RANGE, 1), pl.col("text").str.extract(RANGE, 3)),
        right=pl.coalesce(pl.col("text").str.extract(RANGE, 2), pl.col("text").str.extract(RANGE, 4)),
        tight_left=pl.col("text").str.extract(TIGHT_RANGE, 1),
        tight_right=pl.col("text").str.extract(TIGHT_RANGE, 2),
    )
    if two["tight_right"].n_unique() > MIN_TIGHT_RANGES or (two["tight_left"] == texts.str.slice(0, 5)).any():
        two = two.with_columns(
            pl.coalesce("left", "tight_left").alias("left"),
            pl.coalesce("right", "tight_right").alias("right"),
        )
    starts = _parse_parts(two.select(pl.coalesce(two["left"], frame["text"]))["left"], day_first, year)
    if two["right"].null_count() == two.height:
        return starts.with_columns(pl.lit(None, pl.Datetime("us")).alias("end")).drop("minutes")
    ends = _parse_parts(two["right"], day_first, year)
    begin = pl.col("start")
    same_day = begin.dt.truncate("1d") + pl.duration(minutes=pl.col("end_minutes"))
    only_clock = pl.col("end_at").is_null() & pl.col("end_minutes").is_not_null()
    through = pl.col("end_at") + pl.duration(
        days=pl.when(pl.col("end_days") > 0).then(pl.col("end_days")).otherwise(0)
    )
    end = (
        pl.when(only_clock & (same_day <= begin))
        .then(same_day + pl.duration(days=1))
        .when(only_clock)
        .then(same_day)
        .otherwise(through)
    )
    joined = starts.with_columns(
        ends["start"].alias("end_at"), ends["minutes"].alias("end_minutes"), ends["days"].alias("end_days")
    )
    return joined.with_columns(end.alias("end")).select("start", "offset", "days", "clock", "yearless", "end")


def _parse_durations(texts: pl.Series, day_first: bool) -> pl.DataFrame:
    """Intervals of ISO 8601: an instant, a slash and a duration of hours and minutes."""
    starts = _parse_parts(texts.str.replace(DURATION, ""), day_first, None)
    hours, minutes = (texts.str.extract(DURATION, group).cast(pl.Int64).fill_null(0) for group in (1, 2))
    length = (hours * 60 + minutes).alias("length")
    ends = starts.with_columns(length).select(pl.col("start") + pl.duration(minutes=pl.col("length")))
    return starts.drop("minutes").with_columns(ends["start"].alias("end"))


def _parse_parts(texts: pl.Series, day_first: bool, year: int | None) -> pl.DataFrame:
    """Texts of one instant each. Distinct dates and clocks are few, and parsed once each."""
    text = pl.col("text")
    parts = (
        texts.alias("text")
        .to_frame()
        .with_columns(
            day=pl.coalesce(text.str.extract(CLOCK_TAIL, 1), text.str.extract(DOTTED_TAIL, 1)),
            time=pl.coalesce(text.str.extract(CLOCK_TAIL, 2), text.str.extract(DOTTED_TAIL, 2)),
            zone=text.str.extract(CLOCK_TAIL, 3),
        )
    )
    parts = parts.with_columns(pl.coalesce("day", "text").fill_null("").alias("day"))
    dates = {day: parse_date(day, day_first, year) for day in parts["day"].unique()}
    clocks = {clock: parse_clock(clock) for clock in parts["time"].drop_nulls().unique()}
    zones = {zone: parse_offset(zone) for zone in parts["zone"].drop_nulls().unique()}
    first = {day: found and found.first for day, found in dates.items()}
    length = {day: found and int(found.precision) for day, found in dates.items()}
    yearless = {day: bool(found and found.without_year) for day, found in dates.items()}
    parsed = parts.select(
        at=pl.col("day").replace_strict(first, return_dtype=pl.Date).cast(pl.Datetime("us")),
        minutes=pl.col("time").replace_strict(clocks, default=None, return_dtype=pl.Float64),
        offset=pl.col("zone").replace_strict(zones, default=None, return_dtype=pl.Int32),
        length=pl.col("day").replace_strict(length, return_dtype=pl.Int32),
        yearless=pl.col("day").replace_strict(yearless, return_dtype=pl.Boolean),
    )
    clock = pl.col("minutes").is_not_null()
    seconds = (pl.col("minutes").fill_null(0) * 60).round().cast(pl.Int64)
    return parsed.select(
        start=pl.col("at") + pl.duration(seconds=seconds),
        offset="offset",
        days=pl.when(clock).then(0).otherwise(pl.col("length")),
        clock=clock,
        yearless="yearless",
        minutes="minutes",
    )


def parse_bare_numbers(texts: pl.Series) -> pl.DataFrame:
    """Seconds or milliseconds since 1970, or a workbook's days since 1899-12-30, as `parse_moments`."""
    number = (
        texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).alias("number").to_frame()
    )
    value = pl.col("number")
    seconds = (
        pl.when(value.is_between(2e8, 5e9))
        .then(value)
        .when(value.is_between(2e11, 5e12))
        .then(value / 1000)
        .when(value.is_between(FIRST_SERIAL, LAST_SERIAL))
        .then((value * 86_400).round() + (SERIAL_EPOCH - datetime(1970, 1, 1)).total_seconds())
    )
    start = pl.lit(datetime(1970, 1, 1)).cast(pl.Datetime("us")) + pl.duration(seconds=seconds.cast(pl.Int64))
    whole = (value % 1 == 0) & value.is_between(FIRST_SERIAL, LAST_SERIAL)
    return number.select(
        start=start,
        offset=pl.when(value > LAST_SERIAL).then(0).cast(pl.Int32),
        days=pl.when(whole.all()).then(1).otherwise(0).cast(pl.Int32),
        clock=~whole.all(),
        yearless=pl.lit(False),
        end=pl.lit(None, pl.Datetime("us")),
    )


def looks_like_moment(text: str) -> bool:
    """Whether a cell is a date, month, quarter or date with a clock; a bare year or number is none."""
    if BARE_NUMBER.fullmatch(text) and not DIGITS_OF_DATE.fullmatch(text):
        return False
    whole = re.match(RANGE, text)
    left = (whole[1] or whole[3]) if whole else re.sub(DURATION, "", text)
    clock = re.match(CLOCK_TAIL, left) or re.match(DOTTED_TAIL, left)
    day = clock[1] if clock else left
    return any(parse_date(day, day_first) is not None for day_first in (True, False))


def describe_format(text: str, day_first: bool) -> str | None:
    """The `strptime` format of an instant in digits, or None."""
    found = re.fullmatch(
        r"(?P<day>\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{2,4})(?P<gap>[T ]?)"
        r"(?P<clock>\d{1,2}:\d{2})?(?P<seconds>:\d{2})?(?P<noon> ?[AaPp][Mm])?(?P<zone>Z|[+-]\d{2}:?\d{2})?",
        text.strip(),
    )
    if found is None:
        return None
    day = found["day"]
    if mark := found[2]:
        date_format = mark.join(("%Y", "%m", "%d"))
    else:
        year = "%Y" if len(day.split(found[3])[2]) == 4 else "%y"
        first = day_first or found[3] == "."
        date_format = found[3].join(("%d", "%m", year) if first else ("%m", "%d", year))
    clock = ("%I:%M" if found["noon"] else "%H:%M") if found["clock"] else ""
    parts = (found["gap"], clock, ":%S" if found["seconds"] else "", " %p" if found["noon"] else "")
    return date_format + "".join(parts) + ("%z" if found["zone"] else "")
