"""Sheet numbers of scans, by OCR of title blocks."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import cv2
from rich.table import Table

from benchmarks.drawings import title_blocks
from benchmarks.drawings.sections import Limit, console, processes
from pipelines.drawings import binarization, ocr, sheet_numbers
from pipelines.ocr_engine import ocr_engine

UNTUNED = "band"
"""The layout that was written last; nothing was changed for it."""

Outcome = tuple[str, str, str, float]
"""Layout, printed number, number by OCR, CPU seconds."""


def numbers(data: Path, folder: Path) -> Iterator[Limit]:
    """60 title blocks of three layouts: their numbers are read, by OCR of the title block alone."""
    jobs = [
        (layout, i, folder) for layout in title_blocks.LAYOUTS for i in range(title_blocks.SHEETS_PER_LAYOUT)
    ]
    with processes() as pool:
        outcomes = list(pool.map(read_number, jobs))
    table = Table("layout", "printed", "read")
    for layout, printed, found, _ in outcomes:
        if printed != found:
            table.add_row(layout, printed, found)
    console.print(table)
    right = Counter(layout for layout, printed, found, _ in outcomes if printed == found)
    count = title_blocks.SHEETS_PER_LAYOUT
    for layout in title_blocks.LAYOUTS:
        kind = "not tuned on" if layout == UNTUNED else "tuned on"
        share = right[layout] / count
        yield Limit(
            f"sheet numbers of {count} scans, {layout} ({kind})", ">= 0.9", f"{share:.2f}", share >= 0.9
        )
    seconds = max(seconds for *_, seconds in outcomes)
    yield Limit("OCR of a title block", "<= 5 CPU s", f"{seconds:.1f}", seconds <= 5)


def read_number(job: tuple[str, int, Path]) -> Outcome:
    cv2.setNumThreads(1)
    ocr_engine()
    path, block = title_blocks.make_scan(*job)
    grey = binarization.read_greyscale(path)
    start = process_time()
    words = ocr.read_title_block(grey)
    frame = sheet_numbers.Frame(0, 0, grey.shape[1], grey.shape[0])
    name = sheet_numbers.find_sheet_name(words, 1, source="ocr", frame=frame)
    return job[0], block.number, name.name, process_time() - start
