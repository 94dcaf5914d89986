"""Layouts of files of readings: what is detected of them, at both sides of every threshold."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.errors import Invalid
from resolvers.insights.table_layout import NUMBER as NUMBER_PATTERN
from resolvers.insights.table_layout import (
    EnergyUnit,
    Layout,
    LayoutOverrides,
    column_names,
    count_header_rows,
    detect_consumption,
    detect_layout,
    detect_renewable,
    detect_time,
    detect_timestamp,
    detect_unit,
    find_column,
    has_decimal_comma,
    is_reading,
    matching_share,
    parse_number,
    parse_unit,
    timestamp_texts,
    validate_layout,
    validate_timezone,
)
from resolvers.insights.table_preview import TablePreview

NONE = LayoutOverrides()


def table(text: str) -> list[list[str]]:
    """Rows that are written one a line, cells parted by bars."""
    return [line.split("|") for line in text.splitlines()]


def head(text: str) -> TablePreview:
    return TablePreview(tuple(tuple(row) for row in table(text)), delimiter=",")


def layout_of(text: str, overrides: LayoutOverrides = NONE) -> Layout:
    return detect_layout(head(text), overrides)


def days(count: int, value: str = "1") -> str:
    return "\n".join(f"2024-01-{day:02}|{value}" for day in range(1, count + 1))


def refusal(text: str, overrides: LayoutOverrides) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(Invalid) as refused:
        layout_of(text, overrides)
    return str(refused.value), tuple(refused.value.path)


def test_a_plain_file_is_understood() -> None:
    found = layout_of("day|Load kWh\n2024-01-01|1.5\n2024-01-02|2.5\n2024-01-04|2.5")

    assert found == Layout(
        columns=("day", "Load kWh"),
        encoding="utf-8",
        delimiter=",",
        sheet=None,
        header_rows=1,
        timestamp=0,
        time=None,
        consumption=1,
        renewable=None,
        notation="%Y-%m-%d",
        decimal_comma=False,
        unit=EnergyUnit.KWH,
        unit_guessed=False,
        timezone="UTC",
        step_minutes=2160.0,  # of one and of two days, the median
    )


def test_everything_may_be_said_instead() -> None:
    text = "a|b|c|d\n01/02/2024|10:00|1,5|2\n02/02/2024|10:00|1,5|2\n03/02/2024|10:00|1,5|2"
    overrides = LayoutOverrides(
        timestamp_column="a",
        time_column="b",
        consumption_column="d",
        renewable_column="c",
        unit=EnergyUnit.MW,
        timezone="Europe/Vienna",
        decimal_comma=False,
        header_rows=1,
        day_first=False,
    )
    found = layout_of(text, overrides)

    assert (found.timestamp, found.time, found.consumption, found.renewable) == (0, 1, 3, 2)
    assert (found.unit, found.unit_guessed, found.timezone) == (EnergyUnit.MW, False, "Europe/Vienna")
    assert (found.decimal_comma, found.notation) == (False, "%m/%d/%Y %H:%M")
    guessed = layout_of(text)
    assert (guessed.timestamp, guessed.time, guessed.consumption, guessed.renewable) == (0, 1, 2, None)
    assert (guessed.unit, guessed.unit_guessed, guessed.timezone) == (EnergyUnit.KWH, True, "UTC")
    assert (guessed.decimal_comma, guessed.notation) == (True, "%d/%m/%Y %H:%M")


def test_columns_that_are_said_are_not_detected_again() -> None:
    text = "day|time|Solar kWh|Load kWh|Grid kWh\n" + "\n".join(
        f"2024-01-0{n}|10:00|1|2|3" for n in range(1, 4)
    )
    detected = layout_of(text)

    assert (detected.timestamp, detected.time, detected.renewable, detected.consumption) == (0, 1, 2, 3)
    # A consumption that is said may be the only one that counts: no renewable column is looked for.
    said = layout_of(text, LayoutOverrides(consumption_column="Grid kWh"))
    assert (said.renewable, said.consumption) == (None, 4)
    said = layout_of(text, LayoutOverrides(consumption_column="Grid kWh", renewable_column="Solar kWh"))
    assert (said.renewable, said.consumption) == (2, 4)
    said = layout_of(text, LayoutOverrides(renewable_column="Load kWh"))
    assert (said.renewable, said.consumption) == (3, 2)
    # A timestamp column that is said holds the time as well.
    said = layout_of(text, LayoutOverrides(timestamp_column="day"))
    assert (said.timestamp, said.time) == (0, None)
    said = layout_of(text, LayoutOverrides(timestamp_column="day", time_column="time"))
    assert (said.timestamp, said.time, said.notation) == (0, 1, "%Y-%m-%d %H:%M")
    said = layout_of(text, LayoutOverrides(time_column="time"))
    assert (said.timestamp, said.time) == (0, 1)


def test_the_unit_is_that_of_the_column_before_that_of_the_title() -> None:
    rows = days(3)

    assert layout_of(f"Report in MWh|\nday|Load GWh\n{rows}").unit is EnergyUnit.GWH
    assert layout_of(f"Report in MWh|\nday|Load\n{rows}").unit is EnergyUnit.MWH
    assert layout_of(f"Report in MWh|\nday|Load\n{rows}").unit_guessed is False
    assert layout_of(f"Report|\nday|Load\n{rows}").unit is EnergyUnit.KWH
    assert layout_of(f"Report|\nday|Load\n{rows}").unit_guessed is True
    said = layout_of(f"Report|\nday|Load GWh\n{rows}", LayoutOverrides(unit=EnergyUnit.WH))
    assert (said.unit, said.unit_guessed) == (EnergyUnit.WH, False)


@pytest.mark.parametrize(
    ("rows", "is_allowed"), [(-1, False), (0, True), (1, True), (3, True), (4, False), (5, False)]
)
def test_header_rows_are_fewer_than_the_rows(rows: int, is_allowed: bool) -> None:
    text = "day|Load\n" + days(3)
    overrides = LayoutOverrides(header_rows=rows)

    if is_allowed:
        assert layout_of(text, overrides).header_rows == rows
    else:
        assert refusal(text, overrides) == (
            "headerRows must be smaller than the number of rows.",
            ("input", "mapping", "headerRows"),
        )


def test_a_file_without_rows_has_no_columns() -> None:
    found = detect_layout(TablePreview(()), LayoutOverrides(header_rows=0))

    assert (found.columns, found.header_rows, found.timestamp, found.consumption) == ((), 0, None, None)
    assert (found.notation, found.step_minutes) == (None, None)
    assert layout_of("day|Load", LayoutOverrides(header_rows=0)).columns == ("Column 1", "Column 2")
    assert refusal("day|Load", LayoutOverrides(header_rows=1))[1] == ("input", "mapping", "headerRows")


def test_a_file_without_timestamps_has_no_notation() -> None:
    found = layout_of("a|b\n1|2\n3|4")

    assert (found.timestamp, found.consumption, found.notation, found.step_minutes) == (None, 0, None, None)


def test_one_instant_has_no_step() -> None:
    found = layout_of("day|Load\n2024-01-01|1\n2024-01-01|2")

    assert (found.notation, found.step_minutes) == ("%Y-%m-%d", None)


def test_steps_are_those_of_the_local_times_in_order() -> None:
    times = ("02:00:00+01:00", "00:00:00+01:00", "00:15:00Z", "04:00:00+01:00")
    text = "at|kWh\n" + "\n".join(f"2024-01-01T{time}|1" for time in times)

    assert layout_of(text).step_minutes == 105.0  # of 15, 105 and 120 minutes


@pytest.mark.parametrize(
    ("shares", "column"),
    [([], None), ([0.5, 0.4], None), ([0.2, 0.51], 1), ([0.6, 0.9, 0.9], 1), ([1.0], 0), ([0.0], None)],
)
def test_timestamps_fill_more_than_half_of_their_column(shares: list[float], column: int | None) -> None:
    assert detect_timestamp(shares) == column


def test_times_of_day_fill_more_than_four_fifths_of_their_column() -> None:
    five, six = ["10:00"] * 4 + ["x"], ["10:00"] * 5 + ["x"]

    assert detect_time([["", cell] for cell in five], 2, 0) is None
    assert detect_time([["", cell] for cell in six], 2, 0) == 1
    assert detect_time([["", cell] for cell in six], 2, 1) is None
    assert detect_time([[cell, cell] for cell in six], 2, None) == 0
    assert detect_time([["", cell] for cell in six], 1, 0) is None


@pytest.mark.parametrize("cell", ["0:00", "23:59", "10:00:00", "1:00 PM", "1:00pm", "10:00:00 am"])
def test_times_of_day_are_written_in_many_ways(cell: str) -> None:
    assert detect_time([[cell]], 1, None) == 0
    assert detect_time([[f"{cell}x"]], 1, None) is None


@pytest.mark.parametrize(
    ("columns", "numeric", "column"),
    [
        (["Solar", "Load"], [0, 1], 0),
        (["Load", "PV kWh", "Wind"], [0, 1, 2], 1),
        (["Solar", "Load"], [0], None),
        (["Load", "Supply"], [0, 1], None),
        (["Load", "npvx"], [0, 1], None),
        (["Solar", "Load", "Wind"], [1, 2], 2),
        (["Load", "Erneuerbar"], [0, 1], 1),
        (["Load", "Photovoltaik"], [0, 1], 1),
        (["Load", "GREEN"], [0, 1], 1),
        (["Load", "Hydro"], [0, 1], 1),
        (["Load", "Regenerativ"], [0, 1], 1),
        (["Load", "Renewable"], [0, 1], 1),
    ],
)
def test_a_renewable_column_has_the_name_of_one(
    columns: list[str], numeric: list[int], column: int | None
) -> None:
    assert detect_renewable(columns, numeric) == column


@pytest.mark.parametrize(
    ("columns", "numeric", "column"),
    [
        (["a", "b"], [1], 1),
        (["a", "b"], [], None),
        (["a", "Verbrauch", "Load"], [0, 1, 2], 1),
        (["Load", "b"], [1], 1),
        *(
            (["a", name], [0, 1], 1)
            for name in (
                *(
                    "Consumption",
                    "Bezug",
                    "Demand",
                    "Last",
                    "usage",
                    "Energy",
                    "Energie",
                    "Import",
                    "kWh",
                    "MWh",
                ),
                *("value", "Total", "actual"),
            )
        ),
    ],
)
def test_the_consumption_column_has_the_name_of_one_or_is_the_first(
    columns: list[str], numeric: list[int], column: int | None
) -> None:
    assert detect_consumption(columns, numeric) == column


def test_what_is_said_goes_before_what_would_be_detected() -> None:
    text = "day|end|from|to|7|8\n" + "\n".join(f"2024-01-0{n}|2024-02-0{n}|10:00|11:00|1|2" for n in (1, 2))

    assert layout_of(text, LayoutOverrides(timestamp_column="end")).timestamp == 1
    assert layout_of(text, LayoutOverrides(time_column="to")).time == 3
    assert layout_of(text, LayoutOverrides(timestamp_column="7")).consumption == 5
    assert layout_of(text, LayoutOverrides(time_column="7")).consumption == 5
    assert layout_of(text).consumption == 4


def test_units_beside_the_readings_are_no_unit_of_theirs() -> None:
    found = layout_of("day|Load|note\n2024-01-01|1|in MW\n2024-01-02|2|in MW")

    assert (found.unit, found.unit_guessed) == (EnergyUnit.KWH, True)


def test_a_little_more_than_half_is_enough() -> None:
    def rows(few: str, many: str) -> str:
        cells = [few] * 10 + [many] * 11
        return "day|a|b\n" + "\n".join(f"2024-01-{day:02}|{cell}|1" for day, cell in enumerate(cells, 1))

    assert layout_of(rows("20240101", "7")).consumption == 1  # 10 of 21 are dates, all are numbers
    assert layout_of(rows("7", "20240101")).consumption == 2
    assert layout_of(rows("x", "7")).consumption == 1
    assert layout_of(rows("7", "x")).consumption == 2


def test_half_of_the_cells_decide_what_a_column_holds() -> None:
    half = "day|note|Load\n2024-01-01|1|1\n2024-01-02|x|1"
    more = half + "\n2024-01-03|2|1"

    assert layout_of(half).consumption == 2
    assert layout_of(half.replace("Load", "b").replace("note", "a")).consumption == 2
    assert layout_of(more.replace("Load", "b").replace("note", "a")).consumption == 1


def test_a_column_that_is_half_timestamps_holds_no_numbers() -> None:
    # 20240101 and 20240102 are dates and numbers; 7 and 8 are numbers only.
    text = "day|a|b\n2024-01-01|20240101|1\n2024-01-02|7|2"

    assert layout_of(text).consumption == 2
    assert layout_of(text + "\n2024-01-03|8|3").consumption == 1


def test_empty_cells_do_not_count() -> None:
    cells = [["1"], [""], [""], ["x"], ["2"]]

    assert matching_share(cells, 0, NUMBER_PATTERN) == 2 / 3
    assert matching_share([[""], [""]], 0, NUMBER_PATTERN) == 0.0
    assert matching_share([], 0, NUMBER_PATTERN) == 0.0


@pytest.mark.parametrize(
    ("cell", "is_number"),
    [
        ("1", True),
        ("-1.5", True),
        ("+1,5", True),
        ("1.234,5", True),
        ("1 234", True),
        ("1'234", True),
        ("1\u2019234", True),
        ("1\u00a0234", True),
        ("1e3", True),
        ("1.5E-3", True),
        (".5", True),
        ("5.", False),
        ("1e", False),
        ("x", False),
        ("", False),
        ("1 kWh", False),
        ("--1", False),
    ],
)
def test_numbers_are_written_in_many_ways(cell: str, is_number: bool) -> None:
    assert matching_share([[cell]], 0, NUMBER_PATTERN) == float(is_number)
    assert is_reading(["2024-01-01", cell]) is is_number


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (["2024-01-01", "1"], True),
        (["1", "2024-01-01"], True),
        (["2024-01-01", ""], False),
        (["2024-01-01", "x"], False),
        (["1", "2"], False),
        (["2024-01-01"], False),
        (["20240101"], False),  # a date only, although it could be a number
        (["20240101", "20240102"], False),
        (["20240101", "1"], True),
        ([], False),
    ],
)
def test_a_reading_has_an_instant_and_a_number(row: list[str], expected: bool) -> None:
    assert is_reading(row) is expected


def test_the_first_reading_is_followed_by_readings() -> None:
    assert count_header_rows(table("day|kWh\n" + days(3))) == 1
    assert count_header_rows(table(days(3))) == 0
    # Of the five rows from the first date on three are readings, six tenths; of the next five rows two.
    early = "Report|1\n2024-01-01|1\na|b\nday|kWh\n2024-01-01|1\n2024-01-02|1"
    assert count_header_rows(table(early)) == 1
    assert count_header_rows(table(early.rpartition("\n")[0])) == 4
    assert count_header_rows(table("2024-01-01|1\na|b\nc|d\n" + days(2))) == 0
    # Four of seven are too few.
    assert count_header_rows(table("2024-01-01|1\na|b\nc|d\ne|f\n" + days(3))) == 4
    # A row that is partly empty is a row.
    assert count_header_rows(table("2024-01-01|1|x\na||\nb||")) == 1


def test_ten_rows_are_looked_at_and_empty_ones_left_out() -> None:
    # Six of the first ten rows are readings; the eleventh is none, the twelfth one.
    six = days(1) + "\n" + "a|b\n" * 4 + days(5)
    assert count_header_rows(table(f"{six}\na|b")) == 0
    five = days(1) + "\n" + "a|b\n" * 5 + days(4) + "\n" + days(9)
    assert count_header_rows(table(five)) == 6
    empty = days(1) + "\n" + "|\n" * 8 + days(1)
    assert count_header_rows(table(empty)) == 0


@pytest.mark.parametrize(("rows", "count"), [(0, 0), (1, 0), (2, 1), (5, 1)])
def test_without_readings_the_first_row_is_a_header(rows: int, count: int) -> None:
    assert count_header_rows([["a", "b"]] * rows) == count


@pytest.mark.parametrize(
    ("above", "width", "names"),
    [
        ([], 2, ("Column 1", "Column 2")),
        ([["day", "kWh"]], 2, ("day", "kWh")),
        ([["Report", ""], ["day", "kWh"]], 2, ("day", "kWh")),  # a title of one cell names no column
        ([["Meter", "Load"], ["day", "kWh"]], 2, ("Meter day", "Load kWh")),
        ([["x", "y"], ["Meter", "Load"], ["day", "kWh"]], 2, ("Meter day", "Load kWh")),
        ([["day", "kWh"], ["day", "kWh"]], 2, ("day", "kWh")),
        ([["Meter", "Load"], ["day", ""]], 2, ("Meter", "Load")),
        ([["Meter", "Load", ""], ["day", "", "x"]], 3, ("Meter day", "Load", "x")),
        ([["day", "", "kWh"]], 3, ("day", "Column 2", "kWh")),
        ([["a", "a", "a"]], 3, ("a", "a (2)", "a (3)")),
        ([["load"]], 1, ("load",)),
        ([["a" * 199, "b" * 250]], 2, ("a" * 199, "b" * 200)),
    ],
)
def test_columns_are_named_by_the_two_rows_above_the_readings(
    above: Sequence[Sequence[str]], width: int, names: tuple[str, ...]
) -> None:
    assert column_names(above, width) == names


def test_a_column_that_is_said_must_exist() -> None:
    assert find_column(["a", "b"], "b", "timeColumn") == 1
    assert find_column(["a", "b"], None, "timeColumn") is None
    for field, overrides in {
        "timestampColumn": LayoutOverrides(timestamp_column="c"),
        "timeColumn": LayoutOverrides(time_column="c"),
        "consumptionColumn": LayoutOverrides(consumption_column="c"),
        "renewableColumn": LayoutOverrides(renewable_column="c"),
    }.items():
        assert refusal("a|b\n" + days(2), overrides) == (
            f"{field} must be a column of the file.",
            ("input", "mapping", field),
        )


def test_a_time_zone_has_a_name_and_is_utc_if_none_is_said() -> None:
    assert (validate_timezone(None), validate_timezone(""), validate_timezone("Europe/Vienna")) == (
        "UTC",
        "UTC",
        "Europe/Vienna",
    )
    for name in ("Europe/Atlantis", "../../etc/passwd", "Europe", "\x00", "a" * 300):
        with pytest.raises(Invalid) as refused:
            validate_timezone(name)
        assert tuple(refused.value.path) == ("input", "mapping", "timezone")


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Load (kWh)", EnergyUnit.KWH),
        ("MWH", EnergyUnit.MWH),
        ("gwh", EnergyUnit.GWH),
        ("Wh", EnergyUnit.WH),
        ("Power kW", EnergyUnit.KW),
        ("mw", EnergyUnit.MW),
        ("in kWh/day", EnergyUnit.KWH),
        ("GW", None),
        ("W", None),
        ("akWh", None),
        ("kWha", None),
        ("Load", None),
        ("", None),
    ],
)
def test_units_stand_in_titles(title: str, unit: EnergyUnit | None) -> None:
    assert parse_unit(title) is unit
    assert detect_unit(title, []) is unit
    assert detect_unit("Load", [["a", "b"], ["", title]]) is unit
    assert detect_unit(title, [["MW"]]) is (unit or EnergyUnit.MW)


LAYOUT = layout_of("day|time|kWh\n2024-01-01|10:00|1\n2024-01-02|10:00|2")


def test_dates_and_times_become_one_text() -> None:
    rows = [["2024-01-01", "10:00", "1"], ["", "", "2"], ["", "11:00", "3"]]

    assert timestamp_texts(LAYOUT, rows) == ["2024-01-01 10:00", " 11:00"]
    assert timestamp_texts(replace(LAYOUT, time=None), rows) == ["2024-01-01"]
    assert timestamp_texts(replace(LAYOUT, timestamp=None), rows) == []


@pytest.mark.parametrize(
    ("cells", "comma"),
    [
        ([], False),
        (["1,5"], True),
        (["1.5"], False),
        (["1,5", "1.5"], False),
        (["1,5", "1.5", "2,5"], True),
        (["1,5", "1.5", "2.5"], False),
        (["1.234,5"], True),
        (["1,234.5"], False),
        (["1,234"], False),  # a group or a decimal comma: it decides nothing
        (["1,234"] * 5 + ["1.5"], False),
        (["1.234"] * 5 + ["1,5"], True),
        (["1,234"] * 5 + ["1.5", "1.5"], False),
        (["1.234"], False),
        (["1,234,567", "0.5"], False),
        (["12,34"], True),
        (["1,2345"], True),
        (["1234,567"], True),
        (["1234.567", "1,5"], False),
        (["1 234,567"], True),
        (["1'234.567", "1'234.567", "1,5"], False),
        (["1'234.567", "1.234", "1,234"], False),
        (["1 234,567", "1.234"], True),
        (["01.02.2024", "1,5", "x,y", "1"], True),
        (["01.02.2024", "02.02.2024", "1,5"], True),  # dates are no numbers
        (["7", "8"], False),
        (["x,y", "a,b", "1.5"], False),
        (["-1,5"], True),
        (["1e5", "1,5e3"], True),
    ],
)
def test_numbers_that_are_clear_decide_the_decimal_comma(cells: list[str], comma: bool) -> None:
    assert has_decimal_comma([[cell] for cell in cells]) is comma
    assert has_decimal_comma([cells]) is comma


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1", 1.0, 1.0),
        ("1.5", 1.5, 15.0),
        ("1,5", 15.0, 1.5),
        ("1.234,5", 1.2345, 1234.5),
        ("1,234.5", 1234.5, 1.2345),
        (" 1 234'567\u2019890\u00a01 ", 12345678901.0, 12345678901.0),
        ("-1.5e3", -1500.0, -15000.0),
        ("", None, None),
        ("x", None, None),
        ("1 kWh", None, None),
    ],
)
def test_numbers_are_read_with_either_separator(text: str, point: float | None, comma: float | None) -> None:
    assert (parse_number(text, False), parse_number(text, True)) == (point, comma)


@pytest.mark.parametrize(
    ("text", "message", "path"),
    [
        (
            "a|b\n1|2\n3|4",
            "No timestamp column was detected. Set timestampColumn.",
            ("input", "mapping", "timestampColumn"),
        ),
        (
            "day|note\n2024-01-01|a\n2024-01-02|b",
            "No consumption column was detected. Set consumptionColumn.",
            ("input", "mapping", "consumptionColumn"),
        ),
        (
            "day|kWh\n2024-31-01|1\n2024-32-01|2",
            "The timestamps have an unknown format.",
            ("input", "mapping", "timestampColumn"),
        ),
        ("day|kWh\n" + days(1), "The file must contain at least 2 readings (got 1).", ("input", "uploadId")),
        (
            "day|kWh\n" + days(1) + "\n|",
            "The file must contain at least 2 readings (got 1).",
            ("input", "uploadId"),
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text: str, message: str, path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refused:
        validate_layout(layout_of(text), head(text))

    assert (str(refused.value), tuple(refused.value.path)) == (message, path)


def test_a_consumption_column_holds_a_number() -> None:
    text = "day|kWh\n2024-01-01|x\n2024-01-02|y"
    overrides = LayoutOverrides(consumption_column="kWh", header_rows=1)
    with pytest.raises(Invalid) as refused:
        validate_layout(layout_of(text, overrides), head(text))

    assert (str(refused.value), tuple(refused.value.path)) == (
        "The consumption column contains no numbers.",
        ("input", "mapping", "consumptionColumn"),
    )
    for fine in (text.replace("x", "1"), text.replace("|y", "|1"), "day|kWh\n" + days(2)):
        validate_layout(layout_of(fine, overrides), head(fine))


def test_readings_may_have_empty_cells() -> None:
    text = "day|kWh|note\n2024-01-01|1|\n2024-01-02|2|"

    validate_layout(layout_of(text), head(text))
    found = layout_of("day|kWh|note\n2024-01-01|1|\n||\n2024-01-02|2,5|\n|3,5|")
    assert (found.timestamp, found.consumption, found.notation, found.decimal_comma) == (
        0,
        1,
        "%Y-%m-%d",
        True,
    )


def test_numbers_above_the_readings_are_no_readings() -> None:
    text = "day|7\n2024-01-01|x\n2024-01-02|y"
    overrides = LayoutOverrides(header_rows=1, consumption_column="7", timestamp_column="day")

    with pytest.raises(Invalid, match="contains no numbers"):
        validate_layout(layout_of(text, overrides), head(text))
