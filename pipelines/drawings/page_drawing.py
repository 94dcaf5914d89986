"""Drawing the pages of a file in child processes, at a lower resolution where a page needs too much."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.errors import DomainError, Invalid, UnsupportedContent
from pipelines.drawings import rendering
from pipelines.drawings.rendering import DocumentInfo, RenderedPage
from pipelines.runtime.handlers import Run
from pipelines.runtime.process_pool import (
    ComputationTimeout,
    LibraryCrashed,
    Limits,
    MemoryExceeded,
    ProcessDied,
)

INSPECT_SECONDS = 60.0
DRAW_SECONDS = 12.0
"""Limits in CPU seconds of inspecting a file, and of a page at each resolution that can still be lowered."""

INSPECT_MEMORY, DRAW_MEMORY = 1 << 30, 5 << 29
"""Limits in bytes that each may allocate."""

LOWER_RESOLUTIONS = (200.0, 150.0)
"""DPI at which a page is drawn that needs too much at the configured one."""

RENDERER_STOPPED = (
    "The page made the renderer stop. It may be damaged, or need more memory than a page may use. "
    "Opening the file in another program and printing it to a new PDF may help."
)
"""What people are told of a page at which the renderer crashes; only the system knows for what reason."""


async def inspect_file(run: Run, file: Path, filename: str) -> DocumentInfo:
    """The pages of a file, and the file to draw them from. Errors are raised with the file's name."""
    settings = run.services.settings
    try:
        return await run.cpu_within(
            Limits(INSPECT_SECONDS, INSPECT_MEMORY),
            rendering.inspect,
            file,
            max_pages=settings.drawing_max_pages,
            max_pixels=settings.drawing_max_pixels,
        )
    except DomainError as refused:
        raise type(refused)(f"{filename}: {refused.message}") from refused
    except MemoryExceeded as error:
        message = f"reading the file needs more than {INSPECT_MEMORY >> 20:,} MB of memory"
        raise UnsupportedContent(f"{filename}: {message}.") from error
    except LibraryCrashed as error:
        message = "the file made the reader stop. It may be damaged, or need more memory than there is"
        raise UnsupportedContent(f"{filename}: {message}.") from error
    except ComputationTimeout as error:
        raise UnsupportedContent(f"{filename}: reading the file takes too long.") from error
    except (ProcessDied, TimeoutError) as error:
        raise Invalid(f"{filename}: the file cannot be read.") from error


async def draw_page(
    run: Run, document: DocumentInfo, number: int, target: Path, last_limit: float
) -> RenderedPage:
    """Renders a page at the highest resolution that is within the limits; its warnings tell a lower one.

    `last_limit` is the limit in CPU seconds at the lowest resolution. Raises its error.
    """
    settings = run.services.settings
    requested = settings.drawing_dpi
    reason = ""
    for dpi, is_lowest in resolutions(document, requested):
        limits = Limits(last_limit if is_lowest else min(DRAW_SECONDS, last_limit), DRAW_MEMORY)
        notes = [] if dpi == requested else [lower_resolution(reason, dpi)]
        use_ocr = True
        while True:
            try:
                page = await run.cpu_within(
                    limits,
                    rendering.render,
                    document.prepared,
                    number,
                    target,
                    dpi=dpi,
                    max_pixels=settings.drawing_max_pixels,
                    is_prepared=True,
                    use_ocr=use_ocr,
                )
            except ComputationTimeout as exceeded:
                if use_ocr and exceeded.phase == rendering.RECOGNITION:
                    use_ocr = False
                    notes.append("Recognizing the text of the page takes too long: it was not read.")
                    continue
                if is_lowest:
                    raise
                reason = f"needs too much computing at {dpi:.0f} dpi"
            except MemoryExceeded:
                if is_lowest:
                    raise
                reason = f"needs too much memory at {dpi:.0f} dpi"
            except LibraryCrashed as error:
                if is_lowest:
                    raise UnsupportedContent(RENDERER_STOPPED) from error
                reason = f"made the renderer stop at {dpi:.0f} dpi"
            else:
                return replace(
                    page, reduced=page.reduced or dpi < requested, warnings=(*notes, *page.warnings)
                )
            break
    raise AssertionError("unreachable")


def resolutions(document: DocumentInfo, requested: float) -> Iterator[tuple[float, bool]]:
    """Each resolution to try, and whether it is the last. Images have their own."""
    lower = LOWER_RESOLUTIONS if document.kind in rendering.PREPARED_KINDS else ()
    tried = [requested, *(dpi for dpi in lower if dpi < requested)]
    return ((dpi, dpi == tried[-1]) for dpi in tried)


def lower_resolution(reason: str, dpi: float) -> str:
    """What people are told of a page that is drawn at a lower resolution."""
    return f"The page {reason} and is drawn at {dpi:.0f} dpi: fine details may be missed."
