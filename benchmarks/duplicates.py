"""Benchmark of near duplicates: 400 pictures of ten kinds, copies of each, and groups with a best picture.

Run as `python -m benchmarks.duplicates [--data FOLDER] [--series 2]`; the folder has real photographs. No
threshold was chosen after a picture of the second series was made. Exits with 1 if a limit is missed.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image, ImageFilter
from rich.table import Table

from benchmarks.bounds import Limit, console, verdict
from benchmarks.duplicate_pictures import COPIES, OTHER_COLOURS, pictures
from pipelines.imagery.hash_groups import group_near_duplicates
from pipelines.imagery.image_inspection import perceptual_hash
from pipelines.imagery.picture_comparison import confirm_group

MIN_RECALL = 0.98
GROUPS = 100


class Picture(NamedTuple):
    """A picture of the benchmark; `copy` is the name of what was done to it, or empty."""

    kind: str
    number: int
    copy: str
    path: Path
    hash: int


def store(image: Image.Image, path: Path) -> int:
    """Store a picture; returns its perceptual hash."""
    image.save(path, "PNG")
    return perceptual_hash(image.convert("RGB"))


def make_pictures(data: Path | None, series: int, folder: Path) -> tuple[list[Picture], list[Picture]]:
    """The originals, and the copies of each."""
    originals, copies = [], []
    for kind, number, image in pictures(data, series):
        path = folder / f"{kind}-{number}.png"
        originals.append(Picture(kind, number, "", path, store(image, path)))
        for name, change in COPIES.items():
            if kind != "solid colours" or name not in OTHER_COLOURS:
                path = folder / f"{kind}-{number}-{name}.png"
                copies.append(Picture(kind, number, name, path, store(change(image), path)))
    return originals, copies


def find_groups(listed: Sequence[Picture]) -> list[list[Picture]]:
    """Groups of near duplicates, as the product finds them, the best picture first."""
    groups = []
    for candidates in group_near_duplicates([picture.hash for picture in listed]):
        some = [listed[position] for position in candidates]
        for same in confirm_group([picture.path for picture in some], [1] * len(some)):
            groups.append([some[position] for position in same])
    return groups


def count_best(originals: Sequence[Picture], folder: Path) -> int:
    """In how many groups of a picture, a small and two blurred copies the sharp and large one is the best."""
    best = 0
    for picture in originals:
        with Image.open(picture.path) as image:
            whole = image.convert("RGB")
        radius = max(whole.size) / 250
        small = whole.resize((whole.width * 2 // 3, whole.height * 2 // 3), Image.Resampling.LANCZOS)
        others = (whole.filter(ImageFilter.GaussianBlur(radius)), small, whole.filter(ImageFilter.BoxBlur(2)))
        paths = [folder / f"worse-{number}.png" for number in range(len(others))]
        for other, path in zip(others, paths, strict=True):
            other.save(path)
        groups = confirm_group([*paths, picture.path], [1] * 4)
        best += any(group[0] == len(others) for group in groups)
    return best


def main(arguments: Sequence[str]) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates")
    parser.add_argument("--data", type=Path, help="folder with real photographs")
    parser.add_argument("--series", type=int, default=2, help="which pictures are made")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as name:
        folder = Path(name)
        originals, copies = make_pictures(options.data, options.series, folder)
        false = [group for group in find_groups(originals) if len(group) > 1]
        by_key = {(picture.kind, picture.number): picture for picture in originals}
        total = Counter(copy.copy for copy in copies)
        missed = [copy for copy in copies if not find_groups([by_key[copy.kind, copy.number], copy])]
        detailed = ("photographs", "charts", "plans", "screens", "text pages")
        some = [picture for picture in originals if picture.kind in detailed and picture.number % 2]
        best = count_best(some[:GROUPS], folder)
    table = Table("not as it should be", "pictures")
    for group in false:
        table.add_row("false group", ", ".join(f"{picture.kind} {picture.number}" for picture in group))
    for (kind, copy), count in sorted(Counter((picture.kind, picture.copy) for picture in missed).items()):
        table.add_row(f"{copy} copies missed", f"{count} of {kind}")
    console.print(table)
    limits = [Limit(f"false groups of {len(originals)} pictures", "0", str(len(false)), not false)]
    for name in COPIES:
        recall = 1 - sum(copy.copy == name for copy in missed) / total[name]
        limits.append(
            Limit(f"{name} copies found", f">= {MIN_RECALL}", f"{recall:.3f}", recall >= MIN_RECALL)
        )
    limits.append(Limit("sharpest or largest kept", str(GROUPS), f"{best} of {GROUPS}", best == GROUPS))
    return verdict(limits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
