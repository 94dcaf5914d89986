"""Score of a transform: agreement of the line work of two sheets."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.alignment.line_work import Levels, LineWork, content_mask, line_mask
from pipelines.drawings.binarization import GreyImage, Mask

GRID_SIZE = (16, 12)
PART_GRID_SIZE = (48, 32)

MIN_CELL_WEIGHT = 30.0
"""Weight of line work from which a cell counts, about the pixels of one letter."""

MIN_CONTENT_CELLS = 12
"""Fewer cells with letters and symbols say nothing about a sheet."""

CONTENT_RAMP = (0.6, 0.68)
"""Agreements of content at which the score is limited to 0.5, and not limited. Two floors of one building
reach 0.51, a revision with 30 % of its marks changed 0.88."""

LINE_RAMP = (0.4, 0.6)
"""Agreements of informative line work at which the score is limited to 0.5, and not limited."""

Cells = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CellAgreement:
    """Agreement of two sheets' lines in each grid cell, and the weight of the lines that can tell."""

    agreement: Cells
    weight: Cells

    @property
    def used(self) -> Cells:
        return self.agreement[self.weight > MIN_CELL_WEIGHT]

    @property
    def middle(self) -> float:
        """Mean over the middle third of the cells.

        A third of the cells may have changed completely without lowering it; a shared border and title block,
        which fill less than a third, do not raise it.
        """
        ordered = np.sort(self.used)
        third = len(ordered) // 3
        return float(ordered[third : len(ordered) - third].mean()) if len(ordered) else 0.0

    @property
    def mean(self) -> float:
        """Mean over all lines."""
        return float((self.agreement * self.weight).sum() / max(self.weight.sum(), 1e-9))


def agreement(old: LineWork, new: LineWork, grid: tuple[int, int] = GRID_SIZE) -> CellAgreement:
    """How much more often lines hit each other than if one sheet were displaced by a few pixels.

    The harmonic mean of both sheets' shares. Lines that would also hit after a small displacement, as in
    dense hatches, weigh little, and the inside of fills weighs nothing.
    """
    old_hits, old_weight = hits(old.mask, new.wide, new.chance, grid)
    new_hits, new_weight = hits(new.mask, old.wide, old.chance, grid)
    precision = np.clip(old_hits / np.maximum(old_weight, 1e-6), 0, 1)
    recall = np.clip(new_hits / np.maximum(new_weight, 1e-6), 0, 1)
    return CellAgreement(harmonic_mean(precision, recall), old_weight + new_weight)


def hits(mask: Mask, wide: Mask, chance: Levels, grid: tuple[int, int]) -> tuple[Cells, Cells]:
    lines = mask.astype(np.float32)
    expected = lines * chance
    return cell_sums(lines * wide - expected, grid), cell_sums(lines - expected, grid)


class AlignmentScorer:
    """Scores old sheets, warped into place, against one new sheet."""

    def __init__(self, new: GreyImage) -> None:
        self.height, self.width = new.shape
        self.lines = LineWork.of(line_mask(new))
        self.content = content_mask(self.lines.mask)

    def line_agreement(self, placed: GreyImage) -> CellAgreement:
        return agreement(LineWork.of(line_mask(placed)), self.lines)

    def content_agreement(self, old: Mask) -> CellAgreement:
        """Agreement of letters and symbols within one pixel."""
        return agreement(LineWork.of(old, radius=1), LineWork.of(self.content, radius=1))


def ramp(value: float, bounds: tuple[float, float]) -> float:
    """0.5 at the lower bound, 1 at the upper one, and proportional below."""
    low, high = bounds
    if value < low:
        return 0.5 * value / low
    return min(1.0, 0.5 + 0.5 * (value - low) / (high - low))


def global_agreement(old: LineWork, new: LineWork) -> float:
    """Mean overlap of lines over the middle third of the cells, corrected for the density of each cell."""
    old_amount, new_amount = cell_sums(old.mask), cell_sums(new.mask)
    used = old_amount + new_amount > 25
    precision = cell_sums(old.mask & new.wide) / np.maximum(old_amount, 1)
    recall = cell_sums(new.mask & old.wide) / np.maximum(new_amount, 1)
    area = old.mask.size / (GRID_SIZE[0] * GRID_SIZE[1])
    chance = harmonic_mean(cell_sums(old.wide) / area, cell_sums(new.wide) / area)
    corrected = (harmonic_mean(precision, recall) - chance) / np.maximum(1 - chance, 0.05)
    return CellAgreement(np.clip(corrected, 0, 1), np.where(used, 2 * MIN_CELL_WEIGHT, 0)).middle


def harmonic_mean(one: Cells, other: Cells) -> Cells:
    return 2 * one * other / np.maximum(one + other, 1e-9)


def cell_sums(values: Mask | Levels, grid: tuple[int, int] = GRID_SIZE) -> Cells:
    """Sum of an image in each grid cell."""
    columns = np.linspace(0, values.shape[1], grid[0] + 1).astype(int)
    rows = np.linspace(0, values.shape[0], grid[1] + 1).astype(int)
    sums = np.asarray(cv2.integral(values), np.float64)[np.ix_(rows, columns)]
    return np.asarray(np.diff(np.diff(sums, axis=0), axis=1), np.float64)
