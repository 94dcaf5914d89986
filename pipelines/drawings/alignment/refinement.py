"""Refinement of a transform by the line work around it."""

import cv2
import numpy as np

from pipelines.drawings.alignment.result import Alignment
from pipelines.drawings.alignment.scoring import AlignmentScorer
from pipelines.drawings.binarization import (
    GreyImage,
    compose_transforms,
    downscale,
    invert_transform,
    to_matrix,
)

ECC_MAX_SIDE = 1400


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
