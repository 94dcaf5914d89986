"""What a drawing session found, cut into passages and ranked for a question: by meaning and by words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import log

from core.ports import Embed, Passage
from resolvers.chat.drawing_context import SheetFindings

BORDER = "\n\n"
"""Between two statements, so that each is a sentence of its own."""
LONGEST = 800
"""Characters of a passage, unless one statement is longer."""
COMPARED = 16
"""Passages whose meaning is compared, the best ones by their words."""
STEADINESS = 60
"""The constant of reciprocal rank fusion."""
WORD = re.compile(r"\w+")


def passages(source: SheetFindings) -> list[Passage]:
    """A sheet's statements in passages, each with its place in all of them joined."""
    found: list[Passage] = []
    text, start = "", 0
    for statement in source.statements:
        if text and len(text) + len(statement) > LONGEST:
            found.append(Passage(None, source.name, source.page, start, start + len(text), text, 0.0))
            start, text = start + len(text) + len(BORDER), ""
        text = f"{text}{BORDER}{statement}" if text else statement
    if text:
        found.append(Passage(None, source.name, source.page, start, start + len(text), text, 0.0))
    return found


async def ranked(embed: Embed, question: str, sources: Sequence[SheetFindings], limit: int) -> list[Passage]:
    """The best passages for a question, with their similarity to it. Raises `ModelFailure`.

    Of equal ones the beginnings of sheets come first: they hold the summaries.
    """
    cut = [(number, passage) for source in sources for number, passage in enumerate(passages(source))]
    everything = [passage for _, passage in sorted(cut, key=lambda each: each[0])]
    if not everything:
        return []
    near = by_words(question, everything)[:COMPARED]
    (asked,) = await embed([question], "query")
    meant = await embed([f"{each.source}: {each.text}" for each in near], "passage")
    likeness = [sum(a * b for a, b in zip(asked, vector, strict=True)) for vector in meant]
    order = sorted(range(len(near)), key=lambda index: -likeness[index])
    fused = {index: 1 / (STEADINESS + index) + 1 / (STEADINESS + rank) for rank, index in enumerate(order)}
    best = sorted(fused, key=lambda index: -fused[index])[:limit]
    return [replace(near[index], similarity=min(1.0, max(0.0, likeness[index]))) for index in best]


def by_words(question: str, found: Sequence[Passage]) -> list[Passage]:
    """Those first that hold, with their sheet's name, the question's rarer words."""
    held = [words(f"{each.source} {each.text}") for each in found]
    known = Counter(word for each in held for word in each)
    rarity = {word: log(1 + len(found) / (1 + known[word])) for word in words(question)}
    scores = [sum(rarity[word] for word in rarity.keys() & each) for each in held]
    return [found[index] for index in sorted(range(len(found)), key=lambda index: -scores[index])]


def words(text: str) -> set[str]:
    """The words of a text in small letters."""
    return set(WORD.findall(text.lower()))
