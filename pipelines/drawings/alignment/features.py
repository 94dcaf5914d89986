"""Transforms from keypoints and frames that two sheets have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.alignment.transforms import (
    Homography,
    Points,
    anisotropy,
    is_plausible,
    to_homography,
)
from pipelines.drawings.binarization import GreyImage, Mask, to_matrix

MAX_ORB_FEATURES = 6000
MIN_INLIERS = 8
INLIER_DISTANCE = 4.0
MATCH_RATIO = 0.8
MIN_FRAME_RATIO = 0.5
"""Least width and height of a frame as a share of the sheet's."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Keypoints of the old sheet and their counterparts on the new one."""

    old: Points
    new: Points

    def without(self, matrix: Homography) -> "Matches":
        """The matches that do not follow a transform."""
        whole = np.column_stack([self.old, np.ones(len(self.old))]) @ matrix.T
        off = np.linalg.norm(whole[:, :2] / whole[:, 2:] - self.new, axis=1) > 1.5 * INLIER_DISTANCE
        return Matches(self.old[off], self.new[off])


@dataclass(frozen=True, slots=True)
class Features:
    """Keypoints of an image with their descriptors."""

    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]


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


def match_features(old: Features, new: Features) -> Matches:
    """Keypoints whose best counterpart is clearly better than the second."""
    if min(len(old.points), len(new.points)) < MIN_INLIERS:
        return Matches(np.empty((0, 2)), np.empty((0, 2)))
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(old.descriptors, new.descriptors, k=2)
    good: Sequence[cv2.DMatch] = [
        pair[0] for pair in found if len(pair) == 2 and pair[0].distance < MATCH_RATIO * pair[1].distance
    ]
    return Matches(
        old.points[[match.queryIdx for match in good]].astype(np.float64).reshape(-1, 2),
        new.points[[match.trainIdx for match in good]].astype(np.float64).reshape(-1, 2),
    )


def common_similarity(matches: Matches, shape: tuple[int, ...]) -> tuple[Homography, int] | None:
    """The similarity transform that most matches follow, with their number; None for too few."""
    if len(matches.old) < MIN_INLIERS:
        return None
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        matches.old.astype(np.float32),
        matches.new.astype(np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=INLIER_DISTANCE,
        maxIters=20000,
        confidence=0.999,
    )
    count = int(np.sum(inliers))
    if count < MIN_INLIERS:
        return None
    result = to_homography(to_matrix(matrix))
    return (result, count) if is_plausible(result, shape) else None


def common_perspective(matches: Matches, shape: tuple[int, ...]) -> tuple[Homography, int] | None:
    """The perspective that most matches follow, with their number; None for too few."""
    if len(matches.old) < 2 * MIN_INLIERS:
        return None
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.findHomography(
        matches.old.astype(np.float32),
        matches.new.astype(np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=INLIER_DISTANCE,
        maxIters=10000,
        confidence=0.999,
    )
    count = int(np.sum(inliers))
    if count < 2 * MIN_INLIERS:
        return None
    result = np.asarray(matrix, np.float64)
    is_front = np.linalg.det(result[:2, :2]) > 0
    return (result, count) if is_front and is_plausible(result, shape) else None


def frame_corners(lines: Mask) -> Points | None:
    """Corners of the largest connected frame of lines, clockwise; None if there is none."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    height, width = lines.shape
    extents = np.minimum(table[:, 2] / width, table[:, 3] / height)
    extents[0] = 0
    largest = int((table[:, 2] * table[:, 3] * (extents > MIN_FRAME_RATIO)).argmax())
    if extents[largest] <= MIN_FRAME_RATIO:
        return None
    rows, columns = np.nonzero(labels == largest)
    hull = cv2.convexHull(np.column_stack([columns, rows]).astype(np.float32))
    return np.asarray(cv2.boxPoints(cv2.minAreaRect(hull)), np.float64)


def frame_transforms(old: Mask, new: Mask) -> Iterator[Homography]:
    """Similarity transforms of the old sheet's frame to the new one's, in all four directions."""
    one, other = frame_corners(old), frame_corners(new)
    if one is None or other is None:
        return
    for turn in range(4):
        target = np.roll(other, turn, axis=0)
        if (
            anisotropy(
                to_homography(
                    to_matrix(
                        cv2.getAffineTransform(one[:3].astype(np.float32), target[:3].astype(np.float32))
                    )
                )
            )
            > 0.03
        ):
            continue
        matrix, _ = cv2.estimateAffinePartial2D(
            one.astype(np.float32), target.astype(np.float32), method=cv2.LMEDS
        )
        yield to_homography(to_matrix(matrix))
