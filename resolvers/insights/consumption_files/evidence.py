"""Evidence for competing readings of a file, as log odds: questions, their options and what supports them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import log
from typing import Any

import polars as pl

from resolvers.insights.consumption_files import moments
from resolvers.insights.consumption_files.columns import (
    END,
    ENERGY,
    PART,
    POWER,
    REGISTER,
    START,
    TOTAL,
    Columns,
    column_values,
)
from resolvers.insights.consumption_files.layout import IntervalLabel, Layout, Quantity, TableShape
from resolvers.insights.consumption_files.numbers import Marks, as_number, count_marks
from resolvers.insights.consumption_files.tables import Table
from resolvers.insights.consumption_files.units import EnergyUnit, parse_unit

MARGIN = 2.0
"""Log odds by which the best option has to lead the next one to be taken without asking."""
CERTAIN = 8.0
HOUR, DAY, MONTH = 60.0, 1440.0, 27 * 1440.0
CONTINENTAL = re.compile(
    r"datum|uhrzeit|zeit\b|zeitstempel|verbrauch|leistung|zähler|monat|jahr|stunde|summe|kosten|wert\b|von\b|bis\b"
    r"|fecha|hora\b|consumo|potencia|lectura|contador|mes\b|año|coste|desde|hasta"
    r"|horodatage|consommation|puissance|compteur|mois|année|coût|heure|début"
    r"|\bdata\b|\bora\b|potenza|lettura|contatore|mese\b|anno\b|costo",
    re.I,
)
ENGLISH = re.compile(
    r"\b(date|time|timestamp|consumption|usage|load|power|meter|reading|month|year|hour|from|cost|energy|interval)\b",
    re.I,
)
GAS = re.compile(r"\b(erd)?gas|\bgaz\b", re.I)
PURE_POWER = re.compile(r"leistung|power|puissance|potencia", re.I)
SUM_TOLERANCE = 0.005
LEAST_RISE = 0.02
"""The share of its state by which a register grows in a file at least, unless the file is long."""
LEAST_FALLS = 0.005
"""The share of steps at which a register may fall: it ran over, or the meter was exchanged."""
MOST_AFTER_ZERO = 0.3
"""The share of its last number up to which a register stands after it ran over."""
STEADY_PRICE = 0.3
"""Relative spread of cost over consumption up to which the cost is that of the consumption."""


@dataclass(frozen=True)
class Option:
    """An answer to a question: the changes of the layout that it means, its log odds, and its words."""

    changes: Mapping[str, Any]
    odds: float
    words: str


@dataclass(frozen=True)
class Question:
    """A question about a file, with the options in order of their odds."""

    field: str
    """Field of the mapping that answers it."""
    words: str
    options: tuple[Option, ...]

    @property
    def is_open(self) -> bool:
        """Whether no option leads by the margin."""
        return len(self.options) > 1 and self.options[0].odds - self.options[1].odds < MARGIN


def ask(field: str, words: str, options: Sequence[Option]) -> Question:
    return Question(field, words, tuple(sorted(options, key=lambda option: -option.odds)))


def is_continental(table: Table) -> bool:
    """Whether the words of a table are German, French or Spanish."""
    words = " ".join((*table.names, table.titles))
    return len(CONTINENTAL.findall(words)) > len(ENGLISH.findall(words)) or bool(
        re.search(r"[äöüßñéèûóí]", words)
    )


def date_texts(table: Table, columns: Columns) -> pl.Series:
    return pl.Series([], dtype=pl.String) if columns.start is None else table.column(columns.start)


def decimal_question(table: Table, columns: Columns, cells: Sequence[int], step: float | None) -> Question:
    """Which mark is the decimal one, in the `cells` columns that hold consumption."""
    words = "Is the mark in the numbers a decimal mark, or does it group thousands?"
    point, comma = (
        Option({"decimal_comma": comma}, 0.0, "The decimal mark is a " + ("comma." if comma else "point."))
        for comma in (False, True)
    )
    text_cells = [number for number in cells if number not in table.typed]
    own = sum((count_marks(table.column(number)) for number in text_cells), Marks())
    others = [
        number
        for number in range(table.cells.width)
        if number not in (*cells, columns.start, columns.end, columns.time, columns.slot)
        and number not in table.typed
    ]
    near = sum((count_marks(table.column(number)) for number in others), Marks())
    if own.comma_decimals != own.point_decimals:
        lead = CERTAIN if own.comma_decimals > own.point_decimals else -CERTAIN
    elif own.three_after_comma or own.three_after_point:
        lead = three_digit_odds(table, columns, cells, own, near, step)
    else:
        lead = CERTAIN if near.comma_decimals > near.point_decimals else -CERTAIN
    return ask("decimalComma", words, [replace(comma, odds=lead / 2), replace(point, odds=-lead / 2)])


def three_digit_odds(
    table: Table, columns: Columns, cells: Sequence[int], own: Marks, near: Marks, step: float | None
) -> float:
    """Log odds of a decimal comma where every mark is followed by three digits."""
    dates = date_texts(table, columns)
    dotted = as_number(dates.str.contains(r"^\d{1,2}\.\d{1,2}\.\d").mean()) > 0.5
    american = as_number(dates.str.contains(r"^\d{1,2}/(1[3-9]|[23]\d)/").sum()) > 0
    continental, english = is_continental(table), bool(ENGLISH.search(" ".join(table.names)))
    if near.comma_decimals != near.point_decimals:
        neighbours = 6.0 if near.comma_decimals > near.point_decimals else -6.0
    else:
        neighbours = 0.0
    units = [parse_unit(table.names[number]) for number in cells] or [parse_unit(table.titles)]
    fine = sum(
        (unit is EnergyUnit.WH) - (unit in (EnergyUnit.MWH, EnergyUnit.GWH, EnergyUnit.GJ)) for unit in units
    )
    locale = 1.5 * (table.delimiter == ";") - 1.5 * (table.delimiter == ",") + 1.5 * dotted - 2.0 * american
    locale += 1.2 * continental - 1.5 * (english and not continental)
    decimals = -1.5 * (fine > 0) + 1.5 * (fine < 0)
    if step is not None:
        decimals += 0.7 if step <= HOUR else -1.0 if step >= MONTH else 0.0
    marked = own.three_after_comma + own.three_after_point
    if own.long_plain > 0.02 * marked:
        decimals += 4.0  # a number of four digits without a mark: thousands are not grouped
    elif own.short_plain > 0.05 * marked:
        decimals -= 4.0  # numbers below a thousand have no mark
    if own.three_after_comma and not own.three_after_point:
        return locale + neighbours + decimals
    if own.three_after_point and not own.three_after_comma:
        # Beside German, French or Spanish words, a point groups thousands in offices; meters write decimals.
        doubtful = min(locale, 1.5) if neighbours == 0 and decimals > -2 else locale
        return doubtful + neighbours - decimals
    return neighbours


def order_question(table: Table, columns: Columns) -> Question | None:
    """Whether the day stands before the month; None if all dates say so themselves."""
    texts = [table.column(number) for number in (columns.start, columns.end) if number is not None]
    if not texts:
        return None
    dates = pl.concat(texts).str.extract_all(r"\b\d{1,2}[/-]\d{1,2}[/-]\d{2,4}").explode(empty_as_null=True)
    parts = dates.str.extract_groups(r"^(\d{1,2})[/-](\d{1,2})").struct.unnest()
    first, second = (parts[name].cast(pl.Int32, strict=False) for name in ("1", "2"))
    if first.null_count() == first.len():
        return None
    day_first = Option({"day_first": True}, 0.0, "The day stands before the month.")
    month_first = Option({"day_first": False}, 0.0, "The month stands before the day.")
    beyond_first, beyond_second = int((first > 12).sum()), int((second > 12).sum())
    if beyond_first != beyond_second:
        lead = CERTAIN if beyond_first > beyond_second else -CERTAIN
    else:
        lead = 2.5 * is_continental(table) + 1.0 * (table.delimiter == ";")
        lead += order_odds(table, columns)
    options = [replace(day_first, odds=lead / 2), replace(month_first, odds=-lead / 2)]
    return ask("dayFirst", "Are the dates written with the day or with the month first?", options)


def order_odds(table: Table, columns: Columns) -> float:
    """Log odds of the day before the month, by the order and the gaps of the instants."""
    known = []
    for day_first in (True, False):
        texts = table.column(columns.start or 0)
        if columns.time is not None:
            texts = texts + " " + table.column(columns.time)
        at = moments.parse_moments(texts, day_first)["start"]
        if columns.slot is not None:
            minutes = table.column(columns.slot).cast(pl.Int64, strict=False) * 15
            at = at + minutes.cast(pl.Duration("ms")) * 60_000
        at = at.drop_nulls()
        if at.len() < 3:
            return 0.0
        steps = at.unique().sort().diff().drop_nulls().dt.total_seconds()
        common = as_number(steps.quantile(0.25, "lower"), 1.0)
        spread = as_number(steps.sum()) / max(1.0, float(steps.len()) * max(common, 1.0))
        backwards = as_number((at.diff().drop_nulls().dt.total_seconds() < 0).mean())
        known.append((log(max(1.0, spread)), backwards))
    (day_spread, day_back), (month_spread, month_back) = known
    return max(-6.0, min(6.0, 2.0 * (month_spread - day_spread) + 8.0 * (month_back - day_back)))


def unit_question(table: Table, layout: Layout, step: float | None) -> Question | None:
    """The unit where the file names none; None where it names one."""
    names = [table.names[number] for number in layout.values] if layout.shape is TableShape.ROWS else []
    sample = chain.from_iterable(table.column(number).head(20) for number in layout.values)
    texts = [*names, table.titles, *(cell for cell in sample if re.search("[A-Za-z]", cell))]
    unit = next((unit for text in texts if (unit := parse_unit(text))), None)
    if unit is not None:
        certain = unit is not EnergyUnit.M3 or GAS.search(" ".join(texts)) is not None
        changes = {"unit": unit, "unit_guessed": not certain}
        return ask("unit", "", [Option(changes, 0.0, f"The unit is {unit.value}.")])
    if layout.quantity is Quantity.REGISTER:
        return None
    of_columns = f" of {' and '.join(names[:3])}" if names else ""
    words = f"Which unit do the numbers{of_columns} have? The file names none."
    text = " ".join((*names, table.titles))
    energy = 3.0 if ENERGY.search(text) and not POWER.search(text) else 0.0
    power = 3.0 if PURE_POWER.search(text) else 1.0 if POWER.search(text) and not energy else 0.0
    if step is None or step >= DAY:
        energy += 3.0
    if step == HOUR:
        return None  # kilowatts of an hour are kilowatt hours
    return ask(
        "unit",
        words,
        [
            Option({"unit": EnergyUnit.KWH}, energy, "The numbers are kilowatt hours."),
            Option(
                {"unit": EnergyUnit.KW}, power, "The numbers are kilowatts, the mean power of each interval."
            ),
        ],
    )


def quantity_question(table: Table, layout: Layout, columns: Columns) -> Question | None:
    """Whether the numbers are a register's; None if they do not grow."""
    if layout.shape is not TableShape.ROWS or not layout.values:
        return None
    names = " ".join(table.names[number] for number in layout.values)
    candidates = columns.values if set(layout.values) <= set(columns.values) else layout.values
    named = REGISTER.search(names) is not None
    growing, falls, count, rise = growth(table, layout, candidates)
    consumption = Option(
        {"quantity": Quantity.CONSUMPTION}, 0.0, "Each number is the consumption of an interval."
    )
    register = Option(
        {"quantity": Quantity.REGISTER},
        0.0,
        "The numbers are readings of a register: consumption is their difference.",
    )
    words = f"Are the numbers of {names[:100]} a consumption, or readings of a register that grows?"
    if not growing:
        if not named or falls > max(1, 0.2 * count):
            return None
        odds = -1.0 if falls > 1 else 0.0  # named as a register, and it falls now and then
    else:
        odds = 0.5 + min(6.0, 0.1 * count) if rise < 0.5 else min(2.5, 0.05 * count)
        odds = odds if count > 2 else 0.0
    if named:
        odds += 5.0
    elif ENERGY.search(names) or POWER.search(names):
        odds -= 3.5
    if any(is_priced(table, layout, cost) for cost in columns.costs):
        odds -= 8.0
    if rise * count < LEAST_RISE and count < HOUR:
        odds -= 3.0
    return ask("quantity", words, [replace(consumption, odds=-odds / 2), replace(register, odds=odds / 2)])


