"""Benchmark of the imports of consumption.

Run as `python -m benchmarks.imports`. Reads 400 generated files, and prints tables by kind: for the half on
which the inference was tuned, for the other one, and for dimensions that were added afterwards. Exits with 1
if a limit is missed.
"""

import sys
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from rich.console import Console
from rich.table import Table

from benchmarks.bounds import Limit, verdict
from benchmarks.imports.files import generate
from benchmarks.imports.later import generate_later
from benchmarks.imports.truth import GeneratedFile
from core.errors import DomainError
from resolvers.insights.consumption_files.inference import understand
from resolvers.insights.consumption_files.layout import LayoutOverrides
from resolvers.insights.workbooks import XLSX_TYPE

TUNED_BLOCK = 6
"""Blocks of as many files are for tuning and for reporting by turns."""
LATER = "added afterwards"
OUTCOMES = ("right", "asked", "asked without the right answer", "refused", "wrong")


def outcome_of(made: GeneratedFile, folder: Path) -> str:
    """What becomes of a file."""
    path = folder / made.name
    path.write_bytes(made.content)
    try:
        found = understand(path, XLSX_TYPE if made.name.endswith("xlsx") else "text/csv", LayoutOverrides())
        found.require_certainty()
    except DomainError as refusal:
        if not hasattr(refusal, "code") or refusal.code.value != "AMBIGUOUS":
            return "refused"
        totals = [one.energy.total_kwh for one in found.alternatives]
        return "asked" if any(is_near(one, made) for one in totals) else "asked without the right answer"
    return "right" if found.energy and is_near(found.energy.total_kwh, made) else "wrong"


def is_near(kwh: float, made: GeneratedFile) -> bool:
    return abs(kwh - made.total_kwh) <= 1e-4 * max(1.0, made.total_kwh)


def main() -> int:
    console = Console(width=130, soft_wrap=True)
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    start = process_time()
    with TemporaryDirectory() as folder:
        for number, made in enumerate(generate()):
            half = "tuned on" if number // TUNED_BLOCK % 2 == 0 else "not tuned on"
            kind = made.kind if made.decidable else f"undecidable: {made.kind}"
            counts[half, kind][outcome_of(made, Path(folder))] += 1
        for made in generate_later():
            counts[LATER, made.kind][outcome_of(made, Path(folder))] += 1
    limits = []
    for half in ("tuned on", "not tuned on", LATER):
        table = Table("kind", *OUTCOMES, title=half)
        for (of, kind), outcomes in sorted(counts.items()):
            if of == half:
                table.add_row(kind, *(str(outcomes[outcome] or "") for outcome in OUTCOMES))
        console.print(table)
        open_files = sum(
            (c for (of, k), c in counts.items() if of == half and k.startswith("undec")), Counter()
        )
        others = sum(
            (c for (of, k), c in counts.items() if of == half and not k.startswith("undec")), Counter()
        )
        right = others["right"] / others.total()
        wrong = others["wrong"] + open_files["wrong"] + open_files["right"]
        limits += [
            Limit(
                f"{half}: right at once, of {others.total()}",
                ">= 92 %",
                f"{right:.1%}",
                right >= 0.92 or half == LATER,
            ),
            Limit(f"{half}: taken without a word though wrong or open", "0", str(wrong), wrong == 0),
            Limit(
                f"{half}: asked, of {open_files.total()} open",
                "all",
                str(open_files["asked"]),
                open_files["asked"] == open_files.total(),
            ),
        ]
    console.print(f"{process_time() - start:.1f} CPU seconds")
    return verdict(limits)


if __name__ == "__main__":
    sys.exit(main())
