"""Limits of benchmarks, and their result table."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

console = Console(width=130, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, the measured value, and whether it is met."""

    what: str
    wanted: str
    measured: str
    met: bool


def verdict(bounds: Sequence[Limit]) -> int:
    """Prints the limits. Returns exit code 1 if one is not met."""
    table = Table("measured", "wanted", "got", "", title="Bounds")
    for bound in bounds:
        table.add_row(bound.what, bound.wanted, bound.measured, "met" if bound.met else "MISSED")
    console.print(table)
    return 0 if all(bound.met for bound in bounds) else 1
