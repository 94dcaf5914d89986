"""Numbers as they are written, and which decimal mark their texts prove."""

from dataclasses import dataclass

import polars as pl

SPACES = r"[\s'\u2019\u00a0\u202f\u2009]"
SUFFIX = r"(?i)\s*(kwh|mwh|gwh|wh|kw|mw|gj|mj|€|eur|m³|m3)$"
NUMBER = r"^[+-]?(\d[\d.,]*\d|\d)([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Marks:
    """How many texts are numbers, and what the marks in them prove."""

    numbers: int = 0
    comma_decimals: int = 0
    """Numbers that have a decimal comma for certain."""
    point_decimals: int = 0
    three_after_comma: int = 0
    """Numbers with one comma, and three digits after it: decimals or thousands."""
    three_after_point: int = 0
    short_plain: int = 0
    """Numbers without a mark below 1,000."""
    long_plain: int = 0

    def __add__(self, other: "Marks") -> "Marks":
        return Marks(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def as_number(value: object, default: float = 0.0) -> float:
    """A statistic of a column as a number; the default where the column is empty."""
    return float(value) if isinstance(value, int | float) else default


def bare(texts: pl.Expr) -> pl.Expr:
    """Texts without spaces, apostrophes and units."""
    return texts.str.replace(SUFFIX, "").str.replace_all(SPACES, "")


def count_marks(texts: pl.Series) -> Marks:
    """What the texts of a column prove about the decimal mark."""
    text = pl.col("text")
    frame = texts.alias("text").to_frame().select(bare(text)).filter(text.str.contains(NUMBER))
    commas, points = text.str.count_matches(","), text.str.count_matches(".", literal=True)
    comma_last = text.str.contains(r",[^.]*$")
    thousand_comma = text.str.contains(r"^[+-]?[1-9]\d{0,2},\d{3}$")
    thousand_point = text.str.contains(r"^[+-]?[1-9]\d{0,2}\.\d{3}$")
    both = (commas > 0) & (points > 0)
    counted = frame.select(
        numbers=pl.len(),
        comma_decimals=(
            (both & comma_last)
            | ((points > 1) & (commas == 0))
            | ((commas == 1) & (points == 0) & ~thousand_comma)
        ).sum(),
        point_decimals=(
            (both & ~comma_last)
            | ((commas > 1) & (points == 0))
            | ((points == 1) & (commas == 0) & ~thousand_point)
        ).sum(),
        three_after_comma=thousand_comma.sum(),
        three_after_point=thousand_point.sum(),
        short_plain=text.str.contains(r"^[+-]?\d{1,3}$").sum(),
        long_plain=text.str.contains(r"^[+-]?\d{4,}$").sum(),
    )
    return Marks(**counted.row(0, named=True))


def parse_numbers(texts: pl.Expr, decimal_comma: bool) -> pl.Expr:
    """The numbers in texts; null where the marks contradict the decimal mark."""
    text = bare(texts)
    group, mark = (".", ",") if decimal_comma else (",", ".")
    grammar = rf"^[+-]?(\d{{1,3}}(\{group}\d{{3}})+|\d+)(\{mark}\d+)?([eE][+-]?\d+)?$|^[+-]?\{mark}\d+$"
    number = text.str.replace_all(group, "", literal=True).str.replace(mark, ".", literal=True)
    return pl.when(text.str.contains(grammar)).then(number.cast(pl.Float64, strict=False))


def number_share(texts: pl.Series) -> float:
    """The share of the filled cells of a column that are numbers."""
    filled = texts.filter(texts != "")
    if not filled.len():
        return 0.0
    return filled.to_frame("text").select(bare(pl.col("text")).str.contains(NUMBER).mean()).item() or 0.0
