"""Masks of objects: cut out, enlarged, displaced and laid over each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings.binarization import Mask, dilate
from pipelines.drawings.line_differences import Box

MAX_TRANSFORM_SIDE = 256
"""Side in pixels up to which displacements are searched at full size."""
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Window:
    """A part of both sheets: their ink, the differing ink, and its upper left corner on the sheet."""

    left: int
    top: int
    old: Mask
    new: Mask
    removed: Mask
    added: Mask

    @property
    def removed_object(self) -> Mask:
        """The removed ink with the edges of its lines."""
        return self.old & dilate(self.removed, 2)

    @property
    def added_object(self) -> Mask:
        """The added ink with the edges of its lines."""
        return self.new & dilate(self.added, 2)

    def box(self, mask: Mask) -> Box:
        """The bounding box of a mask, on the sheet."""
        left, top, width, height = cv2.boundingRect(mask)
        return left + self.left, top + self.top, width, height


def enlarge(mask: Mask, x: int, y: int, factor: float) -> Mask:
    """The mask scaled about a point; what leaves it is lost."""
    matrix = np.array([[factor, 0, x * (1 - factor)], [0, factor, y * (1 - factor)]], np.float64)
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST), np.uint8)


def clear_specks(mask: Mask) -> Mask:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)


def crop(mask: Mask) -> Mask:
    """The part of a mask that is not empty."""
    left, top, width, height = cv2.boundingRect(mask)
    return mask[top : top + height, left : left + width]


def bounding_rectangle(mask: Mask) -> Box:
    left, top, width, height = cv2.boundingRect(mask)
    return left, top, width, height


def pad(mask: Mask, width: int, height: int) -> Mask:
    return np.pad(mask, ((0, height - mask.shape[0]), (0, width - mask.shape[1])))


def coverage(mask: Mask, other: Mask, whole: Mask) -> float:
    """The share of `whole` that lies, as `mask`, in another mask."""
    return cv2.countNonZero(mask & other) / max(cv2.countNonZero(whole), 1)


def translate(mask: Mask, across: int, down: int) -> Mask:
    """The mask displaced; what leaves it is lost."""
    shift = np.array([[1, 0, across], [0, 1, down]], np.float64)
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask, shift, size, flags=cv2.INTER_NEAREST), np.uint8)


def shifts(removed: Mask, added: Mask) -> Iterator[tuple[int, int]]:
    """Displacements that may bring what was removed onto what was added, likely ones first."""
    one, other = cv2.boundingRect(removed), cv2.boundingRect(added)
    yield other[0] - one[0], other[1] - one[1]
    yield other[0] + other[2] - one[0] - one[2], other[1] + other[3] - one[1] - one[3]
    factor = max(1.0, max(removed.shape) / MAX_TRANSFORM_SIDE)
    size = (max(1, round(removed.shape[1] / factor)), max(1, round(removed.shape[0] / factor)))
    small = [
        cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in (removed, added)
    ]
    shape = (2 * size[1], 2 * size[0])
    spectra = [np.fft.rfft2(mask, shape) for mask in small]
    correlation = np.fft.irfft2(np.conj(spectra[0]) * spectra[1], shape)
    for _ in range(3):
        down, across = np.unravel_index(int(np.argmax(correlation)), shape)
        vertical = int(down) - shape[0] if down >= size[1] else int(down)
        horizontal = int(across) - shape[1] if across >= size[0] else int(across)
        rows = [(vertical + offset) % shape[0] for offset in (-1, 0, 1)]
        correlation[np.ix_(rows, [(horizontal + offset) % shape[1] for offset in (-1, 0, 1)])] = 0
        start = round(horizontal * factor), round(vertical * factor)
        yield refine(removed, added, *start, reach=round(factor))


def refine(removed: Mask, added: Mask, across: int, down: int, reach: int) -> tuple[int, int]:
    """The displacement within `reach` pixels that brings most of the removed ink onto the added."""
    if reach < 2:
        return across, down
    candidates = [
        (across + x, down + y) for x in range(-reach, reach + 1, 2) for y in range(-reach, reach + 1, 2)
    ]
    return max(candidates, key=lambda shift: cv2.countNonZero(translate(removed, *shift) & added))


def select(labels: Labels, ids: set[int]) -> Mask:
    """The mask of the components with these labels."""
    chosen = np.zeros(int(labels.max()) + 1, np.uint8)
    chosen[list(ids)] = 1
    return chosen[labels]


def labels_within(labels: Labels, mask: Mask) -> set[int]:
    """Labels of the components that a mask covers a part of."""
    return set(np.unique(labels[mask > 0]).tolist()) - {0}


def connected_objects(window: Window) -> tuple[Mask | None, Mask | None]:
    """The connected ink that the differing ink is a part of, old and new; None if it leaves the window."""
    _, old_labels = cv2.connectedComponents(window.old, connectivity=8)
    _, new_labels = cv2.connectedComponents(window.new, connectivity=8)
    before, after = np.asarray(old_labels, np.int32), np.asarray(new_labels, np.int32)
    old_ids, new_ids = labels_within(before, window.removed), labels_within(after, window.added)
    old_ids |= labels_within(before, select(after, new_ids))
    new_ids |= labels_within(after, select(before, old_ids))
    return without_open(select(before, old_ids)), without_open(select(after, new_ids))


def without_open(mask: Mask) -> Mask | None:
    """The mask, unless it is empty or reaches the edge."""
    reaches_edge = mask[[0, -1]].any() or mask[:, [0, -1]].any()
    return None if reaches_edge or not mask.any() else mask
