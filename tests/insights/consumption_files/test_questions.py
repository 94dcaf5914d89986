"""Files that can be read in several ways: what is asked, and what each answer gives."""

from dataclasses import replace
from datetime import datetime
from io import BytesIO
from random import Random

import pytest
import xlsxwriter

from benchmarks.imports import undecidable
from core.errors import Ambiguous
from resolvers.insights.consumption_files.decisions import FileReading
from resolvers.insights.consumption_files.layout import LayoutOverrides, Quantity, RepeatedInstants
from resolvers.insights.consumption_files.units import EnergyUnit
from tests.insights.consumption_files.reading import comma, kwh, lines, months, read, read_workbook, total

FIELDS = {
    "three_digits": "decimalComma",
    "day_or_month": "dayFirst",
    "conflicting_values": "repeatedInstants",
    "energy_or_power": "unit",
    "unnamed_columns": "consumptionColumns",
    "register_or_consumption": "quantity",
    "lost_rows": "leaveOut",
    "two_sheets": "sheets",
    "strange_years": "leaveOut",
    "no_year": "year",
}


@pytest.mark.parametrize("name", FIELDS)
def test_what_nobody_can_decide_is_a_question_with_the_right_total_among_its_answers(name: str) -> None:
    made = getattr(undecidable, name)(Random(11))

    found = read_workbook(made.content) if made.name.endswith("xlsx") else read(made.content)

    assert found.field == FIELDS[name]
    totals = [one.energy.total_kwh for one in found.alternatives]
    assert any(one == pytest.approx(made.total_kwh, rel=1e-5) for one in totals)
    with pytest.raises(Ambiguous) as refused:
        found.require_certainty()
    assert refused.value.path == ("input", "mapping", FIELDS[name])
    assert all(f"{one:,.2f} kWh" in refused.value.message for one in totals)


def answer(content: str, overrides: LayoutOverrides) -> float:
    """The total of a file whose question is answered."""
    open_file, found = read(content), read(content, overrides)
    assert open_file.question is not None
    assert found.question is None
    assert found.energy is not None
    return found.energy.total_kwh


def test_an_answer_in_the_mapping_decides() -> None:
    three = lines("at\tkWh", 100, lambda at, n: f"{at}\t{5 + n % 7},{100 + n}")
    decimals = sum(5 + n % 7 + (100 + n) / 1000 for n in range(100))
    assert answer(three, LayoutOverrides(decimal_comma=True)) == pytest.approx(decimals)
    assert answer(three, LayoutOverrides(decimal_comma=False)) == pytest.approx(1000 * decimals)
    load = lines("at,load", 96, lambda at, n: f"{at},{kwh(n)}", 15)
    assert answer(load, LayoutOverrides(unit=EnergyUnit.KW)) == pytest.approx(total(96) / 4)
    assert answer(load, LayoutOverrides(unit=EnergyUnit.MWH)) == pytest.approx(total(96) * 1000)
    growing = months("Monat;kWh", [40_000 + 3000 * n for n in range(12)])
    assert answer(growing, LayoutOverrides(quantity=Quantity.REGISTER)) == 33_000
    assert answer(growing, LayoutOverrides(quantity=Quantity.CONSUMPTION)) == 678_000
    two = lines("at,A,B", 24, lambda at, n: f"{at},{kwh(n)},1")
    assert answer(two, LayoutOverrides(consumption_column="A")) == pytest.approx(total(24))
    assert answer(two, LayoutOverrides(consumption_columns=["A", "B"])) == pytest.approx(total(24) + 24)
    twice = lines("at,kWh", 24, lambda at, n: f"{at},{kwh(n)}\n{at},1")
    assert answer(twice, LayoutOverrides(repeated_instants=RepeatedInstants.KEEP_LAST)) == 24
    assert answer(twice, LayoutOverrides(repeated_instants=RepeatedInstants.ADD)) == pytest.approx(
        total(24) + 24
    )
    holes = lines("at,kWh", 100, lambda at, n: f"{at},{'n/a' if n % 20 == 7 else kwh(n)}")
    known = total(100) - sum(kwh(n) for n in range(7, 100, 20))
    assert answer(holes, LayoutOverrides(leave_out=True)) == pytest.approx(known)
    yearless = "Month,kWh\nJan,10\nFeb,12\nMar,9\n"
    assert answer(yearless, LayoutOverrides(year=2023)) == 31


