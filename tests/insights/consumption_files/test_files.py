"""Files in the layouts of meters and offices: the energy that is read of each."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from resolvers.insights.workbooks import XLSX_TYPE
from tests.insights.consumption_files.reading import FIRST, MONTHS, comma, kwh, lines, months, read, total

CASES = Path(__file__).parents[4] / "shared" / "cases" / "energy"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UPS = [1000 + (n * 7) % 5 for n in range(12)]
"""Consumptions of months that go up and down."""

FILES = {
    "offset": (lines("time,kWh", 240, lambda at, n: f"{at:%Y-%m-%dT%H:%M:%S}+01:00,{kwh(n)}"), total(240)),
    "utc": (lines("time,kWh", 240, lambda at, n: f"{at:%Y-%m-%dT%H:%M:%SZ},{kwh(n)}"), total(240)),
    "am and pm": (lines("Date,kWh", 240, lambda at, n: f"{at:%m/%d/%Y %I:%M %p},{kwh(n)}"), total(240)),
    "short years": (lines("Date,kWh", 240, lambda at, n: f"{at:%m/%d/%y %H:%M},{kwh(n)}"), total(240)),
    "power": (
        lines("Zeit;Leistung [kW]", 480, lambda at, n: f"{at:%d.%m.%Y %H:%M};{comma(kwh(n))}", 15),
        total(480) / 4,
    ),
    "power beside energy": (
        lines(
            "Zeit;Leistung [kW];Arbeit [kWh]",
            480,
            lambda at, n: f"{at:%d.%m.%Y %H:%M};{comma(round(4 * kwh(n), 1))};{comma(kwh(n))}",
            15,
        ),
        total(480),
    ),
    "feed-in beside import": (
        lines(
            "Zeit;Bezug kWh;Einspeisung kWh", 240, lambda at, n: f"{at:%d.%m.%Y %H:%M};{comma(kwh(n))};1,5"
        ),
        total(240),
    ),
    "two tariffs": (
        months("Monat;HT kWh;NT kWh", [f"{value};{500 - n}" for n, value in enumerate(UPS)]),
        sum(UPS) + 5934,
    ),
    "tariffs and their sum": (
        months("Monat;HT kWh;NT kWh;Summe kWh", [f"{v};{500 - n};{v + 500 - n}" for n, v in enumerate(UPS)]),
        sum(UPS) + 5934,
    ),
    "decimal comma between commas": (
        lines("time,kWh", 240, lambda at, n: f"{at:%Y-%m-%d %H:%M},{comma(kwh(n))}"),
        total(240),
    ),
    "units in the cells": (months("Monat;Verbrauch", [f"{value} kWh" for value in UPS]), sum(UPS)),
    "a column of units": (
        months(
            "Monat;Wert;Einheit",
            [f"{v / 1000 if n % 2 else v};{'MWh' if n % 2 else 'kWh'}" for n, v in enumerate(UPS)],
        ),
        sum(UPS),
    ),
    "gigajoules": (months("Monat;GJ", [f"{value / 100:.2f}" for value in UPS]), sum(UPS) / 0.36),
    "natural gas": (months("Monat;Erdgas m³", UPS), sum(UPS) * 10.55),
    "two months in a bill": (
        "Period,kWh\n01/01/2024 - 29/02/2024,2000\n01/03/2024 - 30/04/2024,2100\n"
        "01/05/2024 - 30/06/2024,1900\n",
        6000,
    ),
    "dates of bills": (
        "Rechnungsdatum;Verbrauch kWh;Betrag EUR\n05.01.2024;1200;300,50\n07.03.2024;2300;500,10\n"
        "04.04.2024;1100;290,00\n09.07.2024;3300;810,00\n01.09.2024;1900;480,00\n",
        9800,
    ),
    "quarters": ("Quarter,kWh\nQ1 2023,100\nQ2 2023,90\nQ3 2023,80\nQ4 2023,120\n", 390),
    "years": ("Year,kWh\n2021,100000\n2022,95000\n2023,99000\n", 294_000),
    "twenty-four o'clock": (
        lines(
            "Datum;Uhrzeit;kWh",
            240,
            lambda at, n: (
                f"{at:%d.%m.%Y};{'24:00' if at.hour == 23 else f'{at + HOUR:%H:%M}'};{comma(kwh(n))}"
            ),
        ),
        total(240),
    ),
    "hours by number": (
        lines("Date,Hour,MWh", 240, lambda at, n: f"{at:%Y-%m-%d},{at.hour + 1},{kwh(n) / 1000:.4f}"),
        total(240),
    ),
    "ranges": (
        lines(
            "MTU (CET/CEST),Actual Total Load [MW]",
            240,
            lambda at, n: f"{at:%d.%m.%Y %H:%M} - {at + HOUR:%d.%m.%Y %H:%M},{kwh(n)}",
        ),
        1000 * total(240),
    ),
    "forecast beside load": (
        lines(
            "MTU,Day-ahead Total Load Forecast [MW],Actual Total Load [MW]",
            240,
            lambda at, n: f"{at:%d.%m.%Y %H:%M} - {at + HOUR:%d.%m.%Y %H:%M},11,{kwh(n)}",
        ),
        1000 * total(240),
    ),
    "days of a workbook": (
        lines("Date,kWh", 240, lambda at, n: f"{45_371 + n / 24:.6f},{kwh(n)}"),
        total(240),
    ),
    "milliseconds": (
        lines("ts;value_kwh", 240, lambda at, n: f"{int(at.timestamp()) * 1000};{kwh(n)}"),
        total(240),
    ),
    "a total below": (months("Monat;kWh", UPS) + f"Summe;{sum(UPS)}\n", sum(UPS)),
    "totals between": (
        "\n".join(
            f"2024-{n + 1:02},{v}" + ("\nSubtotal Q,9" if n % 3 == 2 else "") for n, v in enumerate(UPS)
        ),
        sum(UPS),
    ),
    "meters in rows": (
        lines("Time,Meter,kWh", 100, lambda at, n: "\n".join(f"{at},{m},{kwh(n)}" for m in "AB")),
        2 * total(100),
    ),
    "registers in rows": (
        "Datum;Zähler;Zählerstand\n"
        + "".join(
            f"01.{n:02}.2024;{m};{b + 100 * n}\n"
            for n in range(1, 5)
            for m, b in (("A", 5000), ("B", 77_000))
        ),
        600,
    ),
    "a register that runs over": (
        "Datum;Zählerstand kWh\n01.01.2024;99800\n01.02.2024;99950\n01.03.2024;00120\n01.04.2024;00300\n",
        500,
    ),
    "a register without a name": (
        lines("Zeit;kWh", 240, lambda at, n: f"{at:%d.%m.%Y %H:%M};{123_456 + 3 * n + n % 2}"),
        718,
    ),
    "every row twice": (
        lines("time,kWh", 240, lambda at, n: "\n".join([f"{at},{kwh(n)}"] * 2)),
        total(240),
    ),
    "the hour that comes twice": (
        "Zeit;kWh\n"
        + "".join(
            f"{datetime(2024, 10, 27) + HOUR * (n if n < 3 else n - 1):%d.%m.%Y %H:%M};{comma(kwh(n))}\n"
            for n in range(48)
        ),
        total(48),
    ),
    "years in columns": (
        "Monat;2023;2024\n" + "".join(f"{name};{UPS[n]};{UPS[n] + 100}\n" for n, name in enumerate(MONTHS)),
        2 * sum(UPS) + 1200,
    ),
    "months in columns": (
        f"Jahr;{';'.join(MONTHS)};Summe\n"
        + "".join(f"{y};{';'.join(map(str, UPS))};{sum(UPS)}\n" for y in (2023, 2024)),
        2 * sum(UPS),
    ),
    "a turned table": (
        "Zeit;"
        + ";".join(f"{FIRST + n * HOUR:%d.%m.%Y %H:%M}" for n in range(48))
        + "\nkWh;"
        + ";".join(comma(kwh(n)) for n in range(48)),
        total(48),
    ),
    "days of the week": (
        lines(
            "Tag;Verbrauch (kWh)",
            60,
            lambda at, n: f"{'Mo Di Mi Do Fr Sa So'[3 * at.weekday() :][:2]} {at:%d.%m.%Y};{n * 7 % 13}",
            1440,
        ),
        sum(n * 7 % 13 for n in range(60)),
    ),
    "comments above": (
        "# Export\n# Einheit: kWh\n"
        + lines("Datum;Wert", 60, lambda at, n: f"{at:%d.%m.%Y};{100 + n * 7 % 13}", 1440),
        6000 + sum(n * 7 % 13 for n in range(60)),
    ),
    "a price beside": (
        lines(
            "Date,Price EUR/MWh,Consumption MWh",
            31,
            lambda at, n: f"{at:%Y-%m-%d},{80 + n % 7},{kwh(n)}",
            1440,
        ),
        1000 * total(31),
    ),
    "reactive energy beside": (
        lines(
            "Zeit;Wirkarbeit kWh;Blindarbeit kvarh",
            240,
            lambda at, n: f"{at:%d.%m.%Y %H:%M};{comma(kwh(n))};3,2",
        ),
        total(240),
    ),
    "powers of ten": (lines("t,kWh", 240, lambda at, n: f"{at},{kwh(n):.4e}"), total(240)),
    "Spanish hours": (
        lines(
            "CUPS;Fecha;Hora;Consumo_kWh;Metodo",
            240,
            lambda at, n: f"ES0021000;{at:%d/%m/%Y};{at.hour + 1};{comma(kwh(n))};R",
        ),
        total(240),
    ),
    "French intervals": (
        lines(
            "Date de début;Date de fin;Valeur (en kWh)",
            240,
            lambda at, n: f"{at:%Y-%m-%dT%H:%M:%S}+01:00;{at + HOUR:%Y-%m-%dT%H:%M:%S}+01:00;{kwh(n)}",
        ),
        total(240),
    ),
    "half hours in columns": (
        "Usage kWh\nMPAN,Date,"
        + ",".join(f"{n // 2:02}:{30 * (n % 2):02}" for n in range(48))
        + "\n"
        + "".join(
            f"12000,{date(2024, 1, 1) + day * DAY:%d/%m/%Y},"
            + ",".join(str(kwh(n)) for n in range(48))
            + "\n"
            for day in range(20)
        ),
        20 * total(48),
    ),
    "thousands of a German office": (
        months("Monat;Verbrauch kWh", [f"{80 + n % 3}.{100 + n}" for n in range(12)]),
        sum(1000 * (80 + n % 3) + 100 + n for n in range(12)),
    ),
    "a gap": (
        lines("time,kWh", 240, lambda at, n: f"{at},{kwh(n)}" if n < 50 or n > 80 else ""),
        total(240) - sum(kwh(n) for n in range(50, 81)),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_the_energy_of_a_file_is_read(name: str) -> None:
    content, kwh_in_it = FILES[name]

    found = read(content)

    assert found.question is None
    assert found.energy is not None
    assert found.energy.total_kwh == pytest.approx(kwh_in_it, rel=1e-5)


@pytest.mark.skipif(not CASES.exists(), reason="the collection of cases is not here")
@pytest.mark.parametrize(
    ("name", "rows", "kwh_in_it"),
    [
        ("f1_three_decimals_comma.csv", 240, 5466.36),
        ("xl1_datetime_cells.xlsx", 720, 3600),
        ("e2_interval_column.csv", 960, 2400),
        ("bi2_cost_before_kwh.csv", 12, 960_078),
        ("r2_register.csv", 12, 960_000),
    ],
)
def test_files_that_went_wrong_are_read(name: str, rows: int, kwh_in_it: float) -> None:
    found = read((CASES / name).read_bytes(), mime_type=XLSX_TYPE if name.endswith("xlsx") else "text/csv")

    assert found.question is None
    assert found.energy is not None
    assert found.energy.intervals.height == rows
    assert found.energy.total_kwh == pytest.approx(kwh_in_it)
