"""Alignment of an old sheet with the new one, by their line work or by points that a person gives."""

from pipelines.drawings.alignment.points import from_points
from pipelines.drawings.alignment.result import MIN_CONFIDENT_SCORE, Alignment, Frame
from pipelines.drawings.alignment.search import align

__all__ = ["MIN_CONFIDENT_SCORE", "Alignment", "Frame", "align", "from_points"]
