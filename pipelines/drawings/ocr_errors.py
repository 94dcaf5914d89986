"""Words that differ as text but look the same: OCR errors, hidden words, other codes of equal glyphs."""

from collections.abc import Callable

import numpy as np

from pipelines.drawings.binarization import GreyImage, Mask, binarize
from pipelines.drawings.change_detection import MIN_WORD_PIXELS, bounding_box
from pipelines.drawings.ink_matching import unmatched_ink, unmatched_ink_ratio
from pipelines.drawings.line_differences import INK_LEVEL, word_box
from pipelines.drawings.text_diff import WordChanges, overlapping_groups

MIN_CHANGED_RATIO = 0.03
"""Share of ink more than one pixel from the other sheet's ink, from which a word has changed."""


def drop_ocr_errors(words: WordChanges, old: GreyImage, new: GreyImage) -> WordChanges:
    """The differing words without those whose ink is the same on both sheets, which are aligned."""
    return keep_groups(
        words, old, new, lambda before, after: unmatched_ink_ratio(before, after) >= MIN_CHANGED_RATIO
    )


def drop_invisible(words: WordChanges, old: GreyImage, new: GreyImage) -> WordChanges:
    """The differing words of text layers without those that nobody sees differ."""
    return keep_groups(words, old, new, lambda before, after: unmatched_ink(before, after) >= MIN_WORD_PIXELS)


def keep_groups(
    words: WordChanges, old: GreyImage, new: GreyImage, differs: Callable[[Mask, Mask], bool]
) -> WordChanges:
    """Differing words of whose places the ink of both sheets differs."""
    removed, added = [], []
    for old_words, new_words in overlapping_groups(words.removed, words.added):
        left, top, width, height = bounding_box([word_box(word) for word in (*old_words, *new_words)])
        area = np.s_[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        if differs(binarize(old[area], INK_LEVEL), binarize(new[area], INK_LEVEL)):
            removed += old_words
            added += new_words
    kept_removed, kept_added = set(removed), set(added)
    return WordChanges(
        tuple(word for word in words.removed if word in kept_removed),
        tuple(word for word in words.added if word in kept_added),
        words.shifted,
    )
