"""Benchmark of crawls.

Run as `python -m benchmarks.crawl [cost] [scaling]`: what a crawl costs beside a plain loop, and how much a
second worker helps.

Prints tables and exits with 1 if a limit is missed.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bounds import Limit, verdict
from benchmarks.crawl import cost, scaling

SECTIONS = ("cost", "scaling")


def main() -> int:
    """Returns exit code 1 if a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", default=SECTIONS, choices=[*SECTIONS, SECTIONS])
    parser.add_argument("--rounds", type=int, default=2)
    values: Any = parser.parse_args()
    limits: list[Limit] = []
    for section in values.sections:
        measure = {"cost": cost.measure, "scaling": scaling.measure}[section]
        with TemporaryDirectory(prefix="seshat-bench-") as folder:
            limits += asyncio.run(measure(values.rounds, Path(folder)))
    return verdict(limits)


if __name__ == "__main__":
    sys.exit(main())
