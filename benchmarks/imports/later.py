"""Dimensions that were added after the inference was tuned: Italian files, and intervals with a duration."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from benchmarks.imports.files import WRITERS
from benchmarks.imports.truth import LOCALES, GeneratedFile, Locale, load_series, write_rows

FILES = 60
ITALIAN = Locale(
    "it",
    "%d/%m/%Y",
    ",",
    ".",
    ";",
    {
        "date": "Data",
        "time": "Ora",
        "at": "Data e ora",
        "energy": "Consumo",
        "power": "Potenza",
        "register": "Lettura contatore",
        "cost": "Costo",
        "from": "Dal",
        "to": "Al",
        "total": "Totale",
        "month": "Mese",
        "temperature": "Temperatura °C",
        "meter": "Contatore",
        "interval": "Intervallo",
        "status": "Stato",
        "hour": "Ora",
        "year": "Anno",
        "quarter": "T",
    },
    (
        *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
        *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
    ),
)


def duration_file(random: Random) -> GeneratedFile:
    """Instants with the duration of their interval, as ISO 8601 writes intervals."""
    minutes = random.choice((15, 30, 60))
    series = load_series(random, minutes, 300)
    values = [round(value, 2) for value in series.kwh]
    length = "PT1H" if minutes == 60 else f"PT{minutes}M"
    rows = [
        [f"{at:%Y-%m-%dT%H:%M:%S}Z/{length}", f"{value}"]
        for at, value in zip(series.starts, values, strict=True)
    ]
    locale = random.choice(LOCALES)
    content = write_rows([[locale.words["interval"], f"{locale.words['energy']} kWh"], *rows], ",")
    return GeneratedFile("load.csv", content, "durations", sum(values))


def generate_later(count: int = FILES, seed: int = 7) -> Iterator[GeneratedFile]:
    """Files of the later dimensions, by turns."""
    for number in range(count):
        random = Random(seed * 100_000 + number)
        if number % 4 == 3:
            yield duration_file(random)
        else:
            made = random.choice(WRITERS)(random, ITALIAN)
            yield replace(made, kind=f"Italian {made.kind}")
