"""Benchmark of the drawing comparison.

Run as `python -m benchmarks.drawings [SECTION …] [--data FOLDER]`.

Prints one table per section and exits with 1 if a limit is missed.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from benchmarks.data import shared_folder
from benchmarks.drawings.alignment import alignment
from benchmarks.drawings.chat import chat
from benchmarks.drawings.ink import ink
from benchmarks.drawings.large import large
from benchmarks.drawings.large_sets import large_set
from benchmarks.drawings.numbers import numbers
from benchmarks.drawings.odd_pdfs import odd_pdfs
from benchmarks.drawings.pairing import sheet_pairing
from benchmarks.drawings.real import real
from benchmarks.drawings.sections import Limit, console
from benchmarks.drawings.slow_pages import slow_page
from benchmarks.drawings.synthetic import synthetic

SECTIONS: dict[str, Callable[[Path, Path], Iterator[Limit]]] = {
    "real": real,
    "synthetic": synthetic,
    "large": large,
    "ink": ink,
    "chat": chat,
    "numbers": numbers,
    "pairing": sheet_pairing,
    "odd_pdfs": odd_pdfs,
    "slow_page": slow_page,
    "large_set": large_set,
    "alignment": alignment,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, default=shared_folder("DRAWINGS", "drawings"))
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown section {', '.join(sorted(unknown))}: must be one of {', '.join(SECTIONS)}")
    bounds: list[Limit] = []
    for section in options.sections or SECTIONS:
        console.rule(section)
        with TemporaryDirectory(prefix="drawings-") as folder:
            bounds += SECTIONS[section](options.data, Path(folder))
    table = Table("measurement", "required", "result", "", title="Limits")
    for limit in bounds:
        table.add_row(limit.what, limit.required, limit.measured, "met" if limit.met else "MISSED")
    console.print(table)
    return 0 if all(limit.met for limit in bounds) else 1


if __name__ == "__main__":
    sys.exit(main())