def is_priced(table: Table, layout: Layout, cost: int) -> bool:
    """Whether a column of costs is about proportional to the numbers themselves."""
    values = column_values(table, layout.values[0], layout.decimal_comma)
    ratio = (column_values(table, cost, layout.decimal_comma) / values).drop_nulls()
    middle = as_number(ratio.mean())
    return ratio.len() > 2 and middle > 0 and as_number(ratio.std()) < STEADY_PRICE * middle


def growth(table: Table, layout: Layout, candidates: Sequence[int]) -> tuple[bool, int, int, float]:
    """Whether the numbers grow, the number of falls and of steps, and the size of a
    typical step beside the numbers.
    """
    falls = count = 0
    rise = 0.0
    for number in candidates:
        frame = table.cells.select(
            column_values(table, number, layout.decimal_comma).alias("value"),
            (pl.col(str(layout.meter)) if layout.meter is not None else pl.lit("")).alias("meter"),
        ).drop_nulls()
        for _, part in frame.group_by("meter", maintain_order=True):
            values = part["value"]
            steps = values.diff().drop_nulls()
            runs_over = int((values < MOST_AFTER_ZERO * values.shift(1)).sum())
            counted = int((steps < 0).sum()) - (runs_over if runs_over <= 1 and steps.len() > 4 else 0)
            falls, count = falls + counted, count + steps.len()
            rises = steps.filter(steps > 0)
            if rises.len() == 0:
                return False, falls, count, 0.0
            middle = as_number(part["value"].median())
            rise = max(rise, as_number(rises.median()) / middle if middle else 1.0)
    return falls <= LEAST_FALLS * count, falls, count, rise


