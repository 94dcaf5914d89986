"""Ink of a sheet: lines against their local ground, in greys and colours, and the tones of its areas."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import Invalid
from pipelines.drawings.alignment import Alignment
from pipelines.drawings.binarization import (
    GreyImage,
)

Picture = npt.NDArray[np.uint8]
"""Greyscale, or blue, green and red."""

TONE_STEP = 4
"""Pixels of the sheet per pixel of its tones, in each direction."""

MAX_LINE_BLOCKS = 9
"""Width of the widest line on a pale area, in blocks of `TONE_STEP` pixels; wider areas are fills."""

DARK_FILL_LEVEL = 160
"""Fills darker than this grey are ink themselves."""

PALE_FILL_LEVEL = 240
MIN_GRAIN = 0.5
"""Grain of the paper from which a sheet is one that was scanned."""

MIN_STRENGTH = 8.0
"""Least contrast of ink in grey levels: a line in 90 % white, half a pixel wide, has more."""

MIN_SCAN_STRENGTH, MAX_SCAN_STRENGTH, NOISE_FACTOR = 20.0, 95.0, 8.0
"""Contrast of ink on a scanned sheet: this many times the grain of its paper, within bounds."""

SPECK_SIDE, MIN_SPECK_PIXELS, MAX_SPECK_STRENGTH = 9, 9, 96
"""Fainter ink counts from so many pixels in a square of this side: grain is scattered, lines are not."""

CONTRAST_SIDE = 7
"""Side in pixels of the neighbourhood whose strongest ink is 100 %."""

RINGING_RATIO = 0.2
"""Ink fainter than half this share of the strongest ink within two blocks counts as its fringe."""

PAPER_CELL = 32
"""Side of the cells in which the colour of the paper is estimated, in pixels of the tones."""

PAPER_MEDIAN = 7
WHITE_LEVEL = 251
MAX_SCALE_DIFFERENCE = 0.01
MIN_FILL_SAMPLES = 100
"""Blocks of pale fills from which their grain is known: white paper, where scanners clip, has less."""

STRIP_ROWS = 512
NOISE_TILE = 96


@dataclass(frozen=True, slots=True)
class SheetInk:
    """A sheet as its reader sees it.

    `lines` has the sheet's size: 255 is paper or a pale fill, 0 is the strongest ink within a few pixels,
    whatever its colour. `tone` are the sheet's colours on white paper, and `ground` the darkness of its pale
    fills, each at one pixel for `TONE_STEP` of the sheet, as is `cover`, the mean darkness of its lines.
    `noise` is the standard deviation of the paper.
    A bilevel sheet has black and white only, and no fainter lines. The strength of thin lines is unknown on
    a sheet that was resized.
    """

    lines: GreyImage
    tone: Picture
    ground: GreyImage
    cover: GreyImage
    noise: float
    is_bilevel: bool = False
    is_resized: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether it is drawn, not scanned: its paper has no grain."""
        return self.noise < MIN_GRAIN


def read(path: Path) -> SheetInk:
    """Read an image file, grey or in colour."""
    picture = cv2.imread(str(path), cv2.IMREAD_ANYCOLOR)
    if picture is None:
        raise Invalid("The image of the sheet cannot be read.")
    return extract(np.asarray(picture, np.uint8))


