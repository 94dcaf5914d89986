"""Alignment of an old sheet with the new one: feature matching, affine refinement and an alignment score."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import (
    GreyImage,
    Mask,
    binarize,
    compose_transforms,
    dilate,
    downscale,
    invert_transform,
    scale_factor,
    scaling_matrix,
    to_matrix,
    warp,
)
from pipelines.drawings.page_words import Matrix

MIN_CONFIDENT_SCORE = 0.5
"""Lower scores occur for sheets that share only a border and a title block."""

EARLY_EXIT_SCORE = 0.9
"""Score from which no other method of alignment is tried."""

MIN_REFINABLE_SCORE = 0.2
"""Alignments with a lower score are not refined."""

FEATURE_MAX_SIDE = 2200
ECC_MAX_SIDE = 1400
MAX_ORB_FEATURES = 6000
SCALE_RANGE = (0.2, 5.0)
GRID_SIZE = (16, 12)


@dataclass(frozen=True, slots=True)
class Alignment:
    """`matrix` transforms pixels of the old sheet to pixels of the new one.

    `score` (0 to 1) is the overlap of ink in the median grid cell, corrected for chance. Below
    `MIN_CONFIDENT_SCORE` the sheets are not considered revisions of one sheet.
    """

    matrix: Matrix
    score: float
    inliers: int

    @property
    def is_confident(self) -> bool:
        return self.score >= MIN_CONFIDENT_SCORE

    @property
    def scale(self) -> float:
        return scale_factor(self.matrix)

    @property
    def rotation(self) -> float:
        """Degrees clockwise, from -180 to 180."""
        return math.degrees(math.atan2(self.matrix[3], self.matrix[0]))


@dataclass(frozen=True, slots=True)
class Features:
    """Keypoints of an image with their descriptors."""

    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]


def align(old: GreyImage, new: GreyImage) -> Alignment:
    """Find the similarity transform of `old` to `new`, then refine it; deterministic on one thread.

    Tries edge-to-edge scaling first, then ORB features with RANSAC, then features of the outlines. Returns
    the best of them, even if its score is low.
    """
    old_small, old_up = downscale(old, FEATURE_MAX_SIDE)
    new_small, new_up = downscale(new, FEATURE_MAX_SIDE)
    scorer = AlignmentScorer(new_small)
    best = scorer.evaluate(old_small, edge_to_edge_transform(old_small, new_small), 0)
    if best.score < EARLY_EXIT_SCORE:
        for preprocess in (identity, outline_image):
            match = match_features(
                detect_features(preprocess(old_small)), detect_features(preprocess(new_small))
            )
            if match:
                best = max(best, scorer.evaluate(old_small, *match), key=lambda alignment: alignment.score)
            if best.is_confident:
                break
    if best.score > MIN_REFINABLE_SCORE:
        best = refine_affine(old_small, new_small, best, scorer)
    return Alignment(
        compose_transforms(new_up, best.matrix, invert_transform(old_up)), round(best.score, 4), best.inliers
    )


def identity(grey: GreyImage) -> GreyImage:
    return grey


def edge_to_edge_transform(old: GreyImage, new: GreyImage) -> Matrix:
    return scaling_matrix(new.shape[1] / old.shape[1], new.shape[0] / old.shape[0])


def detect_features(grey: GreyImage) -> Features:
    """ORB keypoints and their rotation-invariant descriptors."""
    detector = cv2.ORB.create(MAX_ORB_FEATURES, scaleFactor=1.2, nlevels=8, fastThreshold=10)
    points, descriptors = detector.detectAndCompute(
        cv2.GaussianBlur(grey, (0, 0), 0.8), np.empty(0, np.uint8)
    )
    positions = np.array([point.pt for point in points], np.float32).reshape(-1, 2)
    return Features(
        positions, np.asarray(descriptors, np.uint8) if len(positions) else np.empty((0, 32), np.uint8)
    )


def outline_image(grey: GreyImage) -> GreyImage:
    """Edges as dark lines, which filled and unfilled plots of a sheet have in common."""
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(255 - np.minimum(edges, 127) * 2, np.uint8)


def match_features(old: Features, new: Features, ratio: float = 0.8) -> tuple[Matrix, int] | None:
    """Similarity transform by RANSAC (4 pixels), with its number of inliers; None for fewer than 8."""
    if min(len(old.points), len(new.points)) < 8:
        return None
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(old.descriptors, new.descriptors, k=2)
    good: Sequence[cv2.DMatch] = [
        pair[0] for pair in found if len(pair) == 2 and pair[0].distance < ratio * pair[1].distance
    ]
    if len(good) < 8:
        return None
    source = old.points[[match.queryIdx for match in good]]
    target = new.points[[match.trainIdx for match in good]]
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=4.0, maxIters=20000, confidence=0.999
    )
    inlier_count = int(np.sum(inliers))
    if inlier_count < 8:
        return None
    result = to_matrix(matrix)
    return (result, inlier_count) if SCALE_RANGE[0] < scale_factor(result) < SCALE_RANGE[1] else None


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


def refine_affine(old: GreyImage, new: GreyImage, start: Alignment, scorer: AlignmentScorer) -> Alignment:
    """Refine an affine transform by ECC on the blurred ink; returns `start` unless that fits
    better.
    """
    old_small, old_up = downscale(old, ECC_MAX_SIDE)
    new_small, new_up = downscale(new, ECC_MAX_SIDE)
    blurred = [
        np.asarray(cv2.GaussianBlur(255 - sheet, (0, 0), 1.5), np.uint8) for sheet in (old_small, new_small)
    ]
    guess = invert_transform(compose_transforms(invert_transform(new_up), start.matrix, old_up))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-5)
    try:
        _, warp = cv2.findTransformECC(
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
    matrix = compose_transforms(new_up, invert_transform(to_matrix(warp)), invert_transform(old_up))
    if scorer.precise_score(old, matrix) < scorer.precise_score(old, start.matrix) - 0.02:
        return start
    return scorer.evaluate(old, matrix, start.inliers)