def values_question(table: Table, columns: Columns, decimal_comma: bool) -> Question:
    """Which columns are the consumption: one, the one that is the sum of the others, or several together."""
    names, found = table.names, columns.values
    words = "Which columns hold the consumption?"

    def option(numbers: Sequence[int], odds: float) -> Option:
        listed = ", ".join(names[number] for number in numbers[:5]) + (", …" if len(numbers) > 5 else "")
        text = (
            f"The consumption is {listed}."
            if len(numbers) == 1
            else f"The consumption is the sum of {listed}."
        )
        return Option({"values": tuple(numbers)}, odds, text)

    if len(found) == 1:
        return ask("consumptionColumns", words, [option(found, 0.0)])
    values = {number: column_values(table, number, decimal_comma) for number in found}
    extra = [] if columns.renewable is None else [columns.renewable]
    sources = {**values, **{n: column_values(table, n, decimal_comma) for n in extra}}
    for number in found:
        rest = [n for n in sources if n != number]
        if len(rest) > 1 and is_sum(sources[number], [sources[n] for n in rest]):
            return ask("consumptionColumns", words, [option([number], 0.0)])
    for number in found:
        rest = [n for n in found if n != number]
        if all(is_multiple(values[number], values[n], names[number], names[n]) for n in rest):
            return ask("consumptionColumns", words, [option([number], 0.0)])
    plain = [n for n in found if not PART.search(names[n]) and ENERGY.search(names[n])]
    totals = [n for n in found if TOTAL.search(names[n])]
    stems = {re.sub(r"[\d.]+|\b[A-Z]\b", "", names[n]) for n in found}
    numbered = len(stems) == 1 and any(parse_unit(names[n]) or PART.search(names[n]) for n in found)
    parts = [n for n in found if PART.search(names[n])]
    together = 4.0 if len(parts) == len(found) or numbered else 0.0
    options = [option(found, together)]
    options += [
        option([n], 1.0 * (n in plain) + 1.5 * (n in totals) + (2.5 if plain == [n] else 0.0))
        for n in found[:6]
    ]
    return ask("consumptionColumns", words, options)


