"""Detection of timestamp formats."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%b %d %Y", "%Y%m%d"),
)
TIME_FORMATS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
MONTH_FORMATS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y")
TIME_PATTERN = re.compile(r"\d{1,2}:\d{2}(:\d{2})?( ?[AaPp][Mm])?")
TIMESTAMP_PATTERN = re.compile(
    r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([ T]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[-/. ]([A-Za-z]{3}|\d{1,2})[-/. ]\d{2,4}([ T].*)?"
    r"|\d{1,2}[-/.]\d{4}|[A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3} \d{1,2},? \d{4}.*"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])[0-3]\d([ T]\d{1,2}:\d{2}.*)?"
)
MIN_PARSED_SHARE = 0.9
"""Minimum share of timestamps that a format must parse."""
T_SEPARATOR, FRACTIONAL_SECONDS, UTC_SUFFIX = r"(\d)T(\d)", r"(:\d{2})[.,]\d+", r"(\d)\s*Z$"
"""Patterns that `normalize_timestamp` replaces."""


def normalize_timestamp(text: str) -> str:
    """A timestamp without `T`, fractional seconds, commas and `Z`."""
    text = re.sub(FRACTIONAL_SECONDS, r"\1", re.sub(T_SEPARATOR, r"\1 \2", text.strip())).replace(",", "")
    return re.sub(UTC_SUFFIX, r"\1+00:00", text)


def known_formats() -> list[str]:
    """All supported `strptime` formats; formats of months end in a day, see `parse_timestamp`."""
    whole = [
        f"{day}{time}{zone}"
        for day in DATE_FORMATS
        for time in TIME_FORMATS
        for zone in (("", "%z") if time else ("",))
    ]
    return [*whole, *(f"{month} %d" for month in MONTH_FORMATS)]


def detect_format(texts: Sequence[str], day_first: bool | None = None) -> str | None:
    """The `strptime` format that parses most texts, or None if none parses 90 % of them.

    An ambiguous order of day and month is decided by even time steps, else day first.
    """
    best: tuple[tuple[int, float, bool], str] | None = None
    sample = [normalize_timestamp(text) for text in texts if text.strip()]
    for notation in known_formats():
        first = notation.find("%d") < notation.find("%m") if not notation.endswith(" %d") else None
        if day_first is not None and "%Y-" not in notation and first is (not day_first) and "%m" in notation:
            continue
        timestamps = [parse_timestamp(text, notation) for text in sample]
        parsed = [timestamp for timestamp in timestamps if timestamp is not None]
        if not parsed or len(parsed) < MIN_PARSED_SHARE * len(sample):
            continue
        score = (len(parsed), step_regularity(parsed), bool(first))
        if best is None or score > best[0]:
            best = score, notation
    return best[1] if best else None


def parse_timestamp(text: str, notation: str) -> datetime | None:
    """The timestamp in this format, or None. A month gets its first day."""
    try:
        return datetime.strptime(f"{text} 01" if notation.endswith(" %d") else text, notation)
    except ValueError:
        return None


def step_regularity(timestamps: Sequence[datetime]) -> float:
    """Share of time steps that have the most common length; months count as equally long."""
    steps = [
        round((later - former).total_seconds() / (86_400 if abs(later - former).days > 20 else 60))
        for former, later in pairwise(timestamps)
    ]
    if not steps:
        return 1.0
    common = max(set(steps), key=steps.count)
    return sum(step == common or (27 < common < 32 and 27 < step < 32) for step in steps) / len(steps)
