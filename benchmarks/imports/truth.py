"""What a generated file holds, and its locales."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random


@dataclass(frozen=True)
class Locale:
    """How a country writes: date pattern, decimal mark, grouping, delimiter and words."""

    code: str
    date: str
    decimal: str
    group: str
    delimiter: str
    words: dict[str, str]
    months: tuple[str, ...]


ENGLISH = {
    "date": "Date",
    "time": "Time",
    "at": "Timestamp",
    "energy": "Consumption",
    "power": "Load",
    "register": "Meter reading",
    "cost": "Cost",
    "from": "From",
    "to": "To",
    "total": "Total",
    "month": "Month",
    "temperature": "Temperature °C",
    "meter": "Meter",
    "interval": "Interval",
    "status": "Status",
    "hour": "Hour",
    "year": "Year",
    "quarter": "Q",
}
GERMAN = {
    "date": "Datum",
    "time": "Uhrzeit",
    "at": "Zeitstempel",
    "energy": "Verbrauch",
    "power": "Leistung",
    "register": "Zählerstand",
    "cost": "Kosten",
    "from": "Von",
    "to": "Bis",
    "total": "Summe",
    "month": "Monat",
    "temperature": "Temperatur °C",
    "meter": "Zähler",
    "interval": "Intervall",
    "status": "Status",
    "hour": "Stunde",
    "year": "Jahr",
    "quarter": "Q",
}
FRENCH = {
    "date": "Date",
    "time": "Heure",
    "at": "Horodatage",
    "energy": "Consommation",
    "power": "Puissance",
    "register": "Index",
    "cost": "Coût",
    "from": "Début",
    "to": "Fin",
    "total": "Total",
    "month": "Mois",
    "temperature": "Température °C",
    "meter": "Compteur",
    "interval": "Intervalle",
    "status": "Statut",
    "hour": "Heure",
    "year": "Année",
    "quarter": "T",
}
SPANISH = {
    "date": "Fecha",
    "time": "Hora",
    "at": "Fecha y hora",
    "energy": "Consumo",
    "power": "Potencia",
    "register": "Lectura",
    "cost": "Coste",
    "from": "Desde",
    "to": "Hasta",
    "total": "Total",
    "month": "Mes",
    "temperature": "Temperatura °C",
    "meter": "Contador",
    "interval": "Intervalo",
    "status": "Estado",
    "hour": "Hora",
    "year": "Año",
    "quarter": "T",
}
LOCALES = (
    Locale(
        "de",
        "%d.%m.%Y",
        ",",
        ".",
        ";",
        GERMAN,
        (
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ),
    ),
    Locale(
        "us",
        "%m/%d/%Y",
        ".",
        ",",
        ",",
        ENGLISH,
        (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
    ),
    Locale(
        "gb",
        "%d/%m/%Y",
        ".",
        ",",
        ",",
        ENGLISH,
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
    Locale(
        "fr",
        "%d/%m/%Y",
        ",",
        "\u202f",
        ";",
        FRENCH,
        (
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ),
    ),
    Locale(
        "es",
        "%d/%m/%Y",
        ",",
        ".",
        ";",
        SPANISH,
        (
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ),
    ),
    Locale(
        "iso",
        "%Y-%m-%d",
        ".",
        "",
        ",",
        ENGLISH,
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
    Locale(
        "ch",
        "%d.%m.%Y",
        ".",
        "'",
        ";",
        GERMAN,
        ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
    ),
)


@dataclass(frozen=True)
class GeneratedFile:
    """A file, the total it holds, and whether a reader could decide how it is read."""

    name: str
    content: bytes
    kind: str
    total_kwh: float
    decidable: bool = True
    dimensions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """Readings of equal steps in minutes (0: calendar months) from `first`, in kWh."""

    first: datetime
    minutes: int
    kwh: tuple[float, ...]

    @property
    def starts(self) -> list[datetime]:
        if self.minutes:
            return [self.first + timedelta(minutes=self.minutes * number) for number in range(len(self.kwh))]
        months = [self.first.year * 12 + self.first.month - 1 + number for number in range(len(self.kwh))]
        return [datetime(month // 12, month % 12 + 1, 1) for month in months]

    @property
    def ends(self) -> list[datetime]:
        if self.minutes:
            return [start + timedelta(minutes=self.minutes) for start in self.starts]
        month = self.first.year * 12 + self.first.month - 1 + len(self.kwh)
        return [*self.starts[1:], datetime(month // 12, month % 12 + 1, 1)]


def load_series(random: Random, minutes: int, count: int, level: float | None = None) -> Series:
    """A load of a working place: more in the daytime and on weekdays, with noise."""
    level = level or 10 ** random.uniform(0.7, 2.6) * (minutes / 60 if minutes else 720)
    first = datetime(random.choice((2022, 2023, 2024)), random.choice((1, 1, 3, 7)), 1)
    series = Series(first, minutes, (0.0,) * count)
    kwh = []
    for start in series.starts:
        daytime = 1.6 if minutes and minutes < 1440 and 7 <= start.hour < 18 else 1.0
        weekday = 0.7 if minutes and start.weekday() > 4 else 1.0
        kwh.append(level * daytime * weekday * random.uniform(0.8, 1.2))
    return Series(first, minutes, tuple(kwh))


def write_number(value: float, decimals: int, locale: Locale, grouped: bool = False) -> str:
    text = f"{value:,.{decimals}f}" if grouped else f"{value:.{decimals}f}"
    return text.replace(",", "\0").replace(".", locale.decimal).replace("\0", locale.group)


def write_rows(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    """Rows as write_rows values; a cell with the delimiter is quoted."""
    cells = ([f'"{cell}"' if delimiter in cell else cell for cell in row] for row in rows)
    return ("\n".join(delimiter.join(row) for row in cells) + "\n").encode()
