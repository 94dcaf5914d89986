"""Files of readings as they come: what is read of them, and what is left out and told."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from core.errors import Invalid
from pipelines.insights.meter_readings import Consumption, read_consumption
from resolvers.insights.consumption_files.inference import understand
from resolvers.insights.consumption_files.layout import LayoutOverrides, Quantity, RepeatedInstants
from resolvers.insights.consumption_files.units import EnergyUnit
from resolvers.insights.workbooks import XLSX_TYPE

VIENNA = ZoneInfo("Europe/Vienna")


NO_OVERRIDES = LayoutOverrides()


def read(
    path: Path, text: str, overrides: LayoutOverrides = NO_OVERRIDES, encoding: str = "utf-8"
) -> Consumption:
    """What a text holds."""
    path.write_bytes(text.encode(encoding))
    found = understand(path, "text/csv", overrides)
    found.require_certainty()
    return read_consumption(path, "text/csv", found.layout)


def kinds(found: Consumption) -> dict[str, int]:
    """How many readings were left out, by why."""
    return {issue.kind: issue.count for issue in found.issues}


def test_what_cannot_be_used_is_counted_with_its_first_example(tmp_path: Path) -> None:
    hours = [f"2024-05-{1 + hour // 24:02} {hour % 24:02}:00,{10 + hour % 2}" for hour in range(72)]
    hours[5] = "2024-05-01 05:00,-4"
    hours[6] = "2024-05-01 06:00,n/a"
    hours[7] = "2024-05-01 07:00,99999999"
    hours[8] = "yesterday,10"
    hours.insert(20, hours[19].replace(",11", ",12"))
    del hours[40:43]

    decided = LayoutOverrides(repeated_instants=RepeatedInstants.KEEP_LAST, leave_out=True)
    found = read(tmp_path / "load", "\n".join(["when,kWh", *hours, ""]), decided)

    assert kinds(found) == {
        "UNREADABLE_INSTANT": 1,
        "UNREADABLE_NUMBER": 1,
        "NEGATIVE": 1,
        "ABSURD": 1,
        "DUPLICATE": 1,
        "GAP": 7,
    }
    assert found.issues[2].example == "2024-05-01 05:00: -4"
    assert found.readings == 73 - 3 - 5
    assert found.days[0].coverage == pytest.approx(20 / 24, abs=1e-4)


def test_the_hour_that_comes_twice_is_read_twice(tmp_path: Path) -> None:
    # The 29th of October 2023 has 25 hours in Vienna, and the hour from two to three comes twice.
    first = datetime(2023, 10, 27, 22, tzinfo=UTC)
    hours = [(first + timedelta(hours=hour)).astimezone(VIENNA) for hour in range(73)]
    text = "\n".join(["Datum;kWh", *(f"{hour:%d.%m.%Y %H:%M};1,5" for hour in hours), ""])

    found = read(tmp_path / "load", text, LayoutOverrides(timezone="Europe/Vienna"), "cp1252")

    assert (found.readings, kinds(found)) == (73, {})
    assert [(day.starts_on.day, day.kwh) for day in found.days] == [(28, 36.0), (29, 37.5), (30, 36.0)]


@pytest.mark.parametrize(
    ("unit", "kwh"),
    [
        (EnergyUnit.WH, 0.096),
        (EnergyUnit.KWH, 96.0),
        (EnergyUnit.MWH, 96_000.0),
        (EnergyUnit.KW, 24.0),  # 96 quarters of an hour of 1 kW
        (EnergyUnit.MW, 24_000.0),
    ],
)
def test_units_are_turned_into_kilowatt_hours(tmp_path: Path, unit: EnergyUnit, kwh: float) -> None:
    quarters = [f"2024-05-01T{minute // 60:02}:{minute % 60:02}:00Z,1" for minute in range(0, 1440, 15)]

    found = read(tmp_path / "load", "\n".join(["at,load", *quarters, ""]), LayoutOverrides(unit=unit))

    assert [day.kwh for day in found.days] == [pytest.approx(kwh)]
    assert found.step_minutes == 15.0


def test_days_are_those_of_the_zone_that_is_set(tmp_path: Path) -> None:
    text = "at,kWh\n2024-01-01T23:00:00+00:00,1\n2024-01-02T00:00:00+00:00,4\n2024-01-02T01:00:00+00:00,2\n"

    at_home = read(tmp_path / "load", text, LayoutOverrides(timezone="Europe/Vienna"))
    away = read(tmp_path / "load", text)

    assert [(day.starts_on, day.kwh) for day in at_home.days] == [(date(2024, 1, 2), 7.0)]
    assert [(day.starts_on.day, day.kwh) for day in away.days] == [(1, 1.0), (2, 6.0)]


def test_a_workbook_is_read_with_the_last_overrides_of_its_formulas(tmp_path: Path) -> None:
    path = tmp_path / "load.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("Empty")
    sheet = book.add_worksheet("Load")
    dated = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, ["Meter 7"])
    sheet.write_row(1, 0, ["Month", "Consumption MWh"])
    for month in range(1, 13):
        sheet.write_datetime(month + 1, 0, datetime(2024, month, 1), dated)
        sheet.write_formula(month + 1, 1, f"={month}*2", None, month * 2)
    book.close()

    layout = understand(path, XLSX_TYPE, LayoutOverrides(quantity=Quantity.CONSUMPTION)).layout
    found = read_consumption(path, XLSX_TYPE, layout)

    assert layout.sheets == ("Load",)
    assert [month.kwh for month in found.months] == [2000.0 * month for month in range(1, 13)]
    assert (found.days, kinds(found)) == ((), {})


def test_a_file_without_two_readings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="at least two usable readings"):
        read(tmp_path / "load", "at,kWh\n2024-01-01,1\n2024-01-02,-1\n2024-01-03,-1\n2024-01-04,-2\n")
    with pytest.raises(Invalid, match="at most a year"):
        read(tmp_path / "load", "at,kWh\n1996-01-01,2\n2002-01-01,1\n2013-01-01,2\n2024-01-01,2\n")
