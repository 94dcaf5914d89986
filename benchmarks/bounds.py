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
    required: str
    measured: str
    met: bool


def verdict(bounds: Sequence[Limit]) -> int:
    """Prints the limits. Returns exit code 1 if one is not met."""
    table = Table("measurement", "required", "result", "", title="Limits")
    for limit in bounds:
        table.add_row(limit.what, limit.required, limit.measured, "met" if limit.met else "MISSED")
    console.print(table)
    return 0 if all(limit.met for limit in bounds) else 1
