"""Marks in greys and colours, colour-only changes, filled rooms, and scans on tinted and shaded paper."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random

import cv2
import numpy as np
from rich.table import Table

from benchmarks.drawings import ink_pairs
from benchmarks.drawings.ink_pairs import INKS, WIDTHS, InkEdit, InkPair, RoomFill
from benchmarks.drawings.sections import Limit, compare_pages, console, processes
from pipelines.drawings import page_words, rendering
from pipelines.drawings.change_detection import Change, boxes_overlap
from server.demo.drawings import Sheet
from server.demo.marks import rectangle

MARKS = 15
"""Edits of a pair."""

SCANNED_INKS = [name for name in INKS if name not in ("grey 210", "grey 230")]
"""What is darker than the grain and shadows of the simulated scans."""

TUNED, REPORTED = 0, 1
"""Halves of the pairs: bounds were tuned on the first, figures are those of the second."""


@dataclass(frozen=True, slots=True)
class Job:
    """A pair to make and to compare."""

    name: str
    seed: int
    folder: Path
    kind: str
    inks: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The edits of a pair that were found, those that were not, and regions without an edit."""

    kind: str
    found: tuple[str, ...]
    missed: tuple[str, ...]
    false: tuple[Change, ...]


def ink(data: Path, folder: Path) -> Iterator[Limit]:
    """What a reader sees is found, and nothing else; the second half of the pairs is reported."""
    with processes() as pool:
        outcomes = list(pool.map(run, jobs(folder, REPORTED)))
    yield from limits(outcomes)


def jobs(folder: Path, half: int) -> Iterator[Job]:
    random = Random(40 + half)
    for kind, inks in (("added or removed", list(INKS)), ("on tinted scans", SCANNED_INKS)):
        combinations = list(product(inks, WIDTHS if kind == "added or removed" else WIDTHS[1:])) * 2
        random.shuffle(combinations)
        for start in range(0, len(combinations), MARKS):
            seed = 1000 * half + 10 * start + len(kind)
            yield Job(
                f"{kind.split()[0]}-{half}-{start}",
                seed,
                folder,
                kind,
                tuple(combinations[start : start + MARKS]),
            )
    for index in range(4):
        for kind in ("recoloured", "filled rooms"):
            yield Job(f"{kind.split()[0]}-{half}-{index}", 2000 * half + index, folder, kind)


def run(job: Job) -> Outcome:
    """Makes and compares one pair."""
    cv2.setNumThreads(1)
    random, sheet = Random(job.seed), ink_pairs.plan(job.seed)
    if job.kind == "recoloured":
        pair = ink_pairs.make(job.name, sheet, list(ink_pairs.colour_edits(random, MARKS, sheet)), job.folder)
    elif job.kind == "filled rooms":
        pair = filled_pair(job, random, sheet)
    else:
        edits = ink_pairs.linework_edits(
            random, [(name, INKS[name], width) for name, width in job.inks], sheet
        )
        pair = ink_pairs.make(job.name, sheet, list(edits), job.folder)
    if job.kind == "on tinted scans":
        scan(pair, np.random.default_rng(job.seed))
    changes = compare_pages((pair.old, pair.new, job.folder)).changes
    return judge(job.kind, pair, [part for change in changes for part in in_place(change)])


def in_place(change: Change) -> Iterator[Change]:
    """A change as it looks at each place: what moved is gone from one and has come to another."""
    if change.old_box is None:
        yield change
        return
    yield replace(change, kind="removed", box=change.old_box, old_box=None)
    yield replace(change, kind="added", old_box=None)


def filled_pair(job: Job, random: Random, sheet: Sheet) -> InkPair:
    """Two rooms of another fill, others filled in both revisions, and marks on both."""
    places = ink_pairs.places(random)
    wide = [(left - 6, top - 6, right + 6, bottom + 6) for left, top, right, bottom in places]
    pale = ((0.9, 0.9, 0.9), (0.78, 0.78, 0.78), (1, 1, 0.6), (0.8, 1, 0.8), (0.75, 0.9, 1))
    both = [RoomFill(box, random.choice(pale)) for box in wide[:6]]
    new = [RoomFill(box, random.choice(pale)) for box in wide[12:14]]
    edits = list(
        ink_pairs.linework_edits(
            random, [(name, INKS[name], 3) for name in ("grey 0", "grey 120", "red", "blue")], sheet
        )
    )
    marks = [
        InkEdit(f"{edit.name} on a fill", ink_pairs.clear_mark(random, place, 0.7, sheet), edit.old, edit.new)
        for edit, place in zip(edits, places, strict=False)
    ]
    pair = ink_pairs.make(job.name, sheet, marks, job.folder, (both, [*both, *new]))
    fills = [InkEdit("fill", (rectangle(fill.box, 0),), None, fill.ink) for fill in new]
    return InkPair(pair.old, pair.new, (*marks, *fills))


def scan(pair: InkPair, random: np.random.Generator) -> None:
    """Replaces the images of a pair by simulated scans, and their words by none."""
    for page in (pair.old, pair.new):
        picture = cv2.imread(str(page.image))
        rendering.write_png(page.image, ink_pairs.scan_colour(np.asarray(picture, np.uint8), random))
        page_words.save([], page.words)


def judge(kind: str, pair: InkPair, changes: Sequence[Change]) -> Outcome:
    found: list[str] = []
    missed: list[str] = []
    for edit in pair.edits:
        close = [change for change in changes if is_found(edit, change)]
        (found if close else missed).append(edit.name)
    false = tuple(
        change
        for change in changes
        if not any(boxes_overlap(change.box, pixel_box(edit), margin=4) for edit in pair.edits)
    )
    return Outcome(kind, tuple(found), tuple(missed), false)


def is_found(edit: InkEdit, change: Change) -> bool:
    """Whether a change of the right kind covers a mark and not much else."""
    if edit.name == "fill":
        kinds: tuple[str, ...] = ("fill", "added")
    elif edit.old and edit.new:
        kinds = ("recoloured",)
    else:
        kinds = ("added",) if edit.new else ("removed",)
    left, top, width, height = edit.box
    x, y, across, down = change.box
    return (
        change.kind in kinds
        and max(abs(left - x), abs(top - y), abs(left + width - x - across), abs(top + height - y - down))
        <= 16
    )


def pixel_box(edit: InkEdit) -> tuple[int, int, int, int]:
    left, top, width, height = (round(edge) for edge in edit.box)
    return left, top, width, height


def limits(outcomes: Sequence[Outcome]) -> Iterator[Limit]:
    bounds = {"added or removed": 0.95, "on tinted scans": 0.95, "recoloured": 0.9, "filled rooms": 0.95}
    for kind, bound in bounds.items():
        same = [outcome for outcome in outcomes if outcome.kind == kind]
        found, missed = (
            sum(len(names) for names in column)
            for column in zip(*((o.found, o.missed) for o in same), strict=True)
        )
        table = Table("missed", "times", title=kind)
        for name, times in Counter(name for outcome in same for name in outcome.missed).most_common():
            table.add_row(name, str(times))
        console.print(table)
        false = [change for outcome in same for change in outcome.false]
        for change in false:
            console.print(f"false: {change}")
        share = found / (found + missed)
        yield Limit(
            f"{kind}: marks found, of {found + missed}", f">= {bound}", f"{share:.3f}", share >= bound
        )
        yield Limit(f"{kind}: regions without a mark", "0", str(len(false)), not false)
