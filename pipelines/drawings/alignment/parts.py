"""Sheets whose plan moved inside an unmoved frame: the area in which the plan's transform holds."""

from collections.abc import Iterable

import cv2
import numpy as np

from pipelines.drawings.alignment.line_work import LineWork, line_mask
from pipelines.drawings.alignment.result import Interior
from pipelines.drawings.alignment.scoring import PART_GRID_SIZE, AlignmentScorer, Cells, hits
from pipelines.drawings.alignment.transforms import Homography, corner_distance, warp_homography
from pipelines.drawings.binarization import GreyImage

MIN_PART_DISTANCE = 4.0
"""Transforms whose corners are closer, in pixels, are one transform."""

MISS_WEIGHT = 0.3
"""Lines without counterpart, relative to lines with one."""

MIN_PLAN_SHARE = 0.25
MIN_FRAME_SHARE = 0.015
"""Least evidence for the plan's and the frame's transform, as a share of the weight of all lines."""

MIN_INTERIOR_SHARE = 0.2
"""Least area of the plan as a share of the sheet's."""


def find_frame(
    old: GreyImage, plan: Homography, frames: Iterable[Homography], scorer: AlignmentScorer
) -> tuple[Homography, Interior] | None:
    """The transform of the frame, and the area of the plan in it, if the two clearly differ."""
    size = (scorer.width, scorer.height)
    plan_evidence, weight = evidence(old, plan, scorer)
    best: tuple[float, Homography, Interior] | None = None
    for frame in frames:
        if corner_distance(plan, frame, old.shape) < MIN_PART_DISTANCE:
            continue
        frame_evidence, _ = evidence(old, frame, scorer)
        gain = plan_evidence - frame_evidence
        left, top, right, bottom = extend(best_rectangle(gain), gain)
        inside = gain[top:bottom, left:right].sum()
        outside = inside - gain.sum()
        if inside < MIN_PLAN_SHARE * weight or outside < MIN_FRAME_SHARE * weight:
            continue
        if (right - left) * (bottom - top) < MIN_INTERIOR_SHARE * gain.size:
            continue
        if best is None or outside > best[0]:
            columns = np.linspace(0, size[0], PART_GRID_SIZE[0] + 1).astype(int)
            rows = np.linspace(0, size[1], PART_GRID_SIZE[1] + 1).astype(int)
            area = (int(columns[left]), int(rows[top]), int(columns[right]), int(rows[bottom]))
            best = (float(outside), frame, area)
    return best[1:] if best else None


def evidence(old: GreyImage, matrix: Homography, scorer: AlignmentScorer) -> tuple[Cells, float]:
    """What speaks for a transform in each small cell, and the weight of all lines."""
    lines = LineWork.of(line_mask(warp_homography(old, matrix, scorer.width, scorer.height)))
    old_hits, old_weight = hits(lines.mask, scorer.lines.wide, scorer.lines.chance, PART_GRID_SIZE)
    new_hits, new_weight = hits(scorer.lines.mask, lines.wide, lines.chance, PART_GRID_SIZE)
    found, weight = old_hits + new_hits, old_weight + new_weight
    return found - MISS_WEIGHT * (weight - found), float(new_weight.sum() * 2)


def best_rectangle(gain: Cells) -> Interior:
    """The rectangle of cells with the greatest sum, away from the sheet's edge."""
    rows, columns = gain.shape
    sums = np.asarray(cv2.integral(gain), np.float64)
    best, area = -np.inf, (0, 0, 0, 0)
    for top in range(1, rows - 1):
        strips = sums[top + 1 : rows] - sums[top]
        lowest = np.minimum.accumulate(strips[:, 1:-1], axis=1)
        totals = strips[:, 2:columns] - lowest[:, : columns - 2]
        row, column = np.unravel_index(int(totals.argmax()), totals.shape)
        if totals[row, column] > best:
            left = 1 + int(strips[row, 1 : column + 2].argmin())
            best, area = float(totals[row, column]), (left, top, int(column) + 2, top + 1 + int(row))
    return area


def extend(area: Interior, gain: Cells) -> Interior:
    """The rectangle with the blank cells beside it."""
    left, top, right, bottom = area
    rows, columns = gain.shape
    slack = -0.002 * np.abs(gain).sum()
    while left > 1 and gain[top:bottom, left - 1].sum() > slack:
        left -= 1
    while right < columns - 1 and gain[top:bottom, right].sum() > slack:
        right += 1
    while top > 1 and gain[top - 1, left:right].sum() > slack:
        top -= 1
    while bottom < rows - 1 and gain[bottom, left:right].sum() > slack:
        bottom += 1
    return left, top, right, bottom
