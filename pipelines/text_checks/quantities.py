"""Quantities of a text: numbers with their units and rates, months and weekdays, in comparable form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

NUMBER_WORDS = {
    word: float(value)
    for value, word in enumerate(
        re.findall(
            r"\w+",
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty",
        )
    )
} | {
    word: float(value)
    for value, word in zip(
        range(30, 100, 10),
        re.findall(r"\w+", "thirty forty fifty sixty seventy eighty ninety"),
        strict=True,
    )
}
NUMBER_WORDS["half"] = 0.5
MAGNITUDES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "mln": 1e6, "billion": 1e9, "trillion": 1e12}
FRACTIONS = {"\u00bd": 0.5, "\u00bc": 0.25, "\u00be": 0.75}
MONTHS = (
    "january february march april may june july august september october november december",
    "januar februar m\u00e4rz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janvier f\u00e9vrier mars avril mai juin juillet ao\u00fbt septembre octobre novembre d\u00e9cembre",
)
WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday",
    "montag dienstag mittwoch donnerstag freitag samstag sonntag",
    "lunes martes mi\u00e9rcoles jueves viernes s\u00e1bado domingo",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
)
CALENDAR = {
    word: (kind, number)
    for kind, languages in (("month", MONTHS), ("weekday", WEEKDAYS))
    for language in languages
    for number, word in enumerate(language.split(), 1)
}
AMBIGUOUS_MONTHS = frozenset({"may", "march", "mars", "mai"})
"""Months only if they are capitalized, and beside a number."""

DIMENSIONS: dict[str, dict[str, tuple[float, str]]] = {
    "time": {
        "second": (1, "s sec secs second seconds sekunde sekunden segundos secondes"),
        "minute": (60, "min mins minute minutes minuten minutos"),
        "hour": (3600, "h hr hrs hour hours stunde stunden horas heures"),
        "day": (86_400, "day days tag tage tagen d\u00eda d\u00edas jour jours"),
        "night": (86_400, "night nights nacht n\u00e4chte noche noches nuit nuits"),
        "week": (604_800, "week weeks woche wochen semana semanas semaine semaines"),
        "month": (2_629_800, "month months monat monate monaten mes meses mois"),
        "year": (31_557_600, "year years jahr jahre jahren a\u00f1o a\u00f1os ann\u00e9e ann\u00e9es"),
    },
    "length": {
        "millimetre": (0.001, "mm millimetre millimetres millimeter millimeters"),
        "centimetre": (0.01, "cm centimetre centimetres centimeter centimeters"),
        "metre": (1, "m metre metres meter meters metros"),
        "kilometre": (1000, "km kilometre kilometres kilometer kilometers kil\u00f3metros"),
        "inch": (0.0254, "inch inches"),
        "foot": (0.3048, "ft foot feet"),
        "yard": (0.9144, "yard yards"),
        "mile": (1609.344, "mile miles"),
    },
    "mass": {
        "gram": (0.001, "g gram grams gramm"),
        "kilogram": (1, "kg kilo kilos kilogram kilograms kilogramm"),
        "tonne": (1000, "t tonne tonnes ton tons"),
        "pound": (0.4536, "lb lbs"),
    },
    "volume": {
        "litre": (1, "l litre litres liter liters"),
        "millilitre": (0.001, "ml"),
        "gallon": (3.785, "gallon gallons"),
    },
    "power": {
        "watt": (1, "w watt watts"),
        "kilowatt": (1000, "kw kilowatt kilowatts"),
        "megawatt": (1e6, "mw megawatt"),
    },
    "energy": {"kilowatt hour": (1, "kwh"), "megawatt hour": (1000, "mwh")},
    "money": {
        "euro": (1, "\u20ac eur euro euros"),
        "dollar": (1, "$ usd dollar dollars"),
        "pound": (1, "\u00a3 gbp pound pounds"),
        "franc": (1, "chf franken franc francs"),
        "rouble": (1, "rouble roubles ruble rubles"),
        "yen": (1, "\u00a5 yen jpy"),
    },
    "share": {"percent": (1, "% percent prozent"), "percentage point": (1, "pp")},
    "speed": {"knot": (1, "knot knots kn"), "km/h": (0.54, "kmh")},
    "temperature": {"degree": (1, "\u00b0 \u00b0c celsius degrees degree")},
}
"""By dimension, the units with their factors and spellings."""
UNITS = {
    spelling: (dimension, unit, factor)
    for dimension, units in DIMENSIONS.items()
    for unit, (factor, spellings) in units.items()
    for spelling in spellings.split()
}
"""Dimension, name and factor of units by their spellings."""

NUMBER = r"\d+(?:[.,\u00a0\u202f]\d+)*"
WORD_NUMBER = "|".join(sorted((*NUMBER_WORDS, "an?"), key=len, reverse=True))
UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
QUANTITY = re.compile(
    rf"(?P<sign>[$\u20ac\u00a3\u00a5]\s?|\b(?:eur|usd|gbp|chf|jpy)\s)?"
    rf"(?:(?<![\w.,])(?P<number>{NUMBER})(?P<fraction>[\u00bd\u00bc\u00be])?(?!\w*[a-z]\d)|\b(?P<word>{WORD_NUMBER})\b)"
    rf"(?:[\s\u00a0-]?(?P<magnitude>hundred|thousand|million|mln|billion|trillion)\b)?"
    rf"(?P<square>[\s\u00a0-]?(?:square|sq|cubic))?"
    rf"(?:[\s\u00a0-]{{0,2}}(?:(?<=half )an?\s)?(?P<unit>{UNIT})(?![\w\u00b2\u00b3])"
    rf"(?P<half>\s+and\s+a\s+half)?"
    rf"|[\s\u00a0-]?(?P<area>m\u00b2|km\u00b2|m\u00b3))?"
    rf"(?:\s*(?:per|an?|each|every|pro|por|par|/)\s*(?P<rate>{UNIT})(?!\w))?",
    re.IGNORECASE,
)
THOUSANDS = re.compile(r"\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?:,\d+)?")
TIME = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])")
CALENDAR_WORD = re.compile(
    r"\b(" + "|".join(sorted(CALENDAR, key=len, reverse=True)) + r")s?\b", re.IGNORECASE
)
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Quantity:
    """A number with its unit; `value` is in the base unit of its `dimension`, `number` as written.

    The dimension of months and weekdays is their kind; of a number without a known unit it is empty.
    """

    text: str
    start: int
    number: float
    value: float
    dimension: str = ""
    unit: str = ""
    rate: str = ""

    def agrees(self, other: "Quantity") -> bool:
        """Whether both are the same: in any unit, or without one."""
        if self.rate and other.rate and self.rate != other.rate:
            return False
        if self.dimension == other.dimension == "money" and self.unit != other.unit:
            return False
        if self.dimension and other.dimension:
            return self.dimension == other.dimension and _is_close(self.value, other.value)
        if {self.dimension, other.dimension} & {"month", "weekday", "clock"}:
            return False
        return _is_close(self.number, other.number)

    def is_comparable(self, other: "Quantity") -> bool:
        """Whether both measure the same kind of thing."""
        return self.dimension == other.dimension


def _is_close(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    """The quantities of a text, in order."""
    return tuple(sorted(_find(text), key=lambda quantity: quantity.start))


def _find(text: str) -> Iterator[Quantity]:
    times: set[int] = set()
    for match in TIME.finditer(text):
        times |= {match.start(), match.start(2)}
        value = 60.0 * int(match[1]) + int(match[2])
        yield Quantity(match[0], match.start(), value, value, "clock", "")
    for match in QUANTITY.finditer(text):
        if match["number"] and match.start("number") in times:
            continue
        quantity = _quantity(match)
        if quantity is not None:
            yield quantity
    for match in CALENDAR_WORD.finditer(text):
        word = match[1].lower()
        kind, number = CALENDAR[word]
        if word in AMBIGUOUS_MONTHS and not (match[0][0].isupper() and _is_beside_number(text, match)):
            continue
        if match[0][0].isupper() or word not in AMBIGUOUS_MONTHS:
            yield Quantity(match[0], match.start(), float(number), float(number), kind, "")


def _is_beside_number(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(0, match.start() - 6) : match.start()], text[match.end() : match.end() + 6]
    return bool(re.search(r"\d\W*(?:st|nd|rd|th|of|de)?\W*$", before) or re.match(r"\W*\d", after))


def _quantity(match: re.Match[str]) -> Quantity | None:
    word, unit = match["word"], (match["unit"] or "").lower()
    if word is not None:
        word = word.lower()
        if word in ("a", "an") and not (unit and (match["half"] or match["magnitude"])):
            return None
        if word in ("one", "half") and not unit and not match["magnitude"]:
            return None
        number = 1.0 if word in ("a", "an") else NUMBER_WORDS[word]
    else:
        number = parse_number(match["number"]) + FRACTIONS.get(match["fraction"] or "", 0.0)
    number *= MAGNITUDES.get((match["magnitude"] or "").lower(), 1.0)
    number += 0.5 if match["half"] else 0.0
    sign = (match["sign"] or "").strip().lower()
    area = (match["area"] or "").lower()
    spelled = unit or sign or area.rstrip("\u00b2\u00b3")
    dimension, name, factor = UNITS.get(spelled, ("", "", 1.0))
    if match["square"] or area:
        is_cubic = "cubic" in (match["square"] or "").lower() or area.endswith("\u00b3")
        power, kind = (3, "volume of ") if is_cubic else (2, "area of ")
        dimension, factor = (kind + dimension, factor**power) if dimension else ("", 1.0)
    rate = UNITS[match["rate"].lower()][1] if match["rate"] else ""
    text = " ".join(match[0].split())
    return Quantity(text, match.start(), number, number * factor, dimension, name, rate)


def parse_number(text: str) -> float:
    """A number with separators of thousands and decimals, English or continental."""
    if THOUSANDS.fullmatch(text):
        comma = "," if "," in text and (text.rfind(".") > text.find(",") or "." not in text) else "."
        decimals = "." if comma == "," else ","
        whole = re.sub(r"[\u00a0\u202f]", "", text.replace(comma, ""))
        return float(whole.replace(decimals, "."))
    parts = re.split(r"[.,\u00a0\u202f]", text)
    return float(f"{''.join(parts[:-1])}.{parts[-1]}") if len(parts) == 2 else float("".join(parts))
