"""Similarity of sheets by content: a thumbnail of their line work, and their words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipelines.drawings import binarization, page_words
from pipelines.drawings.page_words import Word

Layout = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

LAYOUT_SIDE = 64
"""Width and height of a layout in cells; the content's bounding box fills it."""

MIN_INK_LEVEL = 40
"""Difference from white, of 255, from which a thumbnail's pixel counts as drawn."""

MAX_REPEATS = 3
"""How often a word counts on a sheet."""

MIN_TOKENS = 15
"""Sheets with fewer words are compared by layout alone."""

LOOKALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS")  # noqa: RUF001 # Cyrillic letters
"""Cyrillic capitals that look like Latin ones, which OCR takes for them."""


@dataclass(frozen=True, slots=True)
class SheetDescriptor:
    """What a sheet is recognized by. `tokens` are its words, repeated ones with a count."""

    layout: Layout
    tokens: frozenset[str]
    is_wide: bool
    has_ink: bool


@dataclass(frozen=True, slots=True)
class Similarity:
    """Similarities of each old sheet (row) and new sheet (column): by layout and by words.

    `has_words` says where both have enough words to be compared by them, `has_content` where both have ink.
    `old_in_new` and `new_in_old` are the shares of a sheet's rare words that the other sheet has.
    """

    layout: Matrix
    words: Matrix
    has_words: npt.NDArray[np.bool_]
    has_content: npt.NDArray[np.bool_]
    old_in_new: Matrix
    new_in_old: Matrix


def describe(thumbnail: Path, words: Path, number: str) -> SheetDescriptor:
    """Descriptor of a sheet from its stored thumbnail and words; its own number is no content."""
    grey = binarization.read_greyscale(thumbnail)
    layout = layout_of(grey)
    height, width = grey.shape
    tokens = content_tokens(page_words.load(words), number)
    return SheetDescriptor(layout, tokens, width >= height, bool(layout.any()))


