"""Whether what an answer says stands in what was retrieved. Where that can't be told, it does not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.ports import Embed, Passage
from core.sentence_segmentation import Span, sentences
from pipelines.chat.citations import strip_markers

GROUNDED = 0.7
"""The score from which an answer counts as grounded."""
SUPPORTED = 0.6
"""The support from which a sentence is not listed as unsupported."""
LEXICAL, MEANING = 0.5, 0.5
"""What the words found and the likeness of meaning weigh in a sentence's support."""
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
WORD = re.compile(r"[^\W\d_]{3,}|\d+")


@dataclass(frozen=True)
class Grounding:
    """`score` is the mean support of the answer's sentences, from 0 to 1; `unsupported` are those without."""

    score: float
    unsupported: tuple[str, ...]
    fault: str | None = None
    """Why it could not be told."""

    @property
    def grounded(self) -> bool:
        return self.score >= GROUNDED


async def grounding(answer: str, passages: Sequence[Passage], embed: Embed | None = None) -> Grounding:
    """Compare each sentence with the passages, by its words, and by meaning where `embed` is given.

    Word for word is full support, and a number that no passage holds is none. Fails closed: nothing
    retrieved, nothing said, or an error while embedding gives a score of 0.
    """
    text = strip_markers(answer)
    said = [text[slice(*span)] for span in sentences(text) if WORD.search(text, *span)]
    if not passages or not said:
        return Grounding(0.0, tuple(said), "There was nothing to compare.")
    try:
        likeness = await _likeness(said, passages, embed) if embed else [None] * len(said)
    except Exception as error:  # whatever went wrong, the answer is not vouched for
        return Grounding(0.0, tuple(said), f"The comparison failed ({type(error).__name__}).")
    supports = [support(sentence, passages, like) for sentence, like in zip(said, likeness, strict=True)]
    weak = [sentence for sentence, value in zip(said, supports, strict=True) if value < SUPPORTED]
    return Grounding(round(sum(supports) / len(supports), 4), tuple(weak))


def support(sentence: str, passages: Sequence[Passage], likeness: float | None) -> float:
    """How far a sentence stands in one of the passages, from 0 to 1."""
    plain = _plain(sentence)
    texts = [_plain(passage.text) for passage in passages]
    if any(plain in text for text in texts):
        return 1.0
    numbers = set(NUMBER.findall(plain))
    if any(not any(number in set(NUMBER.findall(text)) for text in texts) for number in numbers):
        return 0.0
    words = set(WORD.findall(plain))
    lexical = max((len(words & set(WORD.findall(text))) / len(words) for text in texts), default=0.0)
    return lexical if likeness is None else LEXICAL * lexical + MEANING * max(0.0, likeness)


async def _likeness(said: Sequence[str], passages: Sequence[Passage], embed: Embed) -> list[float | None]:
    """For each sentence, the cosine to the sentence of the passages that means most the same."""
    pieces = [passage.text[slice(*span)] for passage in passages for span in _spans(passage)]
    vectors = await embed([*said, *pieces], "passage")
    asked, known = vectors[: len(said)], vectors[len(said) :]
    if len(known) != len(pieces):
        raise ValueError("one vector for each text is wanted")
    return [max(sum(a * b for a, b in zip(one, other, strict=True)) for other in known) for one in asked]


def _spans(passage: Passage) -> list[Span]:
    return sentences(passage.text) or [(0, len(passage.text))]


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .!?\"'\u201c\u201d")
