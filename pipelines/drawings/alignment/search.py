"""Search for the transform of an old sheet to the new one."""

from pipelines.drawings.alignment.features import detect_features, match_features, outline_image
from pipelines.drawings.alignment.refinement import refine_affine
from pipelines.drawings.alignment.result import Alignment
from pipelines.drawings.alignment.scoring import AlignmentScorer
from pipelines.drawings.binarization import (
    GreyImage,
    compose_transforms,
    downscale,
    invert_transform,
    scaling_matrix,
)
from pipelines.drawings.page_words import Matrix

EARLY_EXIT_SCORE = 0.9
"""Score from which no other method of alignment is tried."""

MIN_REFINABLE_SCORE = 0.2
"""Alignments with a lower score are not refined."""

FEATURE_MAX_SIDE = 2200


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
