"""Comparison of two pages: alignment, changes, differing words and overlay, in one call."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2

from core.alignment_notes import AlignmentNoteKind
from pipelines.drawings import (
    alignment,
    change_detection,
    change_objects,
    change_texts,
    locations,
    ocr_errors,
    overlay,
    page_words,
    rooms,
    sheet_ink,
    text_diff,
)
from pipelines.drawings.alignment.points import Point
from pipelines.drawings.change_detection import Change, Sensitivity
from pipelines.drawings.locations import Place
from pipelines.drawings.overlay import Colours
from pipelines.drawings.page_words import Matrix, Word
from pipelines.drawings.sheet_ink import SheetInk

WORD_TOLERANCE = 12.0
"""Maximum displacement of an unchanged word, in pixels at 300 dpi."""


MIN_POINTS_SCORE = 0.1
"""Score below which points of a person do not fit the sheets' content. The plan may be most of what fits."""


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """Options of a comparison.

    `points` align the sheets instead of their content. Changes of which both sides are shorter than
    `min_side` pixels are only counted.
    """

    colours: Colours = field(default_factory=Colours)
    sensitivity: Sensitivity = field(default_factory=Sensitivity)
    points: tuple[tuple[Point, Point], ...] = ()
    min_side: float = 0.0


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """Result of comparing two pages; boxes are in pixels of the new page's image.

    `score` and `is_confident` rate the alignment, `change_ratio` is the share of differing ink. Without a
    confident alignment there are no regions, and words are compared regardless of position. `transform` maps
    old pixels to new ones (approximately if `is_perspective`), `notes` says what is unusual or doubtful
    about it, `frame` is set if the plan moved inside an unmoved frame, `places` says where each change is,
    and `seconds` is CPU time by stage.
    """

    score: float
    is_confident: bool
    transform: Matrix
    rotation: float
    scale: float
    notes: tuple[AlignmentNoteKind, ...]
    frame: alignment.Frame | None
    is_perspective: bool
    change_ratio: float
    changes: tuple[Change, ...]
    small_change_count: int
    places: tuple[Place, ...]
    words_removed: tuple[str, ...]
    words_added: tuple[str, ...]
    overlay: Path
    preview: Path
    seconds: dict[str, float]

    @property
    def locations(self) -> tuple[str, ...]:
        """Where each change is, in words."""
        return tuple(place.text for place in self.places)


def compare(
    old_image: Path,
    new_image: Path,
    old_words: Path,
    new_words: Path,
    folder: Path,
    options: ComparisonOptions = ComparisonOptions(),
) -> ComparisonResult:
    """Align, find the changes, and write `overlay.png` and `overlay_preview.png` into `folder`."""
    cv2.setNumThreads(1)
    seconds: dict[str, float] = {}
    with cpu_timer(seconds, "reading"):
        old, new = sheet_ink.read(old_image), sheet_ink.read(new_image)
        before, after = page_words.load(old_words), page_words.load(new_words)
    with cpu_timer(seconds, "alignment"):
        fit = (
            alignment.from_points(options.points, old.lines, new.lines)
            if options.points
            else alignment.align(old.lines, new.lines)
        )
    with cpu_timer(seconds, "moving"):
        height, width = new.lines.shape
        coverage = fit.coverage(old.lines.shape, width, height)
        old = sheet_ink.warp_sheet(old, fit, width, height)
    with cpu_timer(seconds, "words"):
        is_placed = bool(options.points) or fit.is_confident
        before = transform_words(before, fit) if is_placed else before
        word_changes = diff_words(before, after, is_placed)
    detected = change_detection.DetectedChanges((), 1.0)
    if is_placed:
        with cpu_timer(seconds, "changes"):
            has_text = has_exact_text(before) and has_exact_text(after)
            drop = ocr_errors.drop_invisible if has_text else ocr_errors.drop_ocr_errors
            word_changes = drop(word_changes, old.lines, new.lines)
            detected = change_detection.detect(
                old, new, coverage, word_changes, scale_tolerance(options.sensitivity, fit.scale)
            )
        with cpu_timer(seconds, "objects"):
            lines = change_texts.with_lines(detected.changes, word_changes, before, after)
            detected = change_objects.interpret(
                replace(detected, changes=tuple(lines)), old, new, word_changes, options.sensitivity.tolerance
            )
    with cpu_timer(seconds, "overlay"):
        target, preview = folder / "overlay.png", folder / "overlay_preview.png"
        pictures = sheet_ink.visible_grey(old), sheet_ink.visible_grey(new)
        overlay.write_overlay(*pictures, target, preview, options.colours)
    changes = tuple(change for change in detected.changes if max(change.box[2:]) >= options.min_side)
    return ComparisonResult(
        score=fit.score,
        is_confident=fit.score >= MIN_POINTS_SCORE if options.points else fit.is_confident,
        transform=fit.matrix,
        rotation=round(fit.rotation, 3),
        scale=round(fit.scale, 5),
        notes=fit.notes,
        frame=fit.frame,
        is_perspective=fit.homography is not None,
        change_ratio=detected.ratio,
        changes=changes,
        small_change_count=len(detected.changes) - len(changes),
        places=locate_changes(changes, new, after),
        words_removed=tuple(word.text for word in word_changes.removed),
        words_added=tuple(word.text for word in word_changes.added),
        overlay=target,
        preview=preview,
        seconds=seconds,
    )


def scale_tolerance(sensitivity: Sensitivity, scale: float) -> Sensitivity:
    """Scale the tolerance where the old sheet is enlarged."""
    return replace(sensitivity, tolerance=round(sensitivity.tolerance * max(1.0, scale)))


def transform_words(words: Sequence[Word], fit: alignment.Alignment) -> list[Word]:
    """Words of the old sheet in the new one's pixels."""
    return [
        placed for word in words for placed in page_words.transform_words([word], fit.matrix_at(*word.centre))
    ]


def diff_words(old: Sequence[Word], new: Sequence[Word], is_placed: bool) -> text_diff.WordChanges:
    """Words that differ by text or position; by text alone without an alignment to rely on."""
    if not is_placed:
        return text_diff.diff_by_text(old, new)
    return text_diff.diff(old, new, WORD_TOLERANCE)


def locate_changes(changes: Sequence[Change], new: SheetInk, words: Sequence[Word]) -> tuple[Place, ...]:
    """Where each change is, by the rooms and the grid of the new sheet."""
    height, width = new.lines.shape
    grid = locations.detect_grid(words, width, height)
    room_map = rooms.map_rooms(new.lines, words) if changes else rooms.NO_ROOMS
    return tuple(
        Place("whole sheet")
        if change.is_sheet_wide
        else locations.locate(change.box, change.old_box, width, height, grid, room_map)
        for change in changes
    )


def has_exact_text(words: Sequence[Word]) -> bool:
    """Whether a sheet's words come from a text layer, not from OCR."""
    return bool(words) and not any(word.optical for word in words)


@contextmanager
def cpu_timer(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Measure the CPU seconds of a stage."""
    start = time.process_time()
    yield
    seconds[stage] = round(time.process_time() - start, 3)
