"""Generated pairs of plans, the old one as a simulated scan."""

from collections.abc import Iterator
from pathlib import Path
from statistics import mean

from rich.table import Table

from benchmarks import pairs
from benchmarks.drawings.sections import Limit, compare_pair, console, make_pair, processes

PAIRS = 40


def synthetic(data: Path, folder: Path) -> Iterator[Limit]:
    """Generated pairs with simulated scans: corner error below 3 pixels, and changes matched one to one."""
    with processes() as pool:
        made = list(pool.map(make_pair, [(index, folder) for index in range(PAIRS)]))
        outcomes = list(pool.map(compare_pair, [(pair, folder) for pair in made]))
    table = Table("pair", "turn", "scale", "changed", "corner error px", "true", "found", "matched", "CPU s")
    errors, true, found, matched = [], 0, 0, 0
    for index, (pair, outcome) in enumerate(zip(made, outcomes, strict=True)):
        error = pairs.corner_error(pair, outcome.transform)
        hits = pairs.matches([place for change in outcome.changes for place in change.places], pair.changed)
        errors.append(error)
        true, found, matched = (
            true + len(pair.changed),
            found + sum(len(change.places) for change in outcome.changes),
            matched + hits,
        )
        numbers = (error, len(pair.changed), len(outcome.changes), hits, sum(outcome.seconds.values()))
        cells = (index, outcome.rotation, outcome.scale, f"{pair.share:.0%}", *numbers)
        table.add_row(*(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells))
    console.print(table)
    share = mean(error < 3 for error in errors)
    recall, precision = matched / true, matched / max(found, 1)
    yield Limit(
        f"{PAIRS} pairs with a mean corner error below 3 px", ">= 95 %", f"{share:.0%}", share >= 0.95
    )
    yield Limit(f"changed regions found, of {true}", ">= 0.985", f"{recall:.3f}", recall >= 0.985)
    yield Limit(
        f"found regions that are true, of {found}", ">= 0.985", f"{precision:.3f}", precision >= 0.985
    )