def test_the_profile_of_the_company_decides_what_differs_by_orders_of_magnitude() -> None:
    three = lines("at\tkWh", 100, lambda at, n: f"{at}\t{5 + n % 7},{100 + n}")
    decimals = sum(5 + n % 7 + (100 + n) / 1000 for n in range(100))
    year = decimals * 365 * 24 / 100

    assert read(three, expected_kwh=1.2 * year).energy.total_kwh == pytest.approx(decimals)  # type: ignore[union-attr]
    assert read(three, expected_kwh=1200 * year).energy.total_kwh == pytest.approx(1000 * decimals)  # type: ignore[union-attr]
    assert read(three, expected_kwh=30 * year).question is not None


def test_a_point_before_three_digits_beside_german_words_is_a_question_unless_the_file_shows_more() -> None:
    hours = lines("Zeit;kWh", 100, lambda at, n: f"{at:%d.%m.%Y %H:%M};{kwh(n):.3f}")
    assert read(hours).field == "decimalComma"
    assert read(hours.replace("10.000", "0.900")).question is None  # no thousands begin with a zero
    beside = lines("Zeit;Temperatur;kWh", 100, lambda at, n: f"{at:%d.%m.%Y %H:%M};{n % 9}.5;{kwh(n):.3f}")
    assert read(beside).energy.total_kwh == pytest.approx(total(100))  # type: ignore[union-attr]


def test_cubic_metres_are_gas_only_if_the_file_says_so() -> None:
    water = read(months("Monat;Wasser m³", [360 + n % 5 for n in range(12)]))
    assert (water.field, [one.layout.unit for one in water.alternatives]) == ("unit", [EnergyUnit.M3])


def test_readings_that_lose_too_much_are_a_question() -> None:
    negative = read(lines("at,kWh", 100, lambda at, n: f"{at},{-kwh(n) if n % 10 == 0 else kwh(n)}"))
    assert negative.field == "leaveOut"
    mixed = lines("Zeit;kWh", 100, lambda at, n: f"{at:%d.%m.%Y};{comma(kwh(n)) if n % 2 else kwh(n)}", 1440)
    assert read(mixed).field == "leaveOut"


def workbook(sheets: dict[str, list[tuple[datetime, float]]]) -> bytes:
    stream = BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    dated = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["Datum", "kWh"])
        for number, (at, value) in enumerate(rows, 1):
            sheet.write_datetime(number, 0, at, dated)
            sheet.write_number(number, 1, value)
    book.close()
    return stream.getvalue()


def days_of(month: int, value: float) -> list[tuple[datetime, float]]:
    return [(datetime(2024, month, day), value + day % 3) for day in range(1, 29)]


def test_sheets_of_months_are_one_table_and_sheets_of_the_same_time_are_a_question() -> None:
    def energies(found: FileReading) -> list[float]:
        return [one.energy.total_kwh for one in found.alternatives]

    year = read_workbook(workbook({f"M{month}": days_of(month, 10) for month in range(1, 13)}))
    assert year.question is None
    assert year.energy is not None
    assert year.energy.total_kwh == pytest.approx(12 * sum(10 + day % 3 for day in range(1, 29)))
    both = read_workbook(workbook({"A": days_of(1, 10), "B": days_of(1, 20)}))
    one, other = (sum(base + day % 3 for day in range(1, 29)) for base in (10, 20))
    assert (both.field, energies(both)) == ("sheets", [one, other, one + other])


def test_midnights_of_a_workbook_are_read() -> None:
    hours = [(datetime(2024, 1, 1 + number // 24, number % 24), 5.0 + number % 2) for number in range(240)]
    found = read_workbook(workbook({"Data": hours}))
    assert found.energy is not None
    assert (found.energy.intervals.height, found.energy.total_kwh) == (240, 1320)


def test_an_answer_leaves_no_question() -> None:
    found = read(lines("at,load", 96, lambda at, n: f"{at},{kwh(n)}", 15))
    assert found.question is not None
    decided = replace(LayoutOverrides(), unit=found.alternatives[0].layout.unit)
    again = read(lines("at,load", 96, lambda at, n: f"{at},{kwh(n)}", 15), decided)
    assert again.question is None
