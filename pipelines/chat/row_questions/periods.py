"""Time expressions in English, German, French and Spanish, as periods of days in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero",
            "february februar fevrier febrero",
            "march marz maerz mars marzo",
            "april avril abril",
            "may mai mayo",
            "june juni juin junio",
            "july juli juillet julio",
            "august aout agosto",
            "september septembre septiembre",
            "october oktober octobre octubre",
            "november novembre noviembre",
            "december dezember decembre diciembre",
        ),
        1,
    )
    for name in names.split()
}
_MONTH = "|".join(MONTHS)
_POINT = (
    r"(?:\d{4}-\d\d-\d\d|\d{1,2}\.? (?:de )?(?:" + _MONTH + r") (?:de )?\d{4}|"
    r"(?:" + _MONTH + r") \d{1,2} \d{4}|(?:" + _MONTH + r")(?: (?:de )?\d{4})?|20\d\d)"
)
_BETWEEN = re.compile(
    rf"\b(?:between|zwischen|entre|from|von|vom|de|du|desde)(?: the| dem| el| le)? (?P<first>{_POINT})"
    rf" (?:and|und|et|y|to|bis|a|au|hasta)(?: the| dem| el| le| zum)? (?P<last>{_POINT})(?!\S)"
)
_SINCE = re.compile(rf"\b(?:since|seit|depuis|desde)(?: the| dem| el| le)? (?P<first>{_POINT})(?!\S)")
_IN = re.compile(
    rf"\b(?:in|on|during|im|am|in der|en|au|le|el)(?: the| dem| jahr| l annee| el ano| ano)?"
    rf" (?P<first>{_POINT})(?!\S)"
)
_DAYS = re.compile(
    r"\b(?:(?:in |over |during )?(?:the )?(?:last|past) (?P<en>\d{1,3}) days"
    r"|(?:in )?(?:den |der |die )?(?:letzten|vergangenen) (?P<de>\d{1,3}) tagen?"
    r"|(?:(?:au cours |dans )?(?:des |les |ces ))?(?P<fr>\d{1,3}) derniers jours"
    r"|(?:en )?(?:los )?ultimos (?P<es>\d{1,3}) dias)(?!\S)"
)
_TODAY = re.compile(r"\b(?:today|heute|aujourd hui|hoy)(?!\S)")
_YESTERDAY = re.compile(r"\b(?:yesterday|gestern|hier|ayer)(?!\S)")
_UNITS = {"week": "week|woche|semaine|semana", "month": "month|monat|mois|mes", "year": "year|jahr|annee|ano"}
_LAST = {
    unit: re.compile(
        rf"\b(?:(?:in |during )?(?:the )?(?:last|previous) (?:{words})"
        rf"|(?:in der |im |in )?(?:letzte|vorige|vergangene)[nrsm]? (?:{words})"
        rf"|(?:la |le |l )(?:{words}) (?:derniere?|passee?)|(?:en )?(?:la |el )(?:{words}) pasad[oa])(?!\S)"
    )
    for unit, words in _UNITS.items()
}
_THIS = {
    unit: re.compile(rf"\b(?:(?:in |during )?(?:this|diese[nrsm]?|cette|ce|est[ea]) (?:{words}))(?!\S)")
    for unit, words in _UNITS.items()
}


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both included, in UTC."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """The first instant."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def end(self) -> datetime:
        """The first instant after the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    @property
    def is_whole_months(self) -> bool:
        """Whether the period begins and ends with a calendar month."""
        return self.first.day == 1 and (self.last + timedelta(days=1)).day == 1

    def __str__(self) -> str:
        if self.first == self.last:
            return f"on {format_day(self.first)} (UTC)"
        first = format_day(self.first)
        if self.first.year == self.last.year:
            first = first.rpartition(" ")[0]
            if self.first.month == self.last.month:
                first = first.partition(" ")[0]
        return f"between {first} and {format_day(self.last)} (UTC)"


def format_day(day: date) -> str:
    """A day such as `23 November 2026`."""
    return f"{day.day} {day:%B %Y}"


def find_period(text: str, today: date) -> tuple[Period | None, str]:
    """The period of a text without accents and punctuation, and the text without the time expression."""
    for pattern, period in (
        (_BETWEEN, _between),
        (_SINCE, _since),
        (_DAYS, _last_days),
        (_TODAY, lambda match, today: Period(today, today)),
        (_YESTERDAY, lambda match, today: Period(today - timedelta(days=1), today - timedelta(days=1))),
    ):
        if match := pattern.search(text):
            return period(match, today), _without(text, match)
    for patterns, back in ((_LAST, 1), (_THIS, 0)):
        for unit, pattern in patterns.items():
            if match := pattern.search(text):
                return calendar_period(unit, today, back), _without(text, match)
    if match := _IN.search(text):
        return _point(match["first"], today), _without(text, match)
    return None, text


def calendar_period(unit: str, today: date, back: int) -> Period:
    """The calendar week, month or year of today, or the one before; the present one ends today."""
    if unit == "week":
        first = today - timedelta(days=today.weekday() + 7 * back)
        last = first + timedelta(days=6)
    elif unit == "month":
        first = today.replace(day=1)
        if back:
            first = (first - timedelta(days=1)).replace(day=1)
        last = _month_end(first)
    else:
        first, last = date(today.year - back, 1, 1), date(today.year - back, 12, 31)
    return Period(first, last if back else today)


def _between(match: re.Match[str], today: date) -> Period | None:
    first, last = _point(match["first"], today), _point(match["last"], today)
    if first is None or last is None:
        return None
    if not re.search(r"\d{4}", match["first"]) and (year := re.search(r"\d{4}", match["last"])):
        first = _point(f"{match['first']} {year[0]}", today)
    return Period(first.first, last.last) if first and first.first <= last.last else None


def _since(match: re.Match[str], today: date) -> Period | None:
    first = _point(match["first"], today)
    return Period(first.first, today) if first and first.first <= today else None


def _last_days(match: re.Match[str], today: date) -> Period | None:
    count = int(next(group for group in match.groups() if group))
    return Period(today - timedelta(days=count - 1), today) if count else None


def _point(text: str, today: date) -> Period | None:
    """The day, month or year that a text names. A month without a year is the last that has begun."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            return Period(day, day)
        words = [word.rstrip(".") for word in text.split() if word != "de"]
        month = next((MONTHS[word] for word in words if word in MONTHS), None)
        year = next((int(word) for word in words if len(word) == 4 and word.isdigit()), None)
        number = next((int(word) for word in words if len(word) < 3 and word.isdigit()), None)
        if month is None:
            return Period(date(year or today.year, 1, 1), date(year or today.year, 12, 31))
        if year is None:
            year = today.year - (month > today.month)
        if number is not None:
            return Period(date(year, month, number), date(year, month, number))
        return Period(date(year, month, 1), _month_end(date(year, month, 1)))
    except ValueError:
        return None


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
