"""Result of an alignment: the transform of the old sheet to the new one, and how well it fits."""

import math
from dataclasses import dataclass

from pipelines.drawings.binarization import scale_factor
from pipelines.drawings.page_words import Matrix

MIN_CONFIDENT_SCORE = 0.5
"""Lower scores occur for sheets that share only a border and a title block."""

SCALE_RANGE = (0.2, 5.0)


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
