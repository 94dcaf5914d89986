"""Result of an alignment: the transform of the old sheet to the new one, and how well it fits."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.alignment_notes import AlignmentNoteKind
from pipelines.drawings.alignment.transforms import (
    Homography,
    Points,
    affine_at,
    inverse,
    to_homography,
    transform_points,
    warp_homography,
)
from pipelines.drawings.binarization import GreyImage, Mask, scale_factor, scaling_matrix, to_matrix
from pipelines.drawings.page_words import Matrix

MIN_CONFIDENT_SCORE = 0.5
"""Lower scores occur for sheets that share only a border and a title block."""

QUARTER_TURN = 90.0

Interior = tuple[int, int, int, int]
"""Left, top, right and bottom of the area inside a frame, in pixels of the new sheet."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A border and title block that did not move with the plan inside them."""

    matrix: Matrix
    interior: Interior


@dataclass(frozen=True, slots=True)
class Alignment:
    """`matrix` transforms pixels of the old sheet to pixels of the new one.

    `score` (0 to 1) is the agreement of line work in the median grid cell, corrected for chance and limited
    by the agreement of what stands between walls and grids. Below `MIN_CONFIDENT_SCORE` the sheets are not
    considered revisions of one sheet. `frame` is set if the plan moved inside an unmoved frame; `matrix` is
    the transform of the plan. `homography` (by rows) is set for photographs; `matrix` is its approximation.
    `doubt` says why a score is limited.
    """

    matrix: Matrix
    score: float
    inliers: int
    frame: Frame | None = None
    homography: tuple[float, ...] | None = None
    doubt: AlignmentNoteKind | None = None

    @property
    def is_confident(self) -> bool:
        return self.score >= MIN_CONFIDENT_SCORE

    @property
    def is_mirrored(self) -> bool:
        return self.matrix[0] * self.matrix[4] < self.matrix[1] * self.matrix[3]

    @property
    def notes(self) -> tuple[AlignmentNoteKind, ...]:
        """How the alignment is unusual, and why it is doubtful."""
        doubt = None if self.is_confident else self.doubt or AlignmentNoteKind.POOR_FIT
        unusual = {
            AlignmentNoteKind.PLAN_MOVED: self.frame is not None,
            AlignmentNoteKind.PHOTOGRAPH: self.homography is not None,
            AlignmentNoteKind.MIRRORED: self.is_mirrored,
            AlignmentNoteKind.TURNED: abs(self.rotation) > QUARTER_TURN / 2,
        }
        return (*((doubt,) if doubt else ()), *(note for note, applies in unusual.items() if applies))

    @property
    def scale(self) -> float:
        return scale_factor(self.matrix)

    @property
    def rotation(self) -> float:
        """Degrees clockwise, from -180 to 180; of a mirrored sheet, after its reflection left to right."""
        sign = -1 if self.is_mirrored else 1
        return math.degrees(math.atan2(sign * self.matrix[3], sign * self.matrix[0]))

    @property
    def transform(self) -> Homography:
        """The exact transform of the plan, 3 x 3."""
        return to_homography(self.matrix) if self.homography is None else np.reshape(self.homography, (3, 3))

    def downscale(self, factor: int) -> "Alignment":
        """The alignment of the sheets at one pixel for `factor` pixels."""
        step = to_homography(scaling_matrix(factor, factor))

        def small(matrix: Homography) -> Homography:
            return inverse(step) @ matrix @ step

        frame = self.frame
        if frame:
            left, top, right, bottom = (round(edge / factor) for edge in frame.interior)
            frame = Frame(to_matrix(small(to_homography(frame.matrix))[:2]), (left, top, right, bottom))
        homography = None
        if self.homography:
            homography = tuple(float(value) for value in small(self.transform).ravel())
        matrix = to_matrix(small(to_homography(self.matrix))[:2])
        return replace(self, matrix=matrix, frame=frame, homography=homography)

    def warp(self, old: GreyImage, width: int, height: int) -> GreyImage:
        """The old sheet in the new one's place, on white; grey or in colour."""
        if self.frame is None:
            return warp_homography(old, self.transform, width, height)
        left, top, right, bottom = self.frame.interior
        frame = to_homography(self.frame.matrix)
        warped = warp_homography(old, frame, width, height)
        plan = warp_homography(self.blank_frame(old), self.transform, width, height)
        warped[top:bottom, left:right] = plan[top:bottom, left:right]
        return warped

    def blank_frame(self, old: GreyImage) -> GreyImage:
        """The old sheet without its frame."""
        mask = np.zeros(old.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.round(self.old_interior()).astype(np.int32), (1,))
        plan = np.full_like(old, 255)
        plan[mask > 0] = old[mask > 0]
        return plan

    def old_interior(self) -> Points:
        """Corners of the area inside the frame on the old sheet."""
        if self.frame is None:
            return np.empty((0, 2))
        left, top, right, bottom = self.frame.interior
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)
        return transform_points(corners, inverse(to_homography(self.frame.matrix)))

    def coverage(self, shape: tuple[int, ...], width: int, height: int) -> Mask:
        """Mask of the area of the new sheet that the old one covers; `shape` is the old one's."""
        tall, wide = shape[:2]
        matrix = self.transform if self.frame is None else to_homography(self.frame.matrix)
        corners = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, tall - 0.5], [-0.5, tall - 0.5]])
        mask = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(mask, np.round(transform_points(corners, matrix)).astype(np.int32), (1,))
        return mask

    def transform_points(self, points: Points) -> Points:
        """Points of the old sheet on the new one, each with its part."""
        moved = transform_points(points, self.transform)
        if self.frame is None:
            return moved
        outline = self.old_interior().astype(np.float32)
        unmoved = transform_points(points, to_homography(self.frame.matrix))
        inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in points]
        return np.where(np.reshape(inside, (-1, 1)), moved, unmoved)

    def matrix_at(self, x: float, y: float) -> Matrix:
        """The transform near a point of the old sheet."""
        if self.homography is not None:
            return affine_at(self.transform, x, y)
        if self.frame is not None:
            outline = self.old_interior().astype(np.float32)
            if cv2.pointPolygonTest(outline, (x, y), False) < 0:
                return self.frame.matrix
        return self.matrix