def layout_of(grey: npt.NDArray[np.uint8]) -> Layout:
    """Density of ink in the cells of the content's bounding box, blurred; zeros without ink."""
    paper = float(np.percentile(grey, 90))
    ink = np.clip(paper - grey.astype(np.float32), 0, None)
    ink[ink < MIN_INK_LEVEL] = 0
    rows, columns = np.flatnonzero(has_run(ink, 1)), np.flatnonzero(has_run(ink, 0))
    if not len(rows) or not len(columns):
        return np.zeros((LAYOUT_SIDE, LAYOUT_SIDE), np.float32)
    content = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = cv2.resize(content, (LAYOUT_SIDE, LAYOUT_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(np.sqrt(small), (0, 0), 0.8), np.float32)


def has_run(ink: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.bool_]:
    """Rows or columns with more than single specks of ink."""
    return np.asarray((ink > 0).sum(axis=axis) >= 3)


def content_tokens(words: Sequence[Word], number: str) -> frozenset[str]:
    """Words as they are compared: upper case, without punctuation, Cyrillic lookalikes as Latin letters."""
    own = fold(number)
    counts = Counter(
        token
        for word in words
        for part in re.split(r"[^\w.,+/'\"-]+", word.text)
        if len(token := fold(part)) >= 2 and token != own
    )
    return frozenset(
        f"{token}#{repeat}" for token, count in counts.items() for repeat in range(min(count, MAX_REPEATS))
    )


def fold(text: str) -> str:
    """The letters and digits of a text in one writing: `A-101`, `a 101` and `A101` are equal."""
    upper = unicodedata.normalize("NFKC", text).upper().translate(LOOKALIKES)
    return "".join(sign for sign in upper if sign.isalnum())


def compare_all(old: Sequence[SheetDescriptor], new: Sequence[SheetDescriptor]) -> Similarity:
    """Similarities of all pairs, from 0 to 1. What most sheets share, as a title block, counts little."""
    index, old_in_new, new_in_old = word_similarity([s.tokens for s in old], [s.tokens for s in new])
    enough = both([len(s.tokens) >= MIN_TOKENS for s in old], [len(s.tokens) >= MIN_TOKENS for s in new])
    ink = both([s.has_ink for s in old], [s.has_ink for s in new])
    return Similarity(
        layout_similarity(old, new), index, enough, ink, old_in_new * enough, new_in_old * enough
    )


def both(old: Sequence[bool], new: Sequence[bool]) -> npt.NDArray[np.bool_]:
    """Where a row and a column are true."""
    return np.asarray(np.logical_and.outer(np.array(old, bool), np.array(new, bool)), np.bool_)


def word_similarity(
    old: Sequence[frozenset[str]], new: Sequence[frozenset[str]]
) -> tuple[Matrix, Matrix, Matrix]:
    """Jaccard index of the words of each pair, weighted by how rare they are in the sets; and the share of
    each sheet's words on the other one.
    """
    spread = Counter(token for tokens in old for token in tokens)
    spread_new = Counter(token for tokens in new for token in tokens)
    vocabulary = {token: index for index, token in enumerate(sorted({*spread, *spread_new}))}
    if not vocabulary:
        nothing = np.zeros((len(old), len(new)))
        return nothing, nothing, nothing
    weights = np.array(
        [
            log(1 + 1 / max(spread[token] / max(len(old), 1), spread_new[token] / max(len(new), 1)))
            for token in vocabulary
        ]
    )
    rows_old, rows_new = incidence(old, vocabulary), incidence(new, vocabulary)
    shared = np.asarray((rows_old.multiply(weights) @ rows_new.T).todense())
    totals_old, totals_new = rows_old @ weights, rows_new @ weights
    index = shared / np.maximum(totals_old[:, None] + totals_new - shared, 1e-9)
    old_in_new = shared / np.maximum(totals_old[:, None], 1e-9)
    new_in_old = shared / np.maximum(totals_new, 1e-9)
    return np.asarray(index), np.asarray(old_in_new), np.asarray(new_in_old)


def incidence(sheets: Sequence[frozenset[str]], vocabulary: dict[str, int]) -> sparse.csr_array:
    """Rows of sheets with a 1 in the column of each word."""
    pairs = [(row, vocabulary[token]) for row, tokens in enumerate(sheets) for token in sorted(tokens)]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    shape = (len(sheets), len(vocabulary))
    return sparse.csr_array((np.ones(len(pairs)), (rows, columns)), shape=shape)


def layout_similarity(old: Sequence[SheetDescriptor], new: Sequence[SheetDescriptor]) -> Matrix:
    """Correlation of the layouts of each pair, less what the sheets of their sets have in common."""
    if not old or not new:
        return np.zeros((len(old), len(new)))
    before = np.stack([sheet.layout for sheet in old])
    after = np.stack([upright(sheet, old) for sheet in new])
    return np.asarray(np.clip(normalize(before) @ normalize(after).T, 0.0, 1.0), np.float64)


def upright(sheet: SheetDescriptor, others: Sequence[SheetDescriptor]) -> Layout:
    """The layout, rotated by quarter turns to fit the other set best."""
    best, layout = -2.0, sheet.layout
    for other in others:
        for turns in (0, 2) if other.is_wide == sheet.is_wide else (1, 3):
            rotated = np.rot90(sheet.layout, turns)
            fit = correlation(other.layout, rotated) - (0.02 if turns else 0.0)
            if fit > best:
                best, layout = fit, np.ascontiguousarray(rotated)
    return layout


def correlation(one: Layout, other: Layout) -> float:
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))


def normalize(layouts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Layouts as unit vectors, less most of their mean."""
    flat = layouts.reshape(len(layouts), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    centred = flat - flat.mean(axis=0) * len(flat) / (len(flat) + 3)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), np.float32)
