"""Languages of questions about rows, and how numbers, days and instants are written in each."""

from datetime import UTC, date, datetime
from enum import Enum


class Language(Enum):
    """A language in which questions about rows are understood and answered."""

    EN = "en"
    DE = "de"
    FR = "fr"
    ES = "es"


_MONTHS = {
    language: names.split()
    for language, names in {
        Language.EN: "January February March April May June July August September October November December",
        Language.DE: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        Language.FR: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        Language.ES: "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
        "diciembre",
    }.items()
}
_SEPARATORS = {
    Language.EN: (",", "."),
    Language.DE: (".", ","),
    Language.FR: ("\N{NO-BREAK SPACE}", ","),
    Language.ES: (".", ","),
}


def format_number(value: float, digits: int, language: Language = Language.EN) -> str:
    """A number with the thousands and decimal separators of the language."""
    thousands, decimal = _SEPARATORS[language]
    return f"{value:,.{digits}f}".translate({ord(","): thousands, ord("."): decimal})


def format_day(day: date, language: Language = Language.EN) -> str:
    """A day such as `23 November 2026`."""
    return f"{_day_number(day, language)} {_rest_of_day(day, language)}"


def format_days(first: date, last: date, language: Language = Language.EN) -> str:
    """A day, or all days between two, such as `between 23 and 29 November 2026`."""
    if first == last:
        prefix = {Language.EN: "on ", Language.DE: "am ", Language.FR: "le ", Language.ES: "el "}[language]
        return prefix + format_day(first, language)
    shown = format_day(first, language)
    if first.year == last.year:
        shown = f"{_day_number(first, language)} {_month(first, language)}"
        if first.month == last.month:
            shown = _day_number(first, language)
    between = {
        Language.EN: "between {} and {}",
        Language.DE: "vom {} bis {}",
        Language.FR: "du {} au {}",
        Language.ES: "del {} al {}",
    }[language]
    return between.format(shown, format_day(last, language))


def format_instant(instant: datetime, language: Language = Language.EN) -> str:
    """An instant such as `30 November 2026, 08:15 UTC`."""
    moment = instant.astimezone(UTC)
    return f"{format_day(moment.date(), language)}, {moment:%H:%M} UTC"


def _day_number(day: date, language: Language) -> str:
    if language is Language.DE:
        return f"{day.day}."
    return "1er" if language is Language.FR and day.day == 1 else str(day.day)


def _month(day: date, language: Language) -> str:
    name = _MONTHS[language][day.month - 1]
    return f"de {name}" if language is Language.ES else name


def _rest_of_day(day: date, language: Language) -> str:
    year = f"de {day.year}" if language is Language.ES else str(day.year)
    return f"{_month(day, language)} {year}"
