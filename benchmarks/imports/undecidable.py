"""Files that nobody can decide how to read: what they were written from is one of several readings."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from io import BytesIO
from random import Random

import xlsxwriter

from benchmarks.imports.truth import GeneratedFile, load_series, write_rows


def instants(random: Random, minutes: int, count: int) -> list[str]:
    return [f"{at:%Y-%m-%d %H:%M}" for at in load_series(random, minutes, count).starts]


def file_of(kind: str, rows: Sequence[Sequence[str]], total: float, delimiter: str = "\t") -> GeneratedFile:
    return GeneratedFile("data.csv", write_rows(rows, delimiter), kind, total, decidable=False)


def three_digits(random: Random) -> GeneratedFile:
    """Every number has one mark with three digits after it: a decimal mark or a grouping one."""
    mark, grouped = random.choice(",."), random.random() < 0.5
    values = [random.randrange(2_000, 900_000) for _ in range(200)]
    rows = [
        [at, f"{value // 1000}{mark}{value % 1000:03}"]
        for at, value in zip(instants(random, 60, 200), values, strict=True)
    ]
    return file_of("three digits", [["at", "kWh"], *rows], sum(values) / (1 if grouped else 1000))


def day_or_month(random: Random) -> GeneratedFile:
    """Twelve dates that are the first of every month, or the first twelve days of a January."""
    values = [round(random.uniform(2_000, 9_000), 1) for _ in range(12)]
    odd = random.randrange(12)
    dates = [f"01/{number + 1:02}/2024" for number in range(12)]
    rows = [[date, f"{value}"] for date, value in zip(dates, values, strict=True)]
    del rows[odd], values[odd]
    return file_of("day or month", [["at", "kWh"], *rows], sum(values), ",")


def conflicting_values(random: Random) -> GeneratedFile:
    """Instants that come twice with different values, and nothing that tells them apart."""
    first, second = ([round(random.uniform(5, 50), 2) for _ in range(150)] for _ in range(2))
    rows = [[at, f"{value}"] for at, value in zip(instants(Random(7), 60, 150), first, strict=True)]
    rows += [[at, f"{value}"] for at, value in zip(instants(Random(7), 60, 150), second, strict=True)]
    return file_of("conflicting values", [["at", "kWh"], *rows], sum(second), ",")


def energy_or_power(random: Random) -> GeneratedFile:
    """Quarters of an hour without a unit: kilowatt hours or kilowatts."""
    values = [round(value, 2) for value in load_series(random, 15, 480).kwh]
    rows = [[at, f"{value}"] for at, value in zip(instants(random, 15, 480), values, strict=True)]
    factor = random.choice((1.0, 0.25))
    return file_of(
        "energy or power",
        [["at", random.choice(("value", "load", "Wert"))], *rows],
        factor * sum(values),
        ";",
    )


def unnamed_columns(random: Random) -> GeneratedFile:
    """Two columns of numbers with names that say nothing."""
    one, other = ([round(random.uniform(5, 50), 2) for _ in range(150)] for _ in range(2))
    rows = [[at, f"{a}", f"{b}"] for at, a, b in zip(instants(random, 60, 150), one, other, strict=True)]
    return file_of("unnamed columns", [["at", "A", "B"], *rows], sum(random.choice((one, other))), ",")


def register_or_consumption(random: Random) -> GeneratedFile:
    """Twelve numbers that grow from month to month: a register or a growing consumption."""
    values = [random.randrange(40_000, 60_000)]
    for _ in range(11):
        values.append(values[-1] + random.randrange(2_000, 9_000))
    rows = [[f"2024-{month:02}-01", f"{value}"] for month, value in enumerate(values, 1)]
    total = random.choice((sum(values), values[-1] - values[0]))
    return file_of("register or consumption", [["at", "kWh"], *rows], total, ",")


def lost_rows(random: Random) -> GeneratedFile:
    """A tenth of the readings is missing or unreadable."""
    values = [round(random.uniform(5, 50), 2) for _ in range(300)]
    texts = ["#REF!" if random.random() < 0.1 else f"{value}" for value in values]
    rows = [[at, text] for at, text in zip(instants(random, 60, 300), texts, strict=True)]
    total = sum(float(text) for text in texts if text != "#REF!")
    return file_of("lost rows", [["at", "kWh"], *rows], total, ",")


def two_sheets(random: Random) -> GeneratedFile:
    """Two sheets of the same days with different numbers."""
    stream = BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    totals = []
    for name in ("Sheet1", "Sheet2"):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["Date", "kWh"])
        values = [round(random.uniform(100, 900), 1) for _ in range(60)]
        for day, value in enumerate(values):
            sheet.write_string(day + 1, 0, f"{datetime(2024, 3, 1) + timedelta(days=day):%Y-%m-%d}")
            sheet.write_number(day + 1, 1, value)
        totals.append(sum(values))
    book.close()
    total = random.choice((*totals, sum(totals)))
    return GeneratedFile("book.xlsx", stream.getvalue(), "two sheets", total, decidable=False)


def strange_years(random: Random) -> GeneratedFile:
    """A part of the instants lies a century away."""
    values = [round(random.uniform(5, 50), 2) for _ in range(200)]
    times = instants(random, 60, 200)
    times = [at.replace("20", "19", 1) if number > 150 else at for number, at in enumerate(times)]
    rows = [[at, f"{value}"] for at, value in zip(times, values, strict=True)]
    return file_of("strange years", [["at", "kWh"], *rows], sum(values[:151]), ",")


def no_year(random: Random) -> GeneratedFile:
    """Months without a year."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    values = [random.randrange(40_000, 60_000) for _ in months]
    rows = [[month, f"{value}"] for month, value in zip(months, values, strict=True)]
    return file_of("no year", [["Month", "kWh"], *rows], sum(values), ",")


UNDECIDABLE: Sequence[Callable[[Random], GeneratedFile]] = (
    three_digits,
    day_or_month,
    conflicting_values,
    energy_or_power,
    unnamed_columns,
    register_or_consumption,
    lost_rows,
    two_sheets,
    strange_years,
    no_year,
)
