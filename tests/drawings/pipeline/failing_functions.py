"""Computing that goes wrong on purpose, by name, so that child processes find it."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from pipelines.drawings.comparison import ComparisonResult, compare
from pipelines.drawings.rendering import RenderedPage
from pipelines.drawings.rendering import render as real_render


def second(path: Path, page: int) -> bool:
    """Whether it is the new file's page 2."""
    return (path.name, page) == ("new", 2)


def endless_second_page(path: Path, page: int, target: Path, **options: Any) -> RenderedPage:
    """The new file's page 2 takes for ever."""
    if second(path, page):
        time.sleep(600)
    return real_render(path, page, target, **options)


def deadly_second_page(path: Path, page: int, target: Path, **options: Any) -> RenderedPage:
    """The new file's page 2 uses up what memory there is, as the kernel sees it."""
    if second(path, page):
        os.kill(os.getpid(), signal.SIGKILL)
    return real_render(path, page, target, **options)


def faulty_second_page(path: Path, page: int, target: Path, **options: Any) -> RenderedPage:
    """The new file's page 2 meets a bug."""
    if second(path, page):
        raise ZeroDivisionError
    return real_render(path, page, target, **options)


def faulty_page(path: Path, page: int, target: Path, **options: Any) -> RenderedPage:
    """Every page meets a bug."""
    raise ZeroDivisionError


def faulty_comparison(old: Path, new: Path, *rest: Any) -> ComparisonResult:
    """The pair of sheets A-102 meets a bug."""
    if b"A-102" in Path(rest[0]).read_bytes():
        raise ZeroDivisionError
    return compare(old, new, *rest)
