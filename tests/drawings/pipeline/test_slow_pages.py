"""Pages that need too much, or at which the renderer crashes: what is tried, and what people are told."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import UnsupportedContent
from pipelines.drawings import rendering
from pipelines.drawings.page_drawing import draw_page, inspect_file
from pipelines.drawings.rendering import RenderedPage
from pipelines.runtime.process_pool import ComputationTimeout, LibraryCrashed, MemoryExceeded
from tests.drawings.pipeline.sample_drawings import blank

CRASH, EXCESS = LibraryCrashed(-11, 1 << 30), MemoryExceeded(1 << 30)
SLOWNESS = ComputationTimeout("The computation exceeded its timeout of 12 seconds.")


class FailingRun:
    """A run whose computations of pages fail in turn with these errors, and then succeed."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        self.errors = list(errors)
        self.services = SimpleNamespace(
            settings=SimpleNamespace(drawing_dpi=300.0, drawing_max_pages=500, drawing_max_pixels=150_000_000)
        )

    async def cpu_within(self, limits: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return function(*args, **kwargs)


async def draw(folder: Path, *errors: Exception) -> RenderedPage:
    file = blank(folder / "a.pdf", 1)
    run: Any = FailingRun(errors)
    return await draw_page(run, rendering.inspect(file), 1, folder / "page.png", 120.0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CRASH, "made the renderer stop"),
        (EXCESS, "needs too much memory"),
        (SLOWNESS, "needs too much computing"),
    ],
)
async def test_the_note_of_a_lower_resolution_says_what_happened(
    error: Exception, reason: str, tmp_path: Path
) -> None:
    page = await draw(tmp_path, error)

    assert (page.dpi, page.reduced) == (200, True)
    assert page.warnings[0] == (
        f"The page {reason} at 300 dpi and is drawn at 200 dpi: fine details may be missed."
    )


async def test_a_page_at_which_the_renderer_always_crashes_is_not_said_to_need_memory(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnsupportedContent, match="The page made the renderer stop") as refused:
        await draw(tmp_path, CRASH, CRASH, CRASH)

    assert "needs more than" not in refused.value.message


async def test_a_file_at_which_the_reader_crashes_is_not_said_to_need_memory(tmp_path: Path) -> None:
    run: Any = FailingRun([CRASH])
    with pytest.raises(UnsupportedContent, match=r"a\.pdf: the file made the reader stop"):
        await inspect_file(run, blank(tmp_path / "a.pdf", 1), "a.pdf")
