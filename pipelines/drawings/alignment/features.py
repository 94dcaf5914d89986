"""Transforms from keypoints that two sheets have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.alignment.result import SCALE_RANGE
from pipelines.drawings.binarization import GreyImage, scale_factor, to_matrix
from pipelines.drawings.page_words import Matrix

MAX_ORB_FEATURES = 6000


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
