"""Pairs of drawings with known changes: two generated revisions, the old one as a simulated scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.drawings import binarization, page_words, rendering
from pipelines.drawings.binarization import GreyImage
from pipelines.drawings.page_words import Matrix
from server.demo import drawings

PIXELS_PER_POINT = 300 / 72

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels of the new sheet."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images, the transform from the old sheet to its scan, and the true boxes of the changes."""

    old: Path
    new: Path
    no_words: Path
    scanning: Matrix
    width: int
    height: int
    changed: tuple[Box, ...]
    share: float


def make(index: int, folder: Path) -> Pair:
    """Pair number `index`: rotated by up to 10 degrees, every second also by 90, 180 or 270 degrees."""
    random = np.random.default_rng(1000 + index)
    share = float(random.uniform(0.05, 0.30))
    sheet = drawings.plan(f"A-{101 + index}", "FLOOR PLAN", 5000 + index, changed=share)
    pictures = []
    for revision, state in enumerate(("old", "new")):
        document = folder / f"{index}-{state}.pdf"
        drawings.write([sheet], revision, document)
        page = rendering.render(document, 1, folder / f"{index}-{state}.png", use_ocr=False)
        pictures.append(page)
        document.unlink()
    turn = 90 * int(random.integers(1, 4)) if index % 2 else 0
    angle = turn + float(random.uniform(-10, 10))
    scale = float(random.uniform(0.8, 1.25))
    drawn = binarization.read_greyscale(pictures[0].image)
    height, width = drawn.shape
    scanning, size = scan_place(width, height, angle, scale, random.uniform(0, 80, 2))
    scan = simulate_scan(binarization.warp(drawn, scanning, *size), random, blur=0.9, noise=9.0)
    rendering.write_png(pictures[0].image, scan)
    rendering.write_png(
        pictures[1].image,
        simulate_scan(binarization.read_greyscale(pictures[1].image), random, blur=0.5, noise=3.0),
    )
    no_words = folder / "no-words.json"
    page_words.save([], no_words)
    return Pair(pictures[0].image, pictures[1].image, no_words, scanning, width, height, pixels(sheet), share)


def pixels(sheet: drawings.Sheet) -> tuple[Box, ...]:
    return tuple(
        (
            left * PIXELS_PER_POINT,
            top * PIXELS_PER_POINT,
            (right - left) * PIXELS_PER_POINT,
            (bottom - top) * PIXELS_PER_POINT,
        )
        for left, top, right, bottom in sheet.changed
    )


def scan_place(
    width: int, height: int, angle: float, scale: float, shift: npt.NDArray[np.float64]
) -> tuple[Matrix, tuple[int, int]]:
    """Rotates about the centre, scales and translates, on a canvas that contains the whole sheet."""
    a, b = scale * cos(radians(angle)), scale * sin(radians(angle))
    across = abs(a) * width + abs(b) * height + float(shift[0])
    down = abs(b) * width + abs(a) * height + float(shift[1])
    x = across / 2 - (a * width / 2 - b * height / 2) + float(shift[0]) / 2
    y = down / 2 - (b * width / 2 + a * height / 2) + float(shift[1]) / 2
    return (a, -b, x, b, a, y), (int(across) + 1, int(down) + 1)


def simulate_scan(grey: GreyImage, random: np.random.Generator, *, blur: float, noise: float) -> GreyImage:
    """Simulates a scanner: blur, grey paper, noise and dust."""
    soft = cv2.GaussianBlur(grey, (0, 0), float(random.uniform(0.3, blur))).astype(np.int16)
    paper = int(random.integers(238, 256))
    soft = (soft.astype(np.int32) * paper // 255).astype(np.int16)
    grain = random.normal(
        0, float(random.uniform(1, noise)), (grey.shape[0] // 2 + 1, grey.shape[1] // 2 + 1)
    )
    soft += np.repeat(np.repeat(np.rint(grain).astype(np.int16), 2, 0), 2, 1)[
        : grey.shape[0], : grey.shape[1]
    ]
    result = np.clip(soft, 0, 255).astype(np.uint8)
    for _ in range(60):
        x, y = int(random.integers(0, grey.shape[1])), int(random.integers(0, grey.shape[0]))
        cv2.circle(result, (x, y), int(random.integers(1, 3)), (90,), -1)
    return result


def corner_error(pair: Pair, transform: Matrix) -> float:
    """Mean distance in pixels between the estimated and true corners of the old sheet."""
    a, b, c, d, e, f = binarization.compose_transforms(transform, pair.scanning)
    corners = [(x, y) for x in (0, pair.width - 1) for y in (0, pair.height - 1)]
    return sum(hypot(a * x + b * y + c - x, d * x + e * y + f - y) for x, y in corners) / 4


def matches(found: Sequence[Box], true: Sequence[Box], least: float = 0.3, largest: float = 3.0) -> int:
    """Number of found boxes that match a true one, one to one, and are not too large."""
    options = sorted(
        (
            (overlap, index, other)
            for index, box in enumerate(found)
            for other, truth in enumerate(true)
            if (overlap := overlap_over_union(box, truth)) >= least
            and box[2] * box[3] <= largest * truth[2] * truth[3]
        ),
        reverse=True,
    )
    used_found: set[int] = set()
    used_true: set[int] = set()
    for _, index, other in options:
        if index not in used_found and other not in used_true:
            used_found.add(index)
            used_true.add(other)
    return len(used_found)


def overlap_over_union(one: Box, other: Box) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / (one[2] * one[3] + other[2] * other[3] - across * down)
