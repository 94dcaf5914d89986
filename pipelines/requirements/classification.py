"""Which of ten types a component is of."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Conflict
from core.ports import Embed
from db.models import ComponentType
from pipelines.requirements.design_analysis import Design
from pipelines.requirements.evidence import Sentence, before, phrases
from pipelines.requirements.pattern_library import library
from pipelines.requirements.similarity import nearness

NAMED_BEFORE = re.compile(r"(?:\b(?:an?|the|this|our|new|of|for)\s+(?:[\w-]+\s+)?|^\s*)$", re.IGNORECASE)
"""The end of what comes before a name that is meant as one: `select` may be a verb."""
GAP = re.compile(r"[\s-]+")
FIRST = 2
"""What it counts that a name is the first."""
LEAST_NEARNESS = 0.25

UNCLEAR = "It is not clear which component this is: give `componentType`, or name it in the description."


@dataclass(frozen=True)
class Classified:
    """A component's type, how sure that is from 0 to 1, and why."""

    type: ComponentType
    confidence: float
    rationale: str


def named(said: Sequence[Sentence], where: str) -> Classified | None:
    """The type that the sentences name most plainly; none where they name none."""
    types = {plain(name): pattern.type for pattern in library().values() for name in pattern.names}
    wanted = phrases(tuple(types))
    counts: Counter[ComponentType] = Counter()
    words: dict[ComponentType, str] = {}
    for sentence in said:
        for match in wanted.finditer(sentence.text):
            name = plain(match.group())
            kind = types.get(name) or types.get(name.removesuffix("es")) or types.get(name.removesuffix("s"))
            if kind is None:
                continue
            meant = match.group()[0].isupper() or NAMED_BEFORE.search(before(sentence.text, match.start()))
            first = meant and not any(counts.values())
            counts[kind] += (2 if meant else 1) + (FIRST if first else 0)
            words.setdefault(kind, match.group())
    if not counts:
        return None
    (kind, most), *rest = counts.most_common()
    next_most = rest[0][1] if rest else 0
    confidence = 0.97 if not rest else 0.9 if most >= 2 * next_most else 0.8
    others = f" It also names {', '.join(words[other] for other, _ in rest)}." if rest else ""
    return Classified(kind, confidence, f"{where} names it: “{words[kind]}”.{others}")


def plain(name: str) -> str:
    """A name without capitals and hyphens."""
    return GAP.sub(" ", name.lower())


async def classified(
    embed: Embed, told: Sequence[Sentence], design: Design | None, documents: Sequence[Sentence]
) -> Classified:
    """By the name in the description, else by the design's shapes, the documents' names, or what it means.

    Raises `Conflict` where nothing tells.
    """
    found = named(told, "The description")
    if found is None and design is not None:
        kind, confidence, rationale = design.looks_like
        found = Classified(ComponentType(kind), confidence, rationale)
    found = found or named(documents, "What the documents say")
    return found or await nearest(embed, told)


async def nearest(embed: Embed, told: Sequence[Sentence]) -> Classified:
    """The type whose pattern comes nearest to what is said. Raises `Conflict` where none is near."""
    patterns = list(library().values())
    near = await nearness(embed, [each.text for each in told], [each.text for each in patterns])
    (best, pattern), (second, _) = sorted(zip(near, patterns, strict=True), key=lambda pair: -pair[0])[:2]
    if best < LEAST_NEARNESS:
        raise Conflict(UNCLEAR)
    confidence = round(min(0.69, best / 2 + (best - second)), 2)
    reason = f"No component is named; what is described comes nearest to a {pattern.names[0]}."
    return Classified(pattern.type, confidence, reason)
