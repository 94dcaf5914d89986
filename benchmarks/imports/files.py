"""Generated files of consumption in the layouts that meters and offices write."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from io import BytesIO
from random import Random

import xlsxwriter

from benchmarks.imports.truth import (
    LOCALES,
    GeneratedFile,
    Locale,
    Series,
    load_series,
    write_number,
    write_rows,
)
from benchmarks.imports.undecidable import UNDECIDABLE

FILES = 400
STEPS = (15, 30, 60, 1440, 0)
COUNTS = {15: 672, 30: 480, 60: 400, 1440: 120, 0: 24}
UNITS = {"kWh": 1.0, "MWh": 1e-3, "Wh": 1e3}


def write_date(instant: datetime, locale: Locale) -> str:
    return instant.strftime(locale.date)


def write_instant(instant: datetime, locale: Locale, random_style: int) -> str:
    clock = ("%H:%M", "%H:%M:%S")[random_style % 2]
    return f"{write_date(instant, locale)} {instant.strftime(clock)}"


def round_values(series: Series, decimals: int, factor: float = 1.0) -> tuple[list[float], float]:
    """The values as they are written, and their total in kWh."""
    written = [round(value * factor, decimals) for value in series.kwh]
    return written, sum(written) / factor


def long_file(random: Random, locale: Locale) -> GeneratedFile:
    """A row for each reading, beside other columns, below titles and above a total."""
    step = random.choice(STEPS)
    series = load_series(random, step, COUNTS[step])
    unit = random.choice(("kWh", "kWh", "kWh", "MWh", "Wh", "kW"))
    if unit == "kW" and step not in (15, 30, 60):
        unit = "kWh"
    factor = 60 / step if unit == "kW" else UNITS[unit]
    decimals = {"MWh": 5, "Wh": 0}.get(unit, random.choice((1, 2, 3)))
    values, total = round_values(series, decimals, factor)
    grouped = bool(locale.group) and random.random() < 0.3
    words, style = locale.words, random.randrange(4)
    label = (
        f"{words['power' if unit == 'kW' else 'energy']} {random.choice(('[{}]', '({})', '{}')).format(unit)}"
    )
    notation = (
        random.choice(("start", "end", "separate", "interval", "range", "from-to"))
        if 0 < step < 1440
        else "start"
    )
    rows: list[list[str]] = []
    for start, end, value in zip(series.starts, series.ends, values, strict=True):
        number = write_number(value, decimals, locale, grouped)
        clocks = f"{start:%H:%M}", "24:00" if f"{end:%H:%M}" == "00:00" and style > 1 else f"{end:%H:%M}"
        match notation:
            case "start" if step == 0:
                rows.append(
                    [
                        f"{locale.months[start.month - 1]} {start.year}" if style > 1 else f"{start:%m/%Y}",
                        number,
                    ]
                )
            case "start" if step == 1440:
                rows.append([write_date(start, locale), number])
            case "start":
                rows.append([write_instant(start, locale, style), number])
            case "end":
                last = write_instant(end, locale, 0)
                rows.append([f"{write_date(start, locale)} 24:00" if clocks[1] == "24:00" else last, number])
            case "separate":
                rows.append([write_date(start, locale), f"{start:%H:%M}", number])
            case "interval":
                rows.append([write_date(start, locale), f"{clocks[0]} - {clocks[1]}", number])
            case "range":
                rows.append([f"{write_instant(start, locale, 0)} - {write_instant(end, locale, 0)}", number])
            case _:
                rows.append([write_instant(start, locale, 0), write_instant(end, locale, 0), number])
    heads = {
        "separate": [words["date"], words["time"]],
        "interval": [words["date"], words["interval"]],
        "from-to": [words["from"], words["to"]],
        "end": [f"{words['to']}"],
    }.get(notation, [words["month"] if step == 0 else words["at"]])
    head = [*heads, label]
    if random.random() < 0.3:
        place = random.choice((len(heads), len(head)))
        head.insert(place, f"{words['cost']} EUR")
        for row, value in zip(rows, series.kwh, strict=True):
            row.insert(place, write_number(value * 0.21, 2, locale))
    if random.random() < 0.25:
        head.append(words["temperature"])
        for row in rows:
            row.append(write_number(random.uniform(-5, 30), 1, locale))
    if random.random() < 0.2:
        head.append(words["status"])
        for row in rows:
            row.append(random.choice(("ok", "ok", "est")))
    titles = [["Werk Nord" if locale.code == "de" else "Plant North"], []] if random.random() < 0.3 else []
    foot = [[words["total"], *[""] * (len(head) - 1)]] if random.random() < 0.2 else []
    if foot:
        foot[0][head.index(label)] = write_number(sum(values), decimals, locale, grouped)
    delimiter = random.choice((locale.delimiter, locale.delimiter, "\t"))
    if delimiter == locale.group or delimiter == locale.decimal:
        delimiter = locale.delimiter
    content = write_rows([*titles, head, *rows, *foot], delimiter)
    about = {
        "locale": locale.code,
        "step": str(step),
        "unit": unit,
        "notation": notation,
        "decimals": str(decimals),
    }
    return GeneratedFile("load.csv", content, "long", total, dimensions=about)


def register_file(random: Random, locale: Locale) -> GeneratedFile:
    """A meter's register: readings that only grow, or once begin again."""
    step = random.choice((0, 1440, 60))
    series = load_series(random, step, {0: 14, 1440: 100, 60: 300}[step])
    digits = 6 if step else 7
    base = random.randrange(10 ** (digits - 1), 9 * 10 ** (digits - 1))
    values, states = [round(value) for value in series.kwh[:-1]], [base]
    rolls = random.random() < 0.2 and sum(values) < 5 * 10 ** (digits - 1)
    if rolls:
        states = [10**digits - sum(values) // 2]
    for value in values:
        states.append((states[-1] + value) % 10**digits if rolls else states[-1] + value)
    write = write_date if step != 60 else (lambda at, here: write_instant(at, here, 0))
    unit = random.choice((" kWh", " [kWh]", ""))
    rows = [[write(at, locale), str(state)] for at, state in zip(series.starts, states, strict=True)]
    content = write_rows([[locale.words["date"], locale.words["register"] + unit], *rows], locale.delimiter)
    about = {"locale": locale.code, "step": str(step), "rolls": str(rolls)}
    return GeneratedFile("register.csv", content, "register", float(sum(values)), dimensions=about)


def slots_file(random: Random, locale: Locale) -> GeneratedFile:
    """A row for each day, a column for each hour or quarter of an hour."""
    slots = random.choice((24, 24, 48, 96))
    series = load_series(random, 1440 // slots, slots * 40)
    values, total = round_values(series, 2)
    style = random.choice(("clock", "number", "h", "range"))
    minutes = 1440 // slots

    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    names = {
        "clock": [clock(minutes * slot) for slot in range(slots)],
        "number": [str(slot + 1) for slot in range(slots)],
        "h": [f"H{slot + 1:02}" for slot in range(slots)],
        "range": [f"{clock(minutes * slot)}-{clock(minutes * (slot + 1))}" for slot in range(slots)],
    }[style]
    summed = random.random() < 0.3
    head = [locale.words["date"], *names, *([locale.words["total"]] if summed else [])]
    rows = []
    for day in range(40):
        of_day = values[day * slots : (day + 1) * slots]
        cells = [write_number(value, 2, locale) for value in of_day]
        extra = [write_number(sum(of_day), 2, locale)] if summed else []
        rows.append([write_date(series.first + timedelta(days=day), locale), *cells, *extra])
    title = [[f"{locale.words['energy']} kWh"]]
    content = write_rows([*title, head, *rows], locale.delimiter)
    about = {"locale": locale.code, "slots": str(slots), "style": style, "summed": str(summed)}
    return GeneratedFile("slots.csv", content, "slots", total, dimensions=about)


def calendar_file(random: Random, locale: Locale) -> GeneratedFile:
    """Months in rows and years in columns, or the other way round."""
    series = load_series(random, 0, 36)
    series = Series(datetime(2021, 1, 1), 0, series.kwh)
    decimals = random.choice((0, 1, 2))
    values, total = round_values(series, decimals)
    grouped = bool(locale.group) and random.random() < 0.5
    cells = [write_number(value, decimals, locale, grouped) for value in values]
    years = ["2021", "2022", "2023"]
    if random.random() < 0.5:
        head = [locale.words["month"], *years]
        rows = [
            [name, *(cells[12 * year + month] for year in range(3))]
            for month, name in enumerate(locale.months)
        ]
    else:
        head = [locale.words["year"], *locale.months]
        rows = [[name, *cells[12 * year : 12 * year + 12]] for year, name in enumerate(years)]
    content = write_rows([[f"{locale.words['energy']} (kWh)"], head, *rows], locale.delimiter)
    return GeneratedFile(
        "calendar.csv",
        content,
        "calendar",
        total,
        dimensions={"locale": locale.code, "decimals": str(decimals)},
    )


def meters_file(random: Random, locale: Locale) -> GeneratedFile:
    """Several meters: in columns, in rows, or with a column that is their sum."""
    step = random.choice((15, 60, 1440))
    series = [load_series(random, step, COUNTS[step] // 2) for _ in range(3)]
    series = [Series(series[0].first, step, one.kwh) for one in series]
    values = [round_values(one, 2)[0] for one in series]
    words = locale.words
    total = sum(map(sum, values))
    style = random.choice(("columns", "total", "rows"))
    write = write_date if step == 1440 else (lambda at, here: write_instant(at, here, 0))
    names = [f"{words['meter']} {number} kWh" for number in (1, 2, 3)]
    rows: list[list[str]] = []
    if style == "rows":
        head = [words["at"], words["meter"], f"{words['energy']} kWh"]
        for number, at in enumerate(series[0].starts):
            rows += [
                [write(at, locale), f"DE00{meter}", write_number(values[meter][number], 2, locale)]
                for meter in range(3)
            ]
    else:
        head = [words["at"], *names, *([f"{words['total']} kWh"] if style == "total" else [])]
        for number, at in enumerate(series[0].starts):
            here = [one[number] for one in values]
            here = [*here, sum(here)] if style == "total" else here
            rows.append([write(at, locale), *(write_number(value, 2, locale) for value in here)])
    content = write_rows([head, *rows], locale.delimiter)
    return GeneratedFile(
        "meters.csv",
        content,
        f"meters in {style}",
        total,
        dimensions={"locale": locale.code, "step": str(step)},
    )


def bills_file(random: Random, locale: Locale) -> GeneratedFile:
    """Bills of one to three months, with their cost; the first day of each and its last."""
    at, rows, total = datetime(2022, 1, 1), [], 0.0
    for _ in range(random.choice((6, 9, 12))):
        end = at + timedelta(days=random.choice((28, 31, 61, 92)))
        value = round(random.uniform(900, 1100) * (end - at).days)
        last = end - timedelta(days=1)
        rows.append(
            [
                write_date(at, locale),
                write_date(last, locale),
                write_number(value * 0.3, 2, locale),
                write_number(value, 0, locale),
            ]
        )
        at, total = end, total + value
    words = locale.words
    head = [words["from"], words["to"], f"{words['cost']} EUR", f"{words['energy']} kWh"]
    return GeneratedFile(
        "bills.csv",
        write_rows([head, *rows], locale.delimiter),
        "bills",
        total,
        dimensions={"locale": locale.code},
    )


def quarters_file(random: Random, locale: Locale) -> GeneratedFile:
    """Quarters of years, by name."""
    values = [round(random.uniform(90_000, 120_000)) for _ in range(8)]
    style = random.choice(("{q} {year}", "{year}-{q}", "{q}/{year}"))
    names = [
        style.format(q=f"{locale.words['quarter']}{number % 4 + 1}", year=2022 + number // 4)
        for number in range(8)
    ]
    rows = [[name, str(value)] for name, value in zip(names, values, strict=True)]
    head = ["Quarter" if locale.words["quarter"] == "Q" else "Trimestre", f"{locale.words['energy']} kWh"]
    return GeneratedFile(
        "quarters.csv",
        write_rows([head, *rows], locale.delimiter),
        "quarters",
        float(sum(values)),
        dimensions={"locale": locale.code},
    )


def workbook_file(random: Random, locale: Locale) -> GeneratedFile:
    """A workbook: date cells, texts or serial numbers; one sheet, or a sheet for each month."""
    style = random.choice(("dates", "texts", "serials", "months", "notes"))
    step = random.choice((60, 1440)) if style != "months" else 1440
    series = load_series(random, step, 366 if style == "months" else COUNTS[step])
    if style == "months":
        series = Series(datetime(2024, 1, 1), step, series.kwh)
    values, total = round_values(series, 2)
    stream = BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    dated = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
    sheets: dict[str, list[tuple[datetime, float]]] = {}
    for start, value in zip(series.starts, values, strict=True):
        sheets.setdefault(locale.months[start.month - 1] if style == "months" else "Data", []).append(
            (start, value)
        )
    if style == "notes":
        book.add_worksheet("Info").write_row(0, 0, ["Exported for", "Plant North"])
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, [locale.words["at"], f"{locale.words['energy']} kWh"])
        for number, (start, value) in enumerate(rows, 1):
            if style == "texts":
                sheet.write_string(number, 0, write_instant(start, locale, 0))
            elif style == "serials":
                sheet.write_number(number, 0, (start - datetime(1899, 12, 30)) / timedelta(days=1))
            else:
                sheet.write_datetime(number, 0, start, dated)
            sheet.write_number(number, 1, value)
    book.close()
    return GeneratedFile(
        "load.xlsx",
        stream.getvalue(),
        f"workbook of {style}",
        total,
        dimensions={"locale": locale.code, "step": str(step)},
    )


def converted_file(random: Random, locale: Locale) -> GeneratedFile:
    """Gigajoules, or cubic metres of gas with their energy; instants as seconds since 1970."""
    style = random.choice(("GJ", "epoch", "slot"))
    series = load_series(random, {"GJ": 1440, "epoch": 60, "slot": 15}[style], 288)
    words = locale.words
    if style == "GJ":
        values, total = round_values(series, 4, 0.0036)
        rows = [
            [write_date(at, locale), write_number(value, 4, locale)]
            for at, value in zip(series.starts, values, strict=True)
        ]
        head = [words["date"], f"{words['energy']} [GJ]"]
    elif style == "epoch":
        values, total = round_values(series, 2)
        since = datetime(1970, 1, 1)
        times = [int((at - since).total_seconds()) * random.choice((1,)) for at in series.starts]
        rows = [[str(at), write_number(value, 2, locale)] for at, value in zip(times, values, strict=True)]
        head = ["timestamp", f"{words['energy']} kWh"]
    else:
        values, total = round_values(series, 2)
        rows = [
            [
                write_date(at, locale),
                str((at.hour * 60 + at.minute) // 15 + 1),
                write_number(value, 2, locale),
            ]
            for at, value in zip(series.starts, values, strict=True)
        ]
        head = [words["date"], words["interval"], f"{words['energy']} kWh"]
    return GeneratedFile(
        "load.csv",
        write_rows([head, *rows], locale.delimiter),
        style,
        total,
        dimensions={"locale": locale.code},
    )


WRITERS: Sequence[Callable[[Random, Locale], GeneratedFile]] = (
    *(long_file,) * 5,
    register_file,
    slots_file,
    calendar_file,
    meters_file,
    bills_file,
    quarters_file,
    *(workbook_file,) * 2,
    converted_file,
)


def generate(count: int = FILES, seed: int = 1) -> Iterator[GeneratedFile]:
    """Files over all dimensions; every sixth cannot be decided by anybody."""
    for number in range(count):
        random = Random(seed * 100_000 + number)
        locale = LOCALES[number % len(LOCALES)]
        if number % 6 == 5:
            yield UNDECIDABLE[number // 6 % len(UNDECIDABLE)](random)
        else:
            yield random.choice(WRITERS)(random, locale)
