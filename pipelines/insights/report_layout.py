"""Blocks of a report, which every format renders, and how its figures are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_YEAR_COLUMNS = 8


@dataclass(frozen=True)
class Heading:
    """A section heading."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str


@dataclass(frozen=True)
class Figures:
    """Key figures: labels and values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table; all columns but the first are numbers or short texts."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart of the report, by name, with its caption."""

    name: str
    caption: str


Block = Heading | Paragraph | Figures | Table | Chart


def currency(data: Mapping[str, Any]) -> str:
    """The company's currency after an amount, if it is known."""
    code = data["inputs"]["profile"].get("currency")
    return f" {code}" if code else ""


def format_rate(rate: float | None) -> str:
    """A rate in percent, or that there is none."""
    return "none" if rate is None else format_percent(rate)


def format_percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f} %"


def format_amount(value: float) -> str:
    """An amount of money without decimals."""
    return f"{value:,.0f}"


def format_mwh(kwh: float) -> str:
    """An energy in MWh."""
    return f"{kwh / 1000:,.1f}"


def chosen_years(years: Sequence[Any]) -> list[Any]:
    """At most `MAX_YEAR_COLUMNS` years, evenly from the first to the last."""
    count = min(len(years), MAX_YEAR_COLUMNS)
    if count < 2:
        return list(years)
    return [years[round(index * (len(years) - 1) / (count - 1))] for index in range(count)]


def rounded_shares(shares: Sequence[float]) -> list[float]:
    """Shares in percent with one decimal place, which sum to 100.0 if the shares sum to 1."""
    tenths = [round(1000 * share) for share in shares]
    missing = round(1000 * sum(shares)) - sum(tenths)
    order = sorted(range(len(shares)), key=lambda place: tenths[place] - 1000 * shares[place])
    for place in order[:missing] if missing > 0 else order[missing:] if missing else ():
        tenths[place] += 1 if missing > 0 else -1
    return [value / 10 for value in tenths]
