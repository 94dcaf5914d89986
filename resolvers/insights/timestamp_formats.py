"""Which notation instants are written in."""

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
    r"|(19|20)\d{2}(0[1-9]|1[0-2])[0-3]\d"
)
MIN_PARSED_SHARE = 0.9
"""The share of instants that a notation has to read."""
T_SEPARATOR, FRACTIONAL_SECONDS, UTC_SUFFIX = r"(\d)T(\d)", r"(:\d{2})[.,]\d+", r"(\d)\s*Z$"
"""What is written otherwise before an instant is read: see `plain`."""


def normalize_timestamp(text: str) -> str:
    """An instant without `T`, fractions of seconds, commas and `Z`; months get a first day."""
    text = re.sub(FRACTIONAL_SECONDS, r"\1", re.sub(T_SEPARATOR, r"\1 \2", text.strip())).replace(",", "")
    return re.sub(UTC_SUFFIX, r"\1+00:00", text)


def known_formats() -> list[str]:
    """Every notation that is known; months are read with a first day behind them."""
    whole = [
        f"{day}{time}{zone}" for day in DATE_FORMATS for time in TIME_FORMATS for zone in (("", "%z") if time else ("",))
    ]
    return [*whole, *(f"{month} %d" for month in MONTH_FORMATS)]


def detect_format(texts: Sequence[str], day_first: bool | None = None) -> str | None:
    """The notation (as `strptime` has it) that reads most of the texts; none where none reads nine of ten.

    Where the order of day and month is open, it is the one in which time runs evenly, else the day first.
    """
    best: tuple[tuple[float, float, bool], str] | None = None
    sample = [normalize_timestamp(text) for text in texts if text.strip()]
    for notation in known_formats():
        first = notation.find("%d") < notation.find("%m") if not notation.endswith(" %d") else None
        if day_first is not None and "%Y-" not in notation and first is (not day_first) and "%m" in notation:
            continue
        instants = [parse_timestamp(text, notation) for text in sample]
        known = [instant for instant in instants if instant is not None]
        if not known or len(known) < MIN_PARSED_SHARE * len(sample):
            continue
        score = (len(known) / len(sample), step_regularity(known), bool(first))
        if best is None or score > best[0]:
            best = score, notation
    return best[1] if best else None


def parse_timestamp(text: str, notation: str) -> datetime | None:
    """The instant, if it is written so."""
    try:
        return datetime.strptime(f"{text} 01" if notation.endswith(" %d") else text, notation)
    except ValueError:
        return None


def step_regularity(instants: Sequence[datetime]) -> float:
    """The share of steps that are as long as most of them, to a day's exactness for steps of months."""
    steps = [
        round((later - former).total_seconds() / (86_400 if abs(later - former).days > 20 else 60))
        for former, later in pairwise(instants)
    ]
    if not steps:
        return 1.0
    usual = max(set(steps), key=steps.count)
    return sum(step == usual or (27 < usual < 32 and 27 < step < 32) for step in steps) / len(steps)
