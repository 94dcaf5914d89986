"""Telling words that changed from words that were read differently."""

from itertools import product

import cv2
import numpy as np

from pipelines.drawings.binarization import GreyImage, Mask, binarize, otsu_threshold, dilate
from pipelines.drawings.change_detection import bounding_box, word_box
from pipelines.drawings.text_diff import WordChanges, overlapping_groups

MAX_SHIFT = 2
"""How far, in pixels each way, a word of the old sheet is moved to meet the new one's ink best."""

MIN_CHANGED_RATIO = 0.03
"""The share of lone ink from which a word has changed: more than one pixel from any of the other sheet's."""


def drop_ocr_errors(words: WordChanges, old: GreyImage, new: GreyImage) -> WordChanges:
    """The differing words without those whose ink is alike on both sheets, which lie on one another."""
    levels = otsu_threshold(old), otsu_threshold(new)
    removed, added = [], []
    for old_words, new_words in overlapping_groups(words.removed, words.added):
        left, top, width, height = bounding_box([word_box(each) for each in (*old_words, *new_words)])
        area = np.s_[max(top, 0) : top + height, max(left, 0) : left + width]
        if unmatched_ink_ratio(binarize(old[area], levels[0]), binarize(new[area], levels[1])) >= MIN_CHANGED_RATIO:
            removed += old_words
            added += new_words
    kept_removed, kept_added = set(removed), set(added)
    return WordChanges(
        tuple(each for each in words.removed if each in kept_removed),
        tuple(each for each in words.added if each in kept_added),
        words.shifted,
    )


def unmatched_ink_ratio(old: Mask, new: Mask) -> float:
    """The share of two pictures' ink without the other's within a pixel, where they meet best."""
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
