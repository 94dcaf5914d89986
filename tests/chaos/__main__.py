"""The command: `python -m tests.chaos [--seconds 300] [--seed N] [--sabotage fencing|rls|connections]`.

Prints the seed and a report. Exits with 1 if something does not hold, or if not every kind of job has
completed after its worker was killed.
"""

import argparse
import asyncio
import logging
import secrets
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

import structlog
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.chaos.run import Options, Result, run
from tests.chaos.sabotage import SABOTAGES

console = Console(soft_wrap=True)


def main() -> int:
    """Runs, prints the report and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--settle", type=float, default=180)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sabotage", choices=tuple(SABOTAGES), default=None)
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    values = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    seed = secrets.randbelow(10**6) if values.seed is None else values.seed
    console.print(f"seed {seed}")
    folder = Path(mkdtemp(prefix="seshat-chaos-"))
    folder.chmod(0o711)
    try:
        options = Options(seed, values.seconds, values.settle, sabotage=values.sabotage)
        result = asyncio.run(run(folder, options))
    finally:
        if values.keep:
            console.print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    report(result)
    return 1 if result.findings else 0


def report(result: Result) -> None:
    """Prints what was done and what does not hold."""
    for title, counts in (("faults", result.faults), ("clients", result.outcomes)):
        table = Table(title, "count")
        for name, count in sorted(counts.items()):
            table.add_row(name, str(count))
        console.print(table)
    console.print(f"recovered after a kill: {', '.join(sorted(result.recovered))}")
    console.print(f"settled in {result.settled_seconds:.0f} s")
    for finding in result.findings:
        console.print(f"[red]{escape(finding.check)}[/red]: {escape(finding.detail)}")
    console.print("everything holds" if not result.findings else f"{len(result.findings)} findings")


if __name__ == "__main__":
    sys.exit(main())
