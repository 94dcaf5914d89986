"""Laying an old sheet onto the new one: where it belongs, and how well that fits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import (
    Grey,
    Mask,
    chain,
    ink,
    inverse,
    moved,
    plain,
    scale_of,
    shrunk,
    stretch,
    widened,
)
from pipelines.drawings.page_words import Matrix

CONFIDENT = 0.5
"""Scores below this come from sheets that share no more than a border and a title block."""

GOOD = 0.9
"""A score at which no other way of aligning is tried."""

HOPELESS = 0.2
"""Not worth refining."""

WORKING_SIDE = 2200
REFINING_SIDE = 1400
FEATURES = 6000
SCALES = (0.2, 5.0)
GRID = (16, 12)


@dataclass(frozen=True, slots=True)
class Alignment:
    """`matrix` carries pixels of the old sheet to pixels of the new one.

    `score`, 0 to 1, is how much of the ink in the middling inked grid cell meets ink of the other sheet, less
    what would meet by chance. Below `CONFIDENT` the sheets are not taken for two states of one sheet.
    """

    matrix: Matrix
    score: float
    inliers: int

    @property
    def confident(self) -> bool:
        return self.score >= CONFIDENT

    @property
    def scale(self) -> float:
        return scale_of(self.matrix)

    @property
    def rotation(self) -> float:
        """Degrees clockwise, from -180 to 180."""
        return math.degrees(math.atan2(self.matrix[3], self.matrix[0]))


@dataclass(frozen=True, slots=True)
class Features:
    """Places in a picture and what they look like."""

    places: npt.NDArray[np.float32]
    looks: npt.NDArray[np.uint8]


def align(old: Grey, new: Grey) -> Alignment:
    """Find the similarity that lays `old` on `new`, then refine it; deterministic on one thread.

    Edge to edge is tried first, then matched features with RANSAC, then matched features of outlines alone.
    Where nothing fits, the sheets lie as in the best of these tries, with the low score that this has.
    """
    old_small, old_up = shrunk(old, WORKING_SIDE)
    new_small, new_up = shrunk(new, WORKING_SIDE)
    judge = Judge(new_small)
    best = judge.judged(old_small, edge_to_edge(old_small, new_small), 0)
    if best.score < GOOD:
        for prepare in (unchanged, outlines):
            found = matched(features(prepare(old_small)), features(prepare(new_small)))
            if found:
                best = max(best, judge.judged(old_small, *found), key=lambda each: each.score)
            if best.confident:
                break
    if best.score > HOPELESS:
        best = refined(old_small, new_small, best, judge)
    return Alignment(chain(new_up, best.matrix, inverse(old_up)), round(best.score, 4), best.inliers)


def unchanged(grey: Grey) -> Grey:
    return grey


def edge_to_edge(old: Grey, new: Grey) -> Matrix:
    return stretch(new.shape[1] / old.shape[1], new.shape[0] / old.shape[0])


def features(grey: Grey) -> Features:
    """Corners and what surrounds them, as ORB describes it: the same under any rotation."""
    detector = cv2.ORB.create(FEATURES, scaleFactor=1.2, nlevels=8, fastThreshold=10)
    points, looks = detector.detectAndCompute(cv2.GaussianBlur(grey, (0, 0), 0.8), np.empty(0, np.uint8))
    places = np.array([point.pt for point in points], np.float32).reshape(-1, 2)
    return Features(places, np.asarray(looks, np.uint8) if len(places) else np.empty((0, 32), np.uint8))


def outlines(grey: Grey) -> Grey:
    """Edges as dark lines: what a filled and an unfilled plot of one sheet have in common."""
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(255 - np.minimum(edges, 127) * 2, np.uint8)


def matched(old: Features, new: Features, ratio: float = 0.8) -> tuple[Matrix, int] | None:
    """The similarity that most matches agree on within 4 pixels, and how many do; None for too few."""
    if min(len(old.places), len(new.places)) < 8:
        return None
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(old.looks, new.looks, k=2)
    good: Sequence[cv2.DMatch] = [
        pair[0] for pair in found if len(pair) == 2 and pair[0].distance < ratio * pair[1].distance
    ]
    if len(good) < 8:
        return None
    source = old.places[[match.queryIdx for match in good]]
    target = new.places[[match.trainIdx for match in good]]
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=4.0, maxIters=20000, confidence=0.999
    )
    agreeing = int(np.sum(inliers))
    if agreeing < 8:
        return None
    result = plain(matrix)
    return (result, agreeing) if SCALES[0] < scale_of(result) < SCALES[1] else None


class Judge:
    """Scores how well an old sheet, carried through a transform, lies on one new sheet."""

    def __init__(self, new: Grey) -> None:
        self.height, self.width = new.shape
        self.ink = ink(new)
        self.lines = lines(new)

    def judged(self, old: Grey, matrix: Matrix, inliers: int) -> Alignment:
        return Alignment(matrix, self.score(old, matrix), inliers)

    def score(self, old: Grey, matrix: Matrix) -> float:
        """The better of the agreement of ink and of outlines (for sheets that are filled in one state)."""
        placed = moved(old, matrix, self.width, self.height)
        return max(agreement(ink(placed), self.ink), agreement(lines(placed), self.lines))

    def tightness(self, old: Grey, matrix: Matrix) -> float:
        """Like the score over all cells and within one pixel: tells the better of two good transforms."""
        placed = moved(old, matrix, self.width, self.height)
        return float(meeting(ink(placed), self.ink, reach=1).mean())


def lines(grey: Grey) -> Mask:
    edges = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    return (edges > 24).view(np.uint8)


def agreement(old: Mask, new: Mask) -> float:
    """How well the ink of the middling inked cells meets: the mean over the middle third of them.

    A third of the cells may have changed altogether without speaking against the alignment, and a shared
    border and title block, which fill less than a third, can't speak for it.
    """
    ordered = np.sort(meeting(old, new, reach=2))
    third = len(ordered) // 3
    return float(ordered[third : len(ordered) - third].mean()) if len(ordered) else 0.0


def meeting(old: Mask, new: Mask, reach: int, least_ink: int = 25) -> npt.NDArray[np.float64]:
    """For each inked grid cell the share of ink that meets ink within `reach` pixels, corrected for chance.

    It is the harmonic mean of the share of old ink near new ink and of new near old; by chance that would be
    what the widened ink of both covers.
    """
    wide_old, wide_new = widened(old, reach), widened(new, reach)
    amount_old, amount_new = cells(old), cells(new)
    used = amount_old + amount_new > least_ink
    precision = cells(old & wide_new) / np.maximum(amount_old, 1)
    recall = cells(new & wide_old) / np.maximum(amount_new, 1)
    area = old.size / (GRID[0] * GRID[1])
    chance = harmonic(cells(wide_old) / area, cells(wide_new) / area)
    corrected = (harmonic(precision, recall) - chance) / np.maximum(1 - chance, 0.05)
    return np.asarray(np.clip(corrected, 0, 1)[used], np.float64)


def harmonic(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 2 * one * other / np.maximum(one + other, 1e-9)


def cells(mask: Mask) -> npt.NDArray[np.float64]:
    """The sum of a mask in each cell of the grid."""
    columns = np.linspace(0, mask.shape[1], GRID[0] + 1).astype(int)
    rows = np.linspace(0, mask.shape[0], GRID[1] + 1).astype(int)
    sums = np.asarray(cv2.integral(mask), np.float64)[np.ix_(rows, columns)]
    return np.asarray(np.diff(np.diff(sums, axis=0), axis=1), np.float64)


def refined(old: Grey, new: Grey, start: Alignment, judge: Judge) -> Alignment:
    """Maximise the correlation of the blurred ink (ECC), from where the features led; kept only if it fits
    better.
    """
    old_small, old_up = shrunk(old, REFINING_SIDE)
    new_small, new_up = shrunk(new, REFINING_SIDE)
    blurred = [
        np.asarray(cv2.GaussianBlur(255 - each, (0, 0), 1.5), np.uint8) for each in (old_small, new_small)
    ]
    guess = inverse(chain(inverse(new_up), start.matrix, old_up))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-5)
    try:
        _, found = cv2.findTransformECC(
            blurred[1],
            blurred[0],
            np.reshape(guess, (2, 3)).astype(np.float32),
            cv2.MOTION_AFFINE,
            criteria,
            np.ones(old_small.shape, np.uint8),
            5,
        )
    except cv2.error:
        return start
    matrix = chain(new_up, inverse(plain(found)), inverse(old_up))
    if judge.tightness(old, matrix) < judge.tightness(old, start.matrix) - 0.02:
        return start
    return judge.judged(old, matrix, start.inliers)
