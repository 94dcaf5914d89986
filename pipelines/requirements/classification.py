"""Classification of a component as one of ten types."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Conflict
from core.ports import Embed
from db.models import ComponentType
from pipelines.requirements.design_analysis import Design
from pipelines.requirements.evidence import Sentence, phrase_pattern, preceding_text
from pipelines.requirements.pattern_library import load_patterns
from pipelines.requirements.similarity import similarity_scores
from pipelines.requirements.visual_rules import classify_design

NAMED_BEFORE = re.compile(r"(?:\b(?:an?|the|this|our|new|of|for)\s+(?:[\w-]+\s+)?|^\s*)$", re.IGNORECASE)
"""Text before a word that is used as a name: `select` may be a verb."""
SEPARATOR = re.compile(r"[\s-]+")
FIRST_NAME_WEIGHT = 2
"""Extra weight of the first name."""
MIN_SIMILARITY = 0.25

MIN_CONFIDENCE = 0.6
"""A less certain classification is left to the person."""

UNCLASSIFIED = (
    "The component type is unclear. Set it with requirementProposalClassify, or name the component in the "
    "description of a new proposal."
)


@dataclass(frozen=True)
class Classification:
    """A component's type, with a confidence from 0 to 1 and a rationale."""

    type: ComponentType
    confidence: float
    rationale: str

    @property
    def question(self) -> str:
        """What the person is asked if it is uncertain."""
        guess = f"It may be a {load_patterns()[self.type].names[0]} (confidence {self.confidence:.2f})."
        return f"{UNCLASSIFIED} {guess} {self.rationale}"


def classify_by_name(sentences: Sequence[Sentence], source: str) -> Classification | None:
    """The type that the sentences name most often, or None."""
    types = {
        normalize_name(name): pattern.type for pattern in load_patterns().values() for name in pattern.names
    }
    names = phrase_pattern(tuple(types))
    counts: Counter[ComponentType] = Counter()
    spellings: dict[ComponentType, str] = {}
    for sentence in sentences:
        for match in names.finditer(sentence.text):
            name = normalize_name(match.group())
            kind = types.get(name) or types.get(name.removesuffix("es")) or types.get(name.removesuffix("s"))
            if kind is None:
                continue
            is_name = match.group()[0].isupper() or NAMED_BEFORE.search(
                preceding_text(sentence.text, match.start())
            )
            first = is_name and not any(counts.values())
            counts[kind] += (2 if is_name else 1) + (FIRST_NAME_WEIGHT if first else 0)
            spellings.setdefault(kind, match.group())
    if not counts:
        return None
    (kind, most), *rest = counts.most_common()
    next_most = rest[0][1] if rest else 0
    confidence = 0.97 if not rest else 0.9 if most >= 2 * next_most else 0.8
    others = f" It also names {', '.join(spellings[other] for other, _ in rest)}." if rest else ""
    return Classification(kind, confidence, f"{source} names it: “{spellings[kind]}”.{others}")


def normalize_name(name: str) -> str:
    """A name in lower case, with spaces for hyphens."""
    return SEPARATOR.sub(" ", name.lower())


async def classify(
    embed: Embed, description: Sequence[Sentence], design: Design | None, documents: Sequence[Sentence]
) -> Classification:
    """Classify by names in the description, else by the design, names in the documents, or similarity.

    Raises `Conflict` if the type is unclear.
    """
    classification = classify_by_name(description, "The description")
    if classification is None and design is not None:
        kind, confidence, rationale = classify_design(design)
        classification = Classification(ComponentType(kind), confidence, rationale)
    classification = classification or classify_by_name(documents, "A document")
    return classification or await classify_by_similarity(embed, description)


async def classify_by_similarity(embed: Embed, description: Sequence[Sentence]) -> Classification:
    """The type whose pattern is most similar to the description. Raises `Conflict` if none is similar."""
    patterns = list(load_patterns().values())
    scores = await similarity_scores(
        embed, [sentence.text for sentence in description], [pattern.text for pattern in patterns]
    )
    (best, pattern), (second, _) = sorted(zip(scores, patterns, strict=True), key=lambda pair: -pair[0])[:2]
    if best < MIN_SIMILARITY:
        raise Conflict(UNCLASSIFIED)
    confidence = round(min(0.69, best / 2 + (best - second)), 2)
    reason = f"No component is named; the description is most similar to a {pattern.names[0]}."
    return Classification(pattern.type, confidence, reason)
