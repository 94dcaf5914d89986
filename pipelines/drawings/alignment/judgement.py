"""Judgement of a transform: its score, and what limits it."""

import cv2
import numpy as np

from core.alignment_notes import AlignmentNoteKind
from pipelines.drawings.alignment.line_work import LineWork, content_mask, line_mask
from pipelines.drawings.alignment.rearrangement import is_rearranged
from pipelines.drawings.alignment.result import (
    MIN_CONFIDENT_SCORE,
    Alignment,
    Frame,
    Interior,
)
from pipelines.drawings.alignment.scoring import (
    CONTENT_RAMP,
    LINE_RAMP,
    MIN_CONTENT_CELLS,
    AlignmentScorer,
    agreement,
    global_agreement,
    ramp,
)
from pipelines.drawings.alignment.transforms import (
    Homography,
    affine_at,
    is_affine,
)
from pipelines.drawings.binarization import GreyImage, to_matrix

MAX_DOUBTFUL_SCORE = 0.49

REPETITION_MARGIN = 0.08
"""By how much the agreement must exceed that of the same sheet in another place."""

REPETITION_FACTOR = 4
MIN_SHIFT = 10
MAX_ALTERNATIVES = 4


def judge(
    old: GreyImage,
    scorer: AlignmentScorer,
    plan: Homography,
    inliers: int,
    frame: tuple[Homography, Interior] | None,
    scales: tuple[Homography, Homography],
) -> Alignment:
    """The alignment of two small sheets, in pixels of the whole ones.

    `scales` are the transforms from the small new sheet and to the small old one.
    """
    small = to_alignment(plan, inliers, frame, old.shape)
    placed = small.warp(old, scorer.width, scorer.height)
    score, doubt = rate(placed, scorer, frame[1] if frame else None, is_bent=not is_affine(plan))
    up, down = scales
    whole = up @ plan @ down
    parts = None
    if frame:
        left, top, right, bottom = frame[1]
        factor = float(up[0, 0])
        parts = (
            up @ frame[0] @ down,
            (round(left * factor), round(top * factor), round(right * factor), round(bottom * factor)),
        )
    shape = (round(old.shape[0] / down[1, 1]), round(old.shape[1] / down[0, 0]))
    result = to_alignment(whole, inliers, parts, shape)
    return Alignment(result.matrix, round(score, 4), inliers, result.frame, result.homography, doubt)


def to_alignment(
    plan: Homography, inliers: int, frame: tuple[Homography, Interior] | None, shape: tuple[int, ...]
) -> Alignment:
    """An alignment without a score; a perspective is approximated in the middle of the old sheet."""
    part = Frame(to_matrix(frame[0][:2]), frame[1]) if frame else None
    if is_affine(plan):
        return Alignment(to_matrix(plan[:2]), 0.0, inliers, part)
    homography = plan / plan[2, 2]
    values = tuple(float(value) for value in homography.ravel())
    return Alignment(affine_at(homography, shape[1] / 2, shape[0] / 2), 0.0, inliers, part, values)


def rate(
    placed: GreyImage, scorer: AlignmentScorer, interior: Interior | None = None, *, is_bent: bool = False
) -> tuple[float, AlignmentNoteKind | None]:
    """The score of an old sheet in its place, and why it is limited.

    A perspective (`is_bent`) can bring the walls of one floor onto those of another, so that its letters and
    symbols have to be in place, moved in passages or not.
    """
    lines = LineWork.of(line_mask(placed))
    fit = agreement(lines, scorer.lines)
    score = min(global_agreement(lines, scorer.lines), ramp(fit.middle, LINE_RAMP))
    if score < MIN_CONFIDENT_SCORE:
        return score, None
    old_content = content_mask(lines.mask)
    content = scorer.content_agreement(old_content)
    if len(content.used) >= MIN_CONTENT_CELLS:
        limit = ramp(content.middle, CONTENT_RAMP)
        if limit < 1 and not is_bent and is_rearranged(old_content, scorer.content):
            limit = 1.0
        if limit < MIN_CONFIDENT_SCORE:
            return limit, AlignmentNoteKind.CONTENT_DIFFERS
        score = min(score, limit)
    before, after = lines, scorer.lines
    if interior:
        left, top, right, bottom = interior
        before, after = (
            LineWork.of(np.ascontiguousarray(part.mask[top:bottom, left:right])) for part in (before, after)
        )
        fit = agreement(before, after)
    if best_alternative(before, after) > fit.mean - REPETITION_MARGIN:
        return min(score, MAX_DOUBTFUL_SCORE), AlignmentNoteKind.REPETITIVE
    return score, None


def best_alternative(old: LineWork, new: LineWork) -> float:
    """The highest mean agreement of the sheets if one is displaced by more than a few pixels."""
    height, width = new.mask.shape
    size = (width // REPETITION_FACTOR, height // REPETITION_FACTOR)
    if min(size) < 16:
        return 0.0
    one, other = (
        cv2.resize(lines.mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for lines in (old, new)
    )
    spectrum = np.fft.rfft2(one).conj() * np.fft.rfft2(other)
    correlation = np.fft.irfft2(spectrum, s=one.shape)
    best = 0.0
    least = MIN_SHIFT // REPETITION_FACTOR
    blank(correlation, 0, 0, least)
    for _ in range(MAX_ALTERNATIVES):
        y, x = (int(index) for index in np.unravel_index(int(correlation.argmax()), correlation.shape))
        blank(correlation, y, x, least)
        shift = tuple(
            REPETITION_FACTOR * (index - extent if index > extent // 2 else index)
            for index, extent in ((x, size[0]), (y, size[1]))
        )
        best = max(best, shifted_agreement(old, new, shift))
    return best


def blank(correlation: "np.typing.NDArray[np.float64]", y: int, x: int, radius: int) -> None:
    rows = np.arange(y - radius, y + radius + 1) % correlation.shape[0]
    columns = np.arange(x - radius, x + radius + 1) % correlation.shape[1]
    correlation[np.ix_(rows, columns)] = -np.inf


def shifted_agreement(old: LineWork, new: LineWork, shift: tuple[int, ...]) -> float:
    """Mean agreement after a displacement, to the pixel."""
    height, width = new.mask.shape
    best = 0.0
    for dx in (-2, 2):
        for dy in (-2, 2):
            matrix = np.array([[1, 0, shift[0] + dx], [0, 1, shift[1] + dy]], np.float64)
            moved = cv2.warpAffine(old.mask, matrix, (width, height), flags=cv2.INTER_NEAREST)
            best = max(best, agreement(LineWork.of(np.asarray(moved, np.uint8)), new).mean)
    return best
