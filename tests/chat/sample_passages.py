"""Passages to answer from, and an embedding of our own: texts are alike that share words."""

import re
import zlib
from collections.abc import Sequence
from math import sqrt
from typing import Literal
from uuid import UUID

from core.ports import AnswerEnd, ChatEvent, ChatModel, ChatRequest, Passage, Quotation, TextDelta

DIMENSION = 512
HANDBOOK, LEASE = UUID(int=1), UUID(int=2)

PAGE = (
    "Warehouse handbook\n\nThe fire doors of the north hall are rated for 90 minutes. They are inspected "
    "every March by the safety officer. \U0001f525 Nobody may block them.\n\nThe loading bay opens at six in "
    "the morning. Forklifts are parked beside the bay at night."
)
TERMS = "The lease of the office ends on 31 May 2031. The rent is 4,200 euros a month. Pets are not allowed."


def passage(
    text: str = PAGE,
    *,
    document: UUID = HANDBOOK,
    page: int | None = 3,
    start: int = 0,
    similarity: float = 0.6,
) -> Passage:
    """A passage that is the whole of its page, or stands `start` code points into it."""
    return Passage(document, "Handbook", page, start, start + len(text), text, similarity)


def lease() -> Passage:
    return Passage(LEASE, "Lease", None, 0, len(TERMS), TERMS, 0.5)


async def embed(texts: Sequence[str], kind: Literal["query", "passage"]) -> list[list[float]]:
    """Each word's count at a place of its own, at length 1."""
    vectors = []
    for text in texts:
        vector = [0.0] * DIMENSION
        for word in re.findall(r"\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % DIMENSION] += 1
        length = sqrt(sum(number * number for number in vector)) or 1
        vectors.append([number / length for number in vector])
    return vectors


async def events(model: ChatModel, request: ChatRequest) -> list[ChatEvent]:
    return [event async for event in model.answer(request)]


def text_of(received: Sequence[ChatEvent]) -> str:
    return "".join(event.text for event in received if isinstance(event, TextDelta))


def quotations(received: Sequence[ChatEvent]) -> list[Quotation]:
    return [event for event in received if isinstance(event, Quotation)]


def end_of(received: Sequence[ChatEvent]) -> AnswerEnd:
    last = received[-1]
    assert isinstance(last, AnswerEnd)
    return last
