"""Pairing of the sheets of two issues of a set."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from rich.table import Table

from benchmarks.drawings import sheet_sets
from benchmarks.drawings.sections import Limit, console, processes
from benchmarks.drawings.sheet_sets import SetSheet, SheetSet
from pipelines.drawings import rendering
from pipelines.drawings.comparison import compare
from pipelines.drawings.rendering import RenderedPage
from pipelines.drawings.sheet_matching import SheetKey
from pipelines.drawings.stored_sheets import StoredSheet, match_stored_sheets

SETS = 30
TUNED = 15
"""Sets with a lower number were seen when the weights were chosen."""

DPI = 150.0

Outcome = tuple[int, int, int, int, int, int]
"""Set, sheets, sheets with the right partner, wrong pairs, pairs of unchanged sheets, those with changes."""


def sheet_pairing(data: Path, folder: Path) -> Iterator[Limit]:
    """30 sets with operations between their issues: every sheet has its partner or none, as is true."""
    if not sheet_sets.CYRILLIC_FONT.exists():
        console.print(f"Skipped pairing: there is no {sheet_sets.CYRILLIC_FONT}.")
        return
    with processes() as pool:
        outcomes = list(pool.map(pair_set, [(index, folder) for index in range(SETS)]))
    table = Table("set", "sheets", "right", "wrong pairs", "unchanged pairs", "with changes")
    for outcome in outcomes:
        table.add_row(*map(str, outcome))
    console.print(table)
    for name, chosen in (("tuned on", range(TUNED)), ("not tuned on", range(TUNED, SETS))):
        sheets, right, wrong, same, changed = (
            sum(part) for part in zip(*(row[1:] for row in outcomes if row[0] in chosen), strict=True)
        )
        share = right / sheets
        yield Limit(f"{sheets} sheets of sets {name}: paired right", ">= 0.97", f"{share:.3f}", share >= 0.97)
        yield Limit(f"sets {name}: wrong pairs", "0", str(wrong), wrong == 0)
        yield Limit(f"{same} unchanged sheets of sets {name}: with changes", "0", str(changed), changed == 0)


def pair_set(job: tuple[int, Path]) -> Outcome:
    """Render, pair and compare the issues of a set."""
    index, folder = job
    cv2.setNumThreads(1)
    made = sheet_sets.make_set(index)
    with TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        old, new = (
            draw(made, sheets, place, side) for side, sheets in (("old", made.old), ("new", made.new))
        )
        found = match_stored_sheets(
            [stored_sheet(page) for page in old], [stored_sheet(page) for page in new]
        )
        pairs = {(one.page, other.page) for one, other in found.pairs}
        same = changed = 0
        for one, other in sorted(pairs & made.pairs):
            if made.old[one - 1].content != made.new[other - 1].content:
                continue
            if made.old[one - 1].number != made.new[other - 1].number:
                continue
            same += 1
            before, after = old[one - 1], new[other - 1]
            outcome = compare(before.image, after.image, before.words, after.words, place)
            changed += bool(outcome.changes)
    return index, len(old) + len(new), right_sheets(made, pairs), len(pairs - made.pairs), same, changed


def draw(made: SheetSet, sheets: list[SetSheet], folder: Path, side: str) -> list[RenderedPage]:
    path = sheet_sets.write_issue(made, sheets, folder, side)
    pages = range(1, len(sheets) + 1)
    return [rendering.render(path, page, folder / f"{side}-{page:02d}.png", dpi=DPI) for page in pages]


def stored_sheet(page: RenderedPage) -> StoredSheet:
    key = SheetKey(page.number, page.sheet.name, page.sheet.source != "fallback")
    return StoredSheet(key, page.thumbnail, page.words)


def right_sheets(made: SheetSet, pairs: set[tuple[int, int]]) -> int:
    """Sheets of both issues whose partner is the true one, or none."""
    count = 0
    for side, sheets in ((0, made.old), (1, made.new)):
        true = Counter({pair[side]: pair[1 - side] for pair in made.pairs})
        found = Counter({pair[side]: pair[1 - side] for pair in pairs})
        count += sum(true[page] == found[page] for page in range(1, len(sheets) + 1))
    return count
