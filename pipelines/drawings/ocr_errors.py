"""OCR errors: words that are recognized differently but look the same."""

from itertools import product

import cv2
import numpy as np

from pipelines.drawings.binarization import GreyImage, Mask, binarize, dilate, otsu_threshold
from pipelines.drawings.change_detection import bounding_box, word_box
from pipelines.drawings.text_diff import WordChanges, overlapping_groups

MAX_SHIFT = 2
"""Maximum shift of a word in pixels, to find the best overlap of ink."""

MIN_CHANGED_RATIO = 0.03
"""Share of ink more than one pixel from the other sheet's ink, from which a word has changed."""


def drop_ocr_errors(words: WordChanges, old: GreyImage, new: GreyImage) -> WordChanges:
    """The differing words without those whose ink is the same on both sheets, which are aligned."""
    levels = otsu_threshold(old), otsu_threshold(new)
    removed, added = [], []
    for old_words, new_words in overlapping_groups(words.removed, words.added):
        left, top, width, height = bounding_box([word_box(word) for word in (*old_words, *new_words)])
        area = np.s_[max(top, 0) : top + height, max(left, 0) : left + width]
        if (
            unmatched_ink_ratio(binarize(old[area], levels[0]), binarize(new[area], levels[1]))
            >= MIN_CHANGED_RATIO
        ):
            removed += old_words
            added += new_words
    kept_removed, kept_added = set(removed), set(added)
    return WordChanges(
        tuple(word for word in words.removed if word in kept_removed),
        tuple(word for word in words.added if word in kept_added),
        words.shifted,
    )


def unmatched_ink_ratio(old: Mask, new: Mask) -> float:
    """Share of ink without counterpart within a pixel, at the best shift."""
    ink_pixels = cv2.countNonZero(old) + cv2.countNonZero(new)
    if not ink_pixels:
        return 0.0
    padded = np.pad(old, MAX_SHIFT)
    height, width = new.shape
    near_new = dilate(new, 1)
    fewest = ink_pixels
    for down, across in product(range(2 * MAX_SHIFT + 1), repeat=2):
        before = np.ascontiguousarray(padded[down : down + height, across : across + width])
        unmatched = cv2.countNonZero(before & ~near_new & 1) + cv2.countNonZero(new & ~dilate(before, 1) & 1)
        fewest = min(fewest, unmatched)
    return fewest / ink_pixels