def is_sum(total: pl.Series, parts: Sequence[pl.Series]) -> bool:
    """Whether a column is the sum of others in nearly all rows."""
    added = sum((part.fill_null(0) for part in parts[1:]), parts[0].fill_null(0))
    frame = pl.DataFrame({"total": total, "added": added}).drop_nulls()
    near = (frame["total"] - frame["added"]).abs() <= SUM_TOLERANCE * frame["total"].abs() + 0.011 * len(
        parts
    )
    return frame.height > 1 and as_number(near.mean()) > 0.95 and as_number(frame["total"].sum()) > 0


def is_multiple(one: pl.Series, other: pl.Series, name: str, other_name: str) -> bool:
    """Whether two columns are the same energy in different units; the smaller unit is kept."""
    units = parse_unit(name), parse_unit(other_name)
    frame = (
        pl.DataFrame({"one": one, "other": other})
        .drop_nulls()
        .filter((pl.col("one") > 0) & (pl.col("other") > 0))
    )
    if None in units or units[0] is units[1] or frame.height < 2:
        return False
    ratio = frame["one"] / frame["other"]
    spread = as_number(ratio.std()) / as_number(ratio.mean(), 1.0)
    return spread < 0.02 and as_number(ratio.mean()) >= 1


def interval_label(table: Table, columns: Columns, at: pl.Series, step: float | None) -> IntervalLabel:
    """Which end of its interval an instant names: by its column, by 24:00, or by the first and last."""
    if columns.start is None or columns.end is not None:
        return IntervalLabel.START
    name = table.names[columns.time if columns.time is not None else columns.start]
    texts = table.column(columns.time if columns.time is not None else columns.start)
    if bool(texts.str.contains(r"(^|[ T])24:00").any()):
        return IntervalLabel.END
    if END.search(name) and not START.search(name):
        return IntervalLabel.END
    if step is not None and step <= HOUR and at.len() > 2:
        ordered = at.sort()
        minutes = (ordered.dt.hour().cast(pl.Int32) * 60 + ordered.dt.minute()).to_list()
        if (minutes[0], minutes[-1]) == (step, 0):
            return IntervalLabel.END
    return IntervalLabel.START
