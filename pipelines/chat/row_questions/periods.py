"""Time expressions in English, German, French and Spanish, as periods of days in UTC."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pipelines.chat.row_questions.languages import Language, format_days

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janner janvier enero",
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
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday montag lundi lunes",
            "tuesday dienstag mardi martes",
            "wednesday mittwoch mercredi miercoles",
            "thursday donnerstag jeudi jueves",
            "friday freitag vendredi viernes",
            "saturday samstag sonnabend samedi sabado",
            "sunday sonntag dimanche domingo",
        )
    )
    for name in names.split()
}
NUMBERS = {
    name: number
    for number, names in enumerate(
        (
            "two zwei deux dos",
            "three drei trois tres",
            "four vier quatre cuatro",
            "five funf cinq cinco",
            "six sechs seis",
            "seven sieben sept siete",
            "eight acht huit ocho",
            "nine neun neuf nueve",
            "ten zehn dix diez",
            "eleven elf onze once",
            "twelve zwolf douze doce",
        ),
        2,
    )
    for name in names.split()
}
ORDINALS = {
    name: number
    for number, names in enumerate(
        (
            "first ersten erste erstes 1st 1er 1 1e premier primer primero",
            "second zweiten zweite zweites 2nd 2 2e 2eme deuxieme second segundo",
            "third dritten dritte drittes 3rd 3 3e 3eme troisieme tercer tercero",
            "fourth vierten vierte viertes 4th 4 4e 4eme quatrieme cuarto",
        ),
        1,
    )
    for name in names.split()
}
_MONTH, _WEEKDAY = "|".join(MONTHS), "|".join(WEEKDAYS)
_NUMBER, _ORDINAL = rf"\d{{1,3}}|{'|'.join(NUMBERS)}", "|".join(ORDINALS)
_UNITS = {
    "day": "days?|tage?n?|jours?|dias?",
    "week": "weeks?|wochen?|semaines?|semanas?",
    "month": "months?|monate?[ns]?|mois|mes(?:es)?",
    "quarter": "quarters?|quartale?[ns]?|trimestres?",
    "year": "years?|jahre?[ns]?|annees?|ans?|anos?",
}
_ANY_UNIT = "|".join(f"(?P<{unit}>{words})" for unit, words in _UNITS.items())
_POINT = (
    r"(?:\d{4}-\d\d-\d\d|\d{1,2}\.? (?:de )?(?:" + _MONTH + r") (?:de )?\d{4}|"
    r"(?:"
    + _MONTH
    + r") \d{1,2} \d{4}|\d{1,2}\.? (?:de )?(?:"
    + _MONTH
    + r")(?! \d{4})|(?:"
    + _MONTH
    + r")(?: (?:de )?\d{4})?|20\d\d)"
)
_BETWEEN = re.compile(
    rf"\b(?:between|zwischen|entre|from|von|vom|de|du|desde)(?: the| dem| el| le)? (?P<first>{_POINT})"
    rf" (?:and|und|et|y|to|bis|a|au|hasta)(?: the| dem| el| le| zum)? (?P<last>{_POINT})(?!\S)"
)
_SINCE_WORDS = r"\b(?:since|seit|depuis|desde)(?: the| dem| der| el| la| le)?(?: last| letzte[nmr]?| pasado)?"
_SINCE = re.compile(rf"{_SINCE_WORDS} (?P<first>{_POINT})(?!\S)")
_SINCE_WEEKDAY = re.compile(rf"{_SINCE_WORDS} (?P<weekday>{_WEEKDAY})(?: dernier| pasado)?(?!\S)")
_SINCE_YESTERDAY = re.compile(r"\b(?:since|seit|depuis|desde) (?:yesterday|gestern|hier|ayer)(?!\S)")
_TO_DATE = re.compile(
    r"(?:\b(?:since|from|seit|depuis|desde) (?:the |dem |le |el )?"
    r"(?:beginning|start|anfang|beginn|debut|principios?|inicio|comienzo)"
    r"(?: of| de| du| des| der| del)?(?: the| this| l| la| este| esta| dieses| dieser| cette| ce)? "
    rf"(?:{_ANY_UNIT})|\b(?P<to_date>year|month|week|quarter) to date"
    r"|\bseit (?P<german>jahres|monats|wochen|quartals)(?:beginn|anfang)"
    r"|\b(?:en )?lo que va de (?:este |esta )?(?P<spanish>ano|mes|semana|trimestre))(?!\S)"
)
_IN = re.compile(
    rf"\b(?:in|on|during|for|of|im|am|fur|in der|en|au|pour|para|de|le|el)"
    rf"(?: the| dem| jahr| monat| l annee| mois de| el ano| ano| el mes de| mes de)?"
    rf" (?P<first>{_POINT})(?!\S)"
)
_BARE = re.compile(rf"(?<!\S)(?P<first>{_POINT})(?!\S)")
_ROLLING = re.compile(
    r"\b(?:(?:in|over|during|within|for|from|den|der|die|innerhalb der|wahrend der|au cours|dans|sur|en"
    r"|durante)"
    r"(?: des| les| la| los| las| den)? )?"
    r"(?:(?:the |den |der |die |los |las )?(?:last|past|letzten?|vergangenen?|ultim[oa]s)"
    rf" (?P<before>{_NUMBER}) (?:{_ANY_UNIT})"
    rf"|(?:des |les |ces |los |las )?(?P<after>{_NUMBER}) (?:dernieres|derniers|ultim[oa]s)"
    rf" (?:{_ANY_UNIT.replace('P<', 'P<fr_')}))(?!\S)"
)
_PAST = re.compile(
    r"\b(?:(?:in|over|during|within|for|from|en|durante) )?(?:the |la |el )?(?:past|ultim[oa])"
    r" (?:(?P<week>week|semana)|(?P<month>month|mes)|(?P<year>year|ano))(?!\S)"
)
_PARTS = re.compile(
    r"\b(?:(?:in|during|for|of|im|en|au|pour|de|du|el|le) )?(?:the |el |le |l )?"
    rf"(?:(?:q|t)(?P<number>[1-4])|(?P<spanish>[1-4])t|h(?P<half_number>[12])"
    rf"|(?P<ordinal>{_ORDINAL}) (?:(?P<quarter>quarter|quartal|trimestre)"
    r"|(?P<half>half(?: year)?|halbjahr|semestre)))"
    r"(?: (?:of |de |del |des jahres |in )?(?P<year>20\d\d))?(?!\S)"
)
_PREPOSITION = r"\b(?:(?:from|of|for|on|von|vom|de|am|el|le) )?"
_TODAY = re.compile(_PREPOSITION + r"(?:today|heute|aujourd hui|hoy)(?!\S)")
_YESTERDAY = re.compile(_PREPOSITION + r"(?:yesterday|gestern|hier|ayer)(?!\S)")
_DAY_BEFORE = re.compile(
    _PREPOSITION + r"(?:(?:the )?day before yesterday|vorgestern|avant hier|anteayer|antes de ayer)(?!\S)"
)
_ON_WEEKDAY = re.compile(
    r"\b(?:on|last|on last|am|letzten|am letzten|le|el|el pasado|from|von|de) "
    rf"(?P<weekday>{_WEEKDAY})(?: dernier| pasado)?(?!\S)"
)
_LAST = {
    unit: re.compile(
        rf"\b(?:(?:in |during |from |of )?(?:the )?(?:last|previous) (?:{words})"
        rf"|(?:in der |im |in |von |vom )?(?:letzte|vorige|vergangene)[nrsm]? (?:{words})"
        rf"|(?:de |du |au cours de )?(?:la |le |l |au )?(?:{words}) (?:derniere?|passee?|precedente?)"
        rf"|(?:en |de |durante )?(?:la |el |del )?(?:{words}) (?:pasad[oa]|anterior))(?!\S)"
    )
    for unit, words in _UNITS.items()
    if unit != "day"
}
_LAST["quarter"] = re.compile(
    _LAST["quarter"].pattern + r"|\b(?:in |over |du |au |au cours du |en )?(?:the |le |el )?"
    r"(?:past quarter|dernier trimestre|ultimo trimestre)(?!\S)"
)
_THIS = {
    unit: re.compile(
        rf"\b(?:(?:in |during |for |fur |en |durante |de )?"
        rf"(?:this|the current|diese[nrsm]?|cette|ce|est[ea]) (?:{words}))(?!\S)"
    )
    for unit, words in _UNITS.items()
    if unit != "day"
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

    def describe(self, language: Language = Language.EN) -> str:
        """The days and their zone, such as `on 23 November 2026 (UTC)`."""
        return f"{format_days(self.first, self.last, language)} (UTC)"

    def __str__(self) -> str:
        return self.describe()


def find_period(text: str, today: date) -> tuple[Period | None, str]:
    """The period of a text without accents and punctuation, and the text without the time expression."""
    for pattern, period in _PATTERNS:
        if match := pattern.search(text):
            return period(match, today), _without(text, match)
    for patterns, back in ((_LAST, 1), (_THIS, 0)):
        for unit, pattern in patterns.items():
            if match := pattern.search(text):
                return calendar_period(unit, today, back), _without(text, match)
    for pattern, period in ((_ON_WEEKDAY, _on_weekday), (_IN, _in), (_BARE, _in)):
        if match := pattern.search(text):
            return period(match, today), _without(text, match)
    return None, text


def calendar_period(unit: str, today: date, back: int) -> Period:
    """The calendar week, month, quarter or year of today, or the one before; the present one ends today."""
    if unit == "week":
        first = today - timedelta(days=today.weekday() + 7 * back)
        last = first + timedelta(days=6)
    elif unit == "month":
        first = today.replace(day=1)
        if back:
            first = (first - timedelta(days=1)).replace(day=1)
        last = _month_end(first)
    elif unit == "quarter":
        index = today.year * 4 + (today.month - 1) // 3 - back
        first, last = _months(index // 4, index % 4 * 3 + 1, 3)
    else:
        first, last = date(today.year - back, 1, 1), date(today.year - back, 12, 31)
    return Period(first, last if back else today)


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    """The first and the last day of some months of a year."""
    return date(year, month, 1), _month_end(date(year, month + count - 1, 1))


def _to_date(match: re.Match[str], today: date) -> Period:
    """The week, month, quarter or year of today up to today."""
    german = {"jahres": "year", "monats": "month", "wochen": "week", "quartals": "quarter"}
    spanish = {"ano": "year", "mes": "month", "semana": "week", "trimestre": "quarter"}
    unit = (
        match["to_date"]
        or german.get(match["german"])
        or spanish.get(match["spanish"])
        or _unit(match.groupdict())
    )
    return calendar_period(unit, today, 0) if unit != "day" else Period(today, today)


def _unit(groups: dict[str, str | None], prefix: str = "") -> str:
    """The unit of time that a pattern has found."""
    return next(unit for unit in _UNITS if groups.get(prefix + unit))


def _rolling_period(match: re.Match[str], today: date) -> Period | None:
    """The last days, weeks, months, quarters or years up to today."""
    text = match["before"] or match["after"]
    count = NUMBERS.get(text) or int(text)
    return roll_back(today, count, _unit(match.groupdict(), "" if match["before"] else "fr_"))


def _past_period(match: re.Match[str], today: date) -> Period | None:
    return roll_back(today, 1, _unit(match.groupdict()))


def roll_back(today: date, count: int, unit: str) -> Period | None:
    """The days up to today that began `count` units ago; None for no time, and for more than a century."""
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit, 0) * count
    if not count or months > 1_200:
        return None
    if not months:
        return Period(today - timedelta(days=count * (7 if unit == "week" else 1) - 1), today)
    index = today.year * 12 + today.month - 1 - months
    month_first = date(index // 12, index % 12 + 1, 1)
    day = min(today.day, _month_end(month_first).day)
    return Period(month_first.replace(day=day) + timedelta(days=1), today)


def _part_of_year(match: re.Match[str], today: date) -> Period | None:
    """A quarter or half of a year; without a year, the last that has begun."""
    is_half = bool(match["half"] or match["half_number"])
    number = int(match["number"] or match["spanish"] or match["half_number"] or ORDINALS[match["ordinal"]])
    length = 6 if is_half else 3
    if number * length > 12:
        return None
    month = (number - 1) * length + 1
    year = int(match["year"] or today.year - (month > today.month))
    return Period(*_months(year, month, length))


def _since_weekday(match: re.Match[str], today: date) -> Period:
    return Period(_weekday(match, today), today)


def _on_weekday(match: re.Match[str], today: date) -> Period:
    return Period(_weekday(match, today), _weekday(match, today))


def _weekday(match: re.Match[str], today: date) -> date:
    """The last such weekday before today."""
    return today - timedelta(days=(today.weekday() - WEEKDAYS[match["weekday"]] - 1) % 7 + 1)


def _days_ago(count: int, *, until_today: bool = False) -> Callable[[re.Match[str], date], Period]:
    """The day so many days ago, or all days since."""

    def period(_match: re.Match[str], today: date) -> Period:
        first = today - timedelta(days=count)
        return Period(first, today if until_today else first)

    return period


def _in(match: re.Match[str], today: date) -> Period | None:
    return _point(match["first"], today)


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


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Period | None]], ...] = (
    (_BETWEEN, _between),
    (_TO_DATE, _to_date),
    (_SINCE, _since),
    (_SINCE_WEEKDAY, _since_weekday),
    (_SINCE_YESTERDAY, _days_ago(1, until_today=True)),
    (_ROLLING, _rolling_period),
    (_PAST, _past_period),
    (_PARTS, _part_of_year),
    (_TODAY, _days_ago(0)),
    (_DAY_BEFORE, _days_ago(2)),
    (_YESTERDAY, _days_ago(1)),
)
