"""Published revisions of one set of drawings."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from rich.table import Table

from benchmarks.drawings.sections import Limit, compare_pages, console, processes, render_page
from pipelines.drawings import sheet_matching
from pipelines.drawings.comparison import ComparisonResult
from pipelines.drawings.rendering import RenderedPage

CHAIN = ("beaglebone_sch_A6.pdf", "beaglebone_sch_A6A_rot90.pdf", "beaglebone_sch_B.pdf")
"""Three revisions of a set of eleven sheets."""


def real(data: Path, folder: Path) -> Iterator[Limit]:
    """Published revisions: all true pairs align, and no pairs of different sheets do."""
    missing = [name for name in CHAIN if not (data / name).exists()]
    if missing:
        console.print(f"Skipped the real drawings: {data} has no {', '.join(missing)}.")
        return
    with processes() as pool:
        jobs = [(data / name, number, folder) for name in CHAIN for number in range(1, 12)]
        drawn = list(pool.map(render_page, jobs))
        revisions = [drawn[start : start + 11] for start in (0, 11, 22)]
        for old, new in pairwise(revisions):
            name = f"{old[0].image.stem[:-3]} to {new[0].image.stem[:-3]}"
            pairing = sheet_matching.match_sheets(keys(old), keys(new))
            matched = sum(one.page == other.page for one, other in pairing.pairs)
            yield Limit(f"{name}: sheets matched by name", "11 of 11", f"{matched}", matched == 11)
            every = [(one, other, folder) for one in old for other in new]
            outcomes = list(pool.map(compare_pages, every, chunksize=4))
            true = [o for (a, b, _), o in zip(every, outcomes, strict=True) if a.number == b.number]
            false = [o.score for (a, b, _), o in zip(every, outcomes, strict=True) if a.number != b.number]
            show_pairs(name, true)
            least, most = min(o.score for o in true), max(false)
            yield Limit(
                f"{name}: lowest score of {len(true)} true pairs", ">= 0.8", f"{least:.3f}", least >= 0.8
            )
            yield Limit(
                f"{name}: highest score of {len(false)} other pairs", "< 0.5", f"{most:.3f}", most < 0.5
            )


def keys(drawn: Sequence[RenderedPage]) -> list[sheet_matching.SheetKey]:
    return [
        sheet_matching.SheetKey(page.number, page.sheet.name, page.sheet.source != "fallback")
        for page in drawn
    ]


def show_pairs(name: str, outcomes: Sequence[ComparisonResult]) -> None:
    """Prints score, change ratio and first changed words of each true pair."""
    table = Table("sheet", "score", "ink changed", "regions", "words gone", "words come", title=name)
    for number, outcome in enumerate(outcomes, 1):
        gone, came = (" ".join(said[:8]) for said in (outcome.words_removed, outcome.words_added))
        ratio = f"{outcome.change_ratio:.2%}"
        table.add_row(str(number), f"{outcome.score:.3f}", ratio, str(len(outcome.changes)), gone, came)
    console.print(table)
