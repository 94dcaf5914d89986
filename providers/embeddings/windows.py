"""Overlapping windows of a long text."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

OVERLAP = 0.25
"""Share of a window that the next one repeats, so that sentences are complete in one of them."""


def windows(tokens: Sequence[T], size: int) -> list[Sequence[T]]:
    """Splits tokens into windows of `size`. The last window is full; there is one if the tokens fit."""
    step = max(1, size - round(size * OVERLAP))
    last = max(0, len(tokens) - size)
    return [tokens[start : start + size] for start in (*range(0, last, step), last)]
