"""Texts of changes: whether words are a name, and the whole lines that changed words stand in."""

import re
from collections.abc import Sequence
from dataclasses import replace

from pipelines.drawings.change_detection import Change, boxes_overlap
from pipelines.drawings.line_differences import Box, word_box
from pipelines.drawings.page_words import Word
from pipelines.drawings.text_diff import WordChanges, sort_reading_order

MAX_LINE_WORDS = 24
MAX_LINE_REACH = 900
"""Pixels from a change up to which the other words of its lines are looked for."""

MEASURE = re.compile(
    r"[\d\s.,/x\u00d7+\u00b1\u00b0%-]*\d[\d\s.,/x\u00d7+\u00b1\u00b0%-]*"
    r"(?:mm|cm|m|m2|m\u00b2|km|in|ft|sf|kg|kn|kw|kva|v|a|w|hz|mhz|k|\u03a9|ohm|uf|nf|pf|psf|psi|['\"\u2019\u201d]+)?"
    r"(?:[\s-]*\d+(?:\s*\d+/\d+)?[\"\u201d])?",
    re.IGNORECASE,
)
"""Dimensions and quantities; a number of up to three digits without a sign is a name as well."""

SHORT_NUMBER = re.compile(r"\d{1,3}")
DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}|\d{4}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC",
    re.IGNORECASE,
)


def is_renaming(change: Change) -> bool:
    """Whether a text became another one that names something, not a dimension, quantity, date or letter."""
    removed, added = change.words_removed, change.words_added
    if not removed or not added:
        return False
    if all(DATE.fullmatch(word) for word in (*removed, *added)) and any(
        word.isalpha() or "/" in word or "." in word for word in (*removed, *added)
    ):
        return False
    if removed[0].isdigit() and change.text_before.startswith(f"{removed[0]} "):
        return False
    return all(is_name(" ".join(words)) for words in (removed, added))


def is_name(text: str) -> bool:
    """Whether a text can name an object: a room, a door, a type."""
    if SHORT_NUMBER.fullmatch(text):
        return len(text) >= 2
    return sum(sign.isalnum() for sign in text) >= 2 and not MEASURE.fullmatch(text)


def with_lines(
    changes: Sequence[Change], words: WordChanges, old: Sequence[Word], new: Sequence[Word]
) -> list[Change]:
    """The changes with the whole lines that their words stand in; both sheets' words in the same pixels."""
    return [
        with_line(change, words, old, new) if change.words_removed or change.words_added else change
        for change in changes
    ]


def with_line(change: Change, words: WordChanges, old: Sequence[Word], new: Sequence[Word]) -> Change:
    boxes = (change.box, change.old_box or change.box)
    texts = []
    for differing, all_words in ((words.removed, old), (words.added, new)):
        anchors = [word for word in differing if any(boxes_overlap(word_box(word), box, 2) for box in boxes)]
        near = [
            word
            for word in all_words
            if any(boxes_overlap(word_box(word), box, MAX_LINE_REACH) for box in boxes)
        ]
        texts.append(text_around(anchors or changed_words(words, boxes), near))
    return replace(change, text_before=texts[0], text_after=texts[1])


def changed_words(words: WordChanges, boxes: Sequence[Box]) -> list[Word]:
    """The differing words of both sheets in a change."""
    every = (*words.removed, *words.added)
    return [word for word in every if any(boxes_overlap(word_box(word), box, 2) for box in boxes)]


def text_around(anchors: Sequence[Word], words: Sequence[Word]) -> str:
    """The words of the lines that the anchors stand in, in reading order."""
    chosen: list[Word] = []
    rest = list(words)
    reached = list(anchors)
    while reached and len(chosen) < MAX_LINE_WORDS:
        near = [word for word in rest if any(is_on_line(anchor, word) for anchor in reached)]
        chosen += near
        rest = [word for word in rest if word not in near]
        reached = near
    return " ".join(word.text for word in sort_reading_order(chosen[:MAX_LINE_WORDS]))


def is_on_line(one: Word, other: Word) -> bool:
    """Whether a word stands beside another one in a line, or at its place."""
    if one.angle != other.angle:
        return False
    size = max(one.text_height, other.text_height)
    (x, y), (other_x, other_y) = one.centre, other.centre
    lengths = (one.width + other.width) / 2
    if one.angle % 180:
        x, y, other_x, other_y = y, x, other_y, other_x
        lengths = (one.height + other.height) / 2
    return abs(y - other_y) < 0.5 * size and abs(x - other_x) - lengths < 1.2 * size
