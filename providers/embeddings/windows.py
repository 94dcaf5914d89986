"""Reading a long text in overlapping windows."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

OVERLAP = 0.25
"""The part of a window that the next one repeats, so that no sentence is only ever seen cut in two."""


def windows(tokens: Sequence[T], size: int) -> list[Sequence[T]]:
    """`tokens` in windows of `size`, the last one full as well; one window where they fit."""
    step = max(1, size - round(size * OVERLAP))
    last = max(0, len(tokens) - size)
    return [tokens[start : start + size] for start in (*range(0, last, step), last)]
