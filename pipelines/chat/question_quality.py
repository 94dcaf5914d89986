"""Question quality: detects empty, random and repetitive input before it is searched for."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from core.bm25 import WORD

MIN_QUALITY = 0.3
"""Questions with a lower score are not searched for."""
MAX_QUESTION_LENGTH = 8_000
"""Characters."""

KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "1234567890")
MIN_RUN_LENGTH = 4
VOWELS = frozenset("aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýÿ")
VOWEL_SHARE_RANGE = (0.15, 0.75)
"""Share of vowels in real Latin words of five letters and more."""
REPETITION = re.compile(r"(.)\1{3,}|(..)\2{2,}|(...)\3{2,}", re.DOTALL)
"""One character four times, or a group of two or three characters three times."""


@dataclass(frozen=True)
class QuestionQuality:
    """How much a text looks like a question, from 0 to 1, and its faults as sentences."""

    score: float
    faults: tuple[str, ...]

    @property
    def is_question(self) -> bool:
        return self.score >= MIN_QUALITY


def assess_question(question: str) -> QuestionQuality:
    """Subtract the share of each fault: few letters, repetition, keyboard runs, unpronounceable words."""
    text = unicodedata.normalize("NFC", question).strip().lower()
    if not text:
        return QuestionQuality(0.0, ("The question is empty.",))
    if len(text) > MAX_QUESTION_LENGTH:
        return QuestionQuality(
            0.0, (f"The question must be at most {MAX_QUESTION_LENGTH:,} characters (got {len(text):,}).",)
        )
    words = WORD.findall(text)
    letters = sum(map(len, words))
    if letters < 2 and not any(unicodedata.category(mark) == "Lo" for mark in text):
        return QuestionQuality(0.0, ("The question contains no words.",))
    score, faults = 1.0, []
    for share, fault in (
        (1 - min(1.0, 2 * letters / len(re.sub(r"\s", "", text))), "It is mostly punctuation."),
        (_faulty_share(words, _has_repetition), "It repeats characters."),
        (_faulty_share(words, _is_keyboard_run), "It contains runs of neighbouring keys."),
        (_faulty_share(words, _is_unpronounceable), "Its words are unpronounceable."),
        (_repeated_word_share(words), "It repeats the same word."),
    ):
        if share > 0.25:
            faults.append(fault)
            score -= share
    return QuestionQuality(round(max(0.0, score), 3), tuple(faults))


def _faulty_share(words: list[str], is_faulty: Callable[[str], bool]) -> float:
    """The share of letters in faulty words."""
    total = sum(map(len, words))
    return sum(len(word) for word in words if is_faulty(word)) / total if total else 0.0


def _has_repetition(word: str) -> bool:
    return bool(REPETITION.search(word))


def _is_keyboard_run(word: str) -> bool:
    """Whether most of a word is one run of neighbouring keys, in either direction."""
    size = max(MIN_RUN_LENGTH, len(word) // 2 + 1)
    pieces = {word[start : start + size] for start in range(len(word) - size + 1)}
    return any(piece in row or piece in row[::-1] for piece in pieces for row in KEYBOARD_ROWS)


def _is_unpronounceable(word: str) -> bool:
    """Whether a Latin word of five letters or more has hardly any vowels or hardly any consonants."""
    if len(word) < 5 or not all(unicodedata.name(letter, "").startswith("LATIN") for letter in word):
        return False
    share = sum(letter in VOWELS for letter in word) / len(word)
    return not VOWEL_SHARE_RANGE[0] <= share <= VOWEL_SHARE_RANGE[1]


def _repeated_word_share(words: list[str]) -> float:
    """The share of repeated words among four or more, if it is above one half; else 0."""
    share = 1 - len(set(words)) / len(words) if len(words) >= 4 else 0.0
    return share if share > 0.5 else 0.0
