"""Telling words that changed from words that were read differently."""

from itertools import product

import cv2
import numpy as np

from pipelines.drawings.binarization import Grey, Mask, ink, threshold, widened
from pipelines.drawings.change_detection import around, box_of
from pipelines.drawings.text_diff import WordChanges, touching

SHIFT = 2
"""How far, in pixels each way, a word of the old sheet is moved to meet the new one's ink best."""

CHANGED = 0.03
"""The share of lone ink from which a word has changed: more than one pixel from any of the other sheet's."""


def sorted_out(words: WordChanges, old: Grey, new: Grey) -> WordChanges:
    """The differing words without those whose ink is alike on both sheets, which lie on one another."""
    levels = threshold(old), threshold(new)
    removed, added = [], []
    for gone, come in touching(words.removed, words.added):
        left, top, width, height = around([box_of(each) for each in (*gone, *come)])
        area = np.s_[max(top, 0) : top + height, max(left, 0) : left + width]
        if lone(ink(old[area], levels[0]), ink(new[area], levels[1])) >= CHANGED:
            removed += gone
            added += come
    kept_removed, kept_added = set(removed), set(added)
    return WordChanges(
        tuple(each for each in words.removed if each in kept_removed),
        tuple(each for each in words.added if each in kept_added),
        words.shifted,
    )


def lone(old: Mask, new: Mask) -> float:
    """The share of two pictures' ink without the other's within a pixel, where they meet best."""
    inked = cv2.countNonZero(old) + cv2.countNonZero(new)
    if not inked:
        return 0.0
    padded = np.pad(old, SHIFT)
    height, width = new.shape
    near_new = widened(new, 1)
    fewest = inked
    for down, across in product(range(2 * SHIFT + 1), repeat=2):
        before = np.ascontiguousarray(padded[down : down + height, across : across + width])
        alone = cv2.countNonZero(before & ~near_new & 1) + cv2.countNonZero(new & ~widened(before, 1) & 1)
        fewest = min(fewest, alone)
    return fewest / inked