def extract(picture: Picture) -> SheetInk:
    """The ink of a picture."""
    height, width = (side // TONE_STEP * TONE_STEP for side in picture.shape[:2])
    size = (width // TONE_STEP, height // TONE_STEP)
    tone = np.asarray(cv2.resize(picture[:height, :width], size, interpolation=cv2.INTER_AREA), np.uint8)
    paper = paper_colour(tone)
    darkness = darkest_channel(picture, paper)
    may_be_bilevel = picture.ndim == 2
    del picture
    if paper is not None:
        tone = divide(tone, paper)
    noise = grain(darkness)
    ground = ground_level(darkness, tone)
    lines = contrast(darkness, ground, noise)
    return SheetInk(
        lines,
        tone,
        ground,
        line_coverage(lines, size),
        noise,
        may_be_bilevel and is_bilevel(darkness),
    )


def line_coverage(lines: GreyImage, size: tuple[int, int]) -> GreyImage:
    """Mean darkness of the lines in each block."""
    width, height = size
    small = cv2.resize(lines[: height * TONE_STEP, : width * TONE_STEP], size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.bitwise_not(small), np.uint8)


def paper_colour(tone: Picture) -> Picture | None:
    """The colour of the paper at each pixel of the tones; None for white paper.

    The light tones of cells, without what differs from the cells around: shadows and yellowed areas are
    paper, filled rooms are not.
    """
    down, across = (max(1, side // PAPER_CELL) for side in tone.shape[:2])
    channels = tone.reshape(*tone.shape[:2], -1)
    cells = np.empty((down, across, channels.shape[2]), np.uint8)
    for row, rows in enumerate(np.array_split(channels, down)):
        for column, cell in enumerate(np.array_split(rows, across, axis=1)):
            cells[row, column] = np.percentile(cell[::2, ::2].reshape(-1, cell.shape[2]), 85, axis=0)
    if np.mean(cells.min(axis=2) >= WHITE_LEVEL) > 0.5:
        return None
    radius = PAPER_MEDIAN // 2
    padded = np.pad(cells, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PAPER_MEDIAN, PAPER_MEDIAN), axis=(0, 1))
    smooth = np.median(windows, axis=(3, 4)).astype(np.float32)
    size = (tone.shape[1], tone.shape[0])
    paper = cv2.resize(cv2.GaussianBlur(smooth, (3, 3), 0), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(np.rint(paper), 1, 255), np.uint8).reshape(tone.shape)


def divide(picture: Picture, paper: Picture) -> Picture:
    return np.asarray(cv2.divide(picture, paper, scale=255), np.uint8)


def darkest_channel(picture: Picture, paper: Picture | None) -> GreyImage:
    """The darkest channel on white paper: yellow, cyan and magenta are as dark as black."""
    height, width = picture.shape[:2]
    result = np.empty((height, width), np.uint8)
    for top in range(0, height, STRIP_ROWS):
        strip = picture[top : top + STRIP_ROWS]
        if paper is not None:
            rows = paper[top // TONE_STEP : -(-(top + STRIP_ROWS) // TONE_STEP)]
            rows = rows if len(rows) else paper[-1:]
            strip = divide(strip, np.asarray(cv2.resize(rows, strip.shape[1::-1]), np.uint8))
        if strip.ndim == 3:
            blue, green, red = cv2.split(strip)
            cv2.min(cv2.min(blue, green), red, dst=result[top : top + STRIP_ROWS])
        else:
            result[top : top + STRIP_ROWS] = strip
    return result


def grain(darkness: GreyImage) -> float:
    """Standard deviation of the paper: the median over tiles of what a median filter takes away."""
    height, width = darkness.shape
    deviations = []
    for top in range(0, max(1, height - NOISE_TILE), max(NOISE_TILE, height // 8)):
        for left in range(0, max(1, width - NOISE_TILE), max(NOISE_TILE, width // 8)):
            tile = np.ascontiguousarray(darkness[top : top + NOISE_TILE, left : left + NOISE_TILE])
            difference = np.asarray(cv2.absdiff(tile, np.asarray(cv2.medianBlur(tile, 5))))
            bounded = np.minimum(difference, np.percentile(difference, 85))
            deviations.append(1.4 * float(bounded.mean()))
    return round(float(np.quantile(deviations, 0.35)), 3) if deviations else 0.0


def is_bilevel(darkness: GreyImage) -> bool:
    """Whether nearly all pixels are black or white."""
    levels = np.bincount(darkness[::3, ::3].ravel(), minlength=256)
    return bool(levels[1:255].sum() <= 0.01 * levels[:128].sum())


def block_maxima(grey: GreyImage) -> GreyImage:
    """The lightest pixel of each block of `TONE_STEP` pixels."""
    height, width = (side // TONE_STEP * TONE_STEP for side in grey.shape)
    wide = cv2.dilate(grey, np.ones((TONE_STEP, TONE_STEP), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(np.asarray(wide, np.uint8)[:height:TONE_STEP, :width:TONE_STEP])


def ground_level(darkness: GreyImage, tone: Picture) -> GreyImage:
    """What lines are drawn on: paper and dark fills are 255, pale fills their own level."""
    kernel = np.ones((MAX_LINE_BLOCKS, MAX_LINE_BLOCKS), np.uint8)
    ground = np.asarray(cv2.morphologyEx(block_maxima(darkness), cv2.MORPH_CLOSE, kernel), np.uint8)
    grey = tone if tone.ndim == 2 else cv2.cvtColor(tone, cv2.COLOR_BGR2GRAY)
    level = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, kernel)
    ground[np.asarray(level) < DARK_FILL_LEVEL] = 255
    return np.asarray(cv2.erode(ground, np.ones((3, 3), np.uint8)), np.uint8)


def contrast(darkness: GreyImage, ground: GreyImage, noise: float) -> GreyImage:
    """Ink relative to the strongest nearby: 0 is full contrast, 255 is none."""
    size = darkness.shape[1::-1]
    strength = np.asarray(
        cv2.subtract(enlarge(lower_ground(darkness, ground, noise), size), darkness), np.uint8
    )
    strongest = np.asarray(cv2.dilate(strength, np.ones((CONTRAST_SIDE, CONTRAST_SIDE), np.uint8)), np.uint8)
    least = MIN_STRENGTH
    if noise >= MIN_GRAIN:
        least = float(np.clip(NOISE_FACTOR * noise, MIN_SCAN_STRENGTH, MAX_SCAN_STRENGTH))
        remove_specks(strongest, (strength >= least).view(np.uint8))
    if noise:
        around = cv2.dilate(block_maxima(strength), np.ones((5, 5), np.uint8))
        fringe = np.asarray(cv2.convertScaleAbs(around, alpha=RINGING_RATIO), np.uint8)
        strongest = np.asarray(cv2.max(strongest, enlarge(fringe, size)), np.uint8)
    table = np.arange(256, dtype=np.uint8)
    table[: round(least)] = 255
    relative = cv2.divide(strength, cv2.LUT(strongest, table), scale=255)
    return np.asarray(cv2.bitwise_not(relative, dst=relative), np.uint8)


def lower_ground(darkness: GreyImage, ground: GreyImage, noise: float) -> GreyImage:
    """The ground without the bias that the grain gives to the lightest pixels of blocks."""
    if noise < MIN_GRAIN:
        return ground
    height, width = ground[::2, ::2].shape
    sample = np.ascontiguousarray(darkness[:: 2 * TONE_STEP, :: 2 * TONE_STEP][:height, :width])
    below = np.asarray(cv2.subtract(np.ascontiguousarray(ground[::2, ::2]), sample), np.uint8)
    bias = int(np.median(below))
    fill_bias = max(bias, round(2 * noise))
    if len(in_fills := below[ground[::2, ::2] < PALE_FILL_LEVEL]) >= MIN_FILL_SAMPLES:
        middle = float(np.median(in_fills))
        grain_beyond = max(0.0, 1.48 * float(np.median(np.abs(in_fills - middle))) - noise)
        fill_bias = max(fill_bias, round(middle + NOISE_FACTOR / 2 * grain_beyond))
    return np.where(ground < PALE_FILL_LEVEL, ground - np.uint8(fill_bias), ground - np.uint8(bias))


def remove_specks(strongest: GreyImage, inked: GreyImage) -> None:
    density = cv2.boxFilter(inked, -1, (SPECK_SIDE, SPECK_SIDE), normalize=False)
    sparse = cv2.inRange(density, (0,), (MIN_SPECK_PIXELS - 1,))
    faint = cv2.inRange(strongest, (0,), (MAX_SPECK_STRENGTH - 1,))
    cv2.bitwise_or(strongest, cv2.bitwise_and(sparse, faint, dst=sparse), dst=strongest)


def enlarge(small: GreyImage, size: tuple[int, int]) -> GreyImage:
    """Blocks at the size (width, height) of the sheet; the last rows and columns repeat."""
    width, height = size
    large = cv2.resize(
        small, (small.shape[1] * TONE_STEP, small.shape[0] * TONE_STEP), interpolation=cv2.INTER_NEAREST
    )
    down, across = height - large.shape[0], width - large.shape[1]
    if down or across:
        large = cv2.copyMakeBorder(large, 0, down, 0, across, cv2.BORDER_REPLICATE)
    return np.asarray(large, np.uint8)


def warp_sheet(sheet: SheetInk, fit: Alignment, width: int, height: int) -> SheetInk:
    """The sheet on the canvas of another one."""
    small = fit.downscale(TONE_STEP)
    size = (width // TONE_STEP, height // TONE_STEP)
    return SheetInk(
        fit.warp(sheet.lines, width, height),
        small.warp(sheet.tone, *size),
        small.warp(sheet.ground, *size),
        np.asarray(cv2.bitwise_not(small.warp(np.asarray(cv2.bitwise_not(sheet.cover)), *size))),
        sheet.noise,
        sheet.is_bilevel,
        abs(fit.scale - 1) > MAX_SCALE_DIFFERENCE,
    )


def visible_grey(sheet: SheetInk) -> GreyImage:
    """Lines in full contrast on the sheet's fills."""
    height, width = sheet.lines.shape
    return np.asarray(cv2.min(sheet.lines, enlarge(sheet.ground, (width, height))), np.uint8)
