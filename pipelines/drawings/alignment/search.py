"""Search for the transform of an old sheet to the new one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.drawings.alignment.blocks import refine
from pipelines.drawings.alignment.features import (
    Matches,
    common_perspective,
    common_similarity,
    detect_features,
    frame_transforms,
    match_features,
    outline_image,
)
from pipelines.drawings.alignment.judgement import judge
from pipelines.drawings.alignment.line_work import line_mask
from pipelines.drawings.alignment.parts import find_frame
from pipelines.drawings.alignment.result import Alignment
from pipelines.drawings.alignment.scoring import AlignmentScorer
from pipelines.drawings.alignment.transforms import (
    Homography,
    corner_distance,
    inverse,
    is_affine,
    is_plausible,
    to_homography,
    warp_homography,
)
from pipelines.drawings.binarization import GreyImage, downscale, scaling_matrix
from pipelines.drawings.page_words import Matrix

EARLY_EXIT_AGREEMENT = 0.85
"""Agreement of line work from which no other candidate is tried."""

MIN_PLAUSIBLE_AGREEMENT = 0.5
"""Agreement below which unlikely candidates, such as mirrored sheets, are tried too."""

PERSPECTIVE_GAIN = 0.05
"""By how much a perspective must agree better than a similarity transform."""

WHOLE_AGREEMENT = 0.85
"""Mean agreement from which a sheet is not compared in parts."""

FINE_MAX_SIDE = 2200
COARSE_MAX_SIDE = 1100
"""Longest side of the sheets on which candidates are ranked."""

REFINEMENT_STEPS = ((10, 96), (4, 96))
FRAME_STEPS = ((6, 96),)


@dataclass(frozen=True, slots=True)
class Candidate:
    matrix: Homography
    inliers: int
    agreement: float


class Search:
    """Candidates for the transform of one small sheet to another, ranked by their line work."""

    def __init__(self, old: GreyImage, new: GreyImage) -> None:
        self.old, self.new = old, new
        self.candidates: list[Candidate] = []
        self.coarse_old, self.old_up = downscale(old, COARSE_MAX_SIDE)
        self.coarse_new, self.new_up = downscale(new, COARSE_MAX_SIDE)
        self.ranking = AlignmentScorer(self.coarse_new)

    @property
    def best(self) -> Candidate:
        return max(self.candidates, key=lambda candidate: candidate.agreement)

    def add(self, matrix: Homography, inliers: int = 0, margin: float = -1.0) -> None:
        """Rank a candidate unless it is implausible, ranked before, or no better by `margin`."""
        if not is_plausible(matrix, self.old.shape):
            return
        if any(corner_distance(matrix, other.matrix, self.old.shape) < 0.5 for other in self.candidates):
            return
        coarse = inverse(to_homography(self.new_up)) @ matrix @ to_homography(self.old_up)
        placed = warp_homography(self.coarse_old, coarse, self.ranking.width, self.ranking.height)
        agreement = self.ranking.line_agreement(placed).middle
        if not self.candidates or agreement > self.best.agreement + margin:
            self.candidates.append(Candidate(matrix, inliers, agreement))

    def add_features(self, matches: Matches) -> None:
        """The transform that most matches follow, that of the others, and a perspective."""
        shape = self.old.shape
        first = common_similarity(matches, shape)
        if first:
            self.add(*first)
            second = common_similarity(matches.without(first[0]), shape)
            if second:
                self.add(*second)
        if not self.candidates or self.best.agreement < EARLY_EXIT_AGREEMENT:
            perspective = common_perspective(matches, shape)
            if perspective:
                self.add(*perspective, margin=PERSPECTIVE_GAIN)


def align(old: GreyImage, new: GreyImage, hint: Matrix | None = None) -> Alignment:
    """Find the transform of `old` to `new`; deterministic on one thread.

    Candidates are the page's own place, a `hint` (such as the transform of the set's other sheets), features,
    frames, mirrored sheets and photographs, ranked by line work. Returns the best of them, even if its score
    is low.
    """
    old_small, old_up = downscale(old, FINE_MAX_SIDE)
    new_small, new_up = downscale(new, FINE_MAX_SIDE)
    up, down = to_homography(new_up), inverse(to_homography(old_up))
    search = Search(old_small, new_small)
    for matrix in page_transforms(old, new):
        search.add(inverse(up) @ matrix @ inverse(down))
    if hint is not None:
        search.add(inverse(up) @ to_homography(hint) @ inverse(down))
    collect_candidates(search)
    scorer = AlignmentScorer(new_small)
    best = search.best
    plan = refine(old_small, new_small, best.matrix, REFINEMENT_STEPS) if best.agreement else best.matrix
    return finish(search, scorer, plan, best.inliers, (up, down))


def finish(
    search: Search,
    scorer: AlignmentScorer,
    plan: Homography,
    inliers: int,
    scales: tuple[Homography, Homography],
) -> Alignment:
    """Judge a transform between the small sheets, with its frame if that has another transform."""
    placed = warp_homography(search.old, plan, scorer.width, scorer.height)
    found = None
    if is_affine(plan) and scorer.line_agreement(placed).mean < WHOLE_AGREEMENT:
        frames = [candidate.matrix for candidate in search.candidates if is_affine(candidate.matrix)]
        found = find_frame(search.old, plan, frames, scorer)
    return judge(search.old, scorer, plan, inliers, found, scales)


def page_transforms(old: GreyImage, new: GreyImage) -> Iterator[Homography]:
    """The page's own place, and the page scaled to the other's width or height."""
    across, down = new.shape[1] / old.shape[1], new.shape[0] / old.shape[0]
    for factor in dict.fromkeys((across, down, 1.0)):
        yield to_homography(scaling_matrix(factor, factor))
    if abs(across / down - 1) < 0.01:
        yield to_homography(scaling_matrix(across, down))


def collect_candidates(search: Search) -> None:
    """Add likely candidates, then less likely ones while none of them fits."""
    if search.best.agreement >= EARLY_EXIT_AGREEMENT:
        return
    features = detect_features(search.new)
    search.add_features(match_features(detect_features(search.old), features))
    if search.best.agreement >= EARLY_EXIT_AGREEMENT:
        return
    for matrix in frame_transforms(line_mask(search.old), line_mask(search.new)):
        search.add(matrix)
    if search.best.agreement >= MIN_PLAUSIBLE_AGREEMENT:
        return
    outlines = detect_features(outline_image(search.new))
    search.add_features(match_features(detect_features(outline_image(search.old)), outlines))
    if search.best.agreement >= MIN_PLAUSIBLE_AGREEMENT:
        return
    flipped = np.ascontiguousarray(search.old[:, ::-1])
    found = common_similarity(match_features(detect_features(flipped), features), flipped.shape)
    if found:
        flip = to_homography((-1.0, 0.0, flipped.shape[1] - 1.0, 0.0, 1.0, 0.0))
        search.add(found[0] @ flip, found[1])
