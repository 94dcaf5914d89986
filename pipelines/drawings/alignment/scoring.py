"""Score of a transform: agreement of the line work of two sheets."""

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.alignment.result import Alignment
from pipelines.drawings.binarization import GreyImage, Mask, binarize, dilate, warp
from pipelines.drawings.page_words import Matrix

GRID_SIZE = (16, 12)


class AlignmentScorer:
    """Scores transforms of old sheets to one new sheet."""

    def __init__(self, new: GreyImage) -> None:
        self.height, self.width = new.shape
        self.ink = binarize(new)
        self.lines = edge_mask(new)

    def evaluate(self, old: GreyImage, matrix: Matrix, inliers: int) -> Alignment:
        return Alignment(matrix, self.score(old, matrix), inliers)

    def score(self, old: GreyImage, matrix: Matrix) -> float:
        """The higher of the scores of ink and of outlines (for sheets that are filled in one revision)."""
        warped = warp(old, matrix, self.width, self.height)
        return max(ink_agreement(binarize(warped), self.ink), ink_agreement(edge_mask(warped), self.lines))

    def precise_score(self, old: GreyImage, matrix: Matrix) -> float:
        """The mean overlap of all cells within one pixel, to compare two good transforms."""
        placed = warp(old, matrix, self.width, self.height)
        return float(cell_overlap(binarize(placed), self.ink, radius=1).mean())


def edge_mask(grey: GreyImage) -> Mask:
    edges = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    return (edges > 24).view(np.uint8)


def ink_agreement(old: Mask, new: Mask) -> float:
    """Mean overlap of ink over the middle third of the cells with ink.

    A third of the cells may have changed completely without lowering the score; a shared border and title
    block, which fill less than a third, do not raise it.
    """
    ordered = np.sort(cell_overlap(old, new, radius=2))
    third = len(ordered) // 3
    return float(ordered[third : len(ordered) - third].mean()) if len(ordered) else 0.0


def cell_overlap(old: Mask, new: Mask, radius: int, min_ink: int = 25) -> npt.NDArray[np.float64]:
    """Overlap of ink within `radius` pixels in each grid cell with ink, corrected for chance.

    The harmonic mean of the shares of old ink near new ink and of new ink near old; the chance level is
    computed from the area of the dilated ink.
    """
    wide_old, wide_new = dilate(old, radius), dilate(new, radius)
    amount_old, amount_new = cell_sums(old), cell_sums(new)
    used = amount_old + amount_new > min_ink
    precision = cell_sums(old & wide_new) / np.maximum(amount_old, 1)
    recall = cell_sums(new & wide_old) / np.maximum(amount_new, 1)
    area = old.size / (GRID_SIZE[0] * GRID_SIZE[1])
    chance = harmonic_mean(cell_sums(wide_old) / area, cell_sums(wide_new) / area)
    corrected = (harmonic_mean(precision, recall) - chance) / np.maximum(1 - chance, 0.05)
    return np.asarray(np.clip(corrected, 0, 1)[used], np.float64)


def harmonic_mean(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 2 * one * other / np.maximum(one + other, 1e-9)


def cell_sums(mask: Mask) -> npt.NDArray[np.float64]:
    """Sum of a mask in each grid cell."""
    columns = np.linspace(0, mask.shape[1], GRID_SIZE[0] + 1).astype(int)
    rows = np.linspace(0, mask.shape[0], GRID_SIZE[1] + 1).astype(int)
    sums = np.asarray(cv2.integral(mask), np.float64)[np.ix_(rows, columns)]
    return np.asarray(np.diff(np.diff(sums, axis=0), axis=1), np.float64)
