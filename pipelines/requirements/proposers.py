"""The embedded proposers: one for each category, by rules over the pattern library and what is said."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.ports import Embed
from db.models import RequirementCategory, RequirementOrigin
from pipelines.requirements.design_analysis import ENOUGH, Design
from pipelines.requirements.evidence import Sentence, mentions, phrases
from pipelines.requirements.pattern_library import NAME, Item, Pattern
from pipelines.requirements.similarity import nearness
from resolvers.requirements.proposals import RequirementDraft, normalize_key

STANDARD, SAID_AND_USUAL, SAID, HINTED, USUAL, NEAR = 0.95, 0.96, 0.92, 0.88, 0.75, 0.6
"""How sure a proposal is: a standard asks for it; it is said, and usual or not; a word hints at it;
it is usual for the component; it comes near to what is said.
"""
MEASURED = 0.98
LONGEST = 1_000
"""Characters that are taken over from a sentence."""
MOST_VALUES = 20
MOST = 60
"""Of one category."""
NEAR_ENOUGH = 0.55
MOST_NEAR = 2
"""How many are proposed in a category for coming near alone."""
MOST_QUERIES = 20

EVENT = re.compile(r"\bon[A-Z][A-Za-z]{1,40}\b")
ATTRIBUTE = re.compile(r"\baria-[a-z]{2,30}\b")
PROPERTY = re.compile(r"`([a-z][A-Za-z0-9]{1,40})`")
OF_PROPERTIES = re.compile(
    r"\b(?:prop|property|properties|props|attribute|parameter|option)s?\b", re.IGNORECASE
)
STATE = re.compile(r"\b([a-z]{3,20})[ -]states?\b", re.IGNORECASE)
NO_STATES = frozenset(
    [
        *("the", "this", "that", "its", "each", "every", "any", "all", "one", "two", "both", "other"),
        *("another", "same", "different", "various", "visual", "following", "current", "initial"),
        *("these", "those", "possible", "and", "has", "have", "which", "what", "show"),
    ]
)
LISTED = re.compile(r"\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+|\s*\|\s*")
VALUE = re.compile(r"[\w#%.+-]{1,30}(?: [\w-]{1,20})?")

WHERE = {
    RequirementOrigin.DESCRIPTION: "The description says",
    RequirementOrigin.DOCUMENT: "A document says",
    RequirementOrigin.DESIGN: "The design shows",
}
ORDER = (RequirementOrigin.DOCUMENT, RequirementOrigin.DESCRIPTION, RequirementOrigin.DESIGN)
"""Whose word is quoted first: that which can be looked up."""


async def propose(
    category: RequirementCategory,
    pattern: Pattern,
    said: Sequence[Sentence],
    design: Design | None,
    embed: Embed,
) -> list[RequirementDraft]:
    """The requirements of one category, the surest first; each name once."""
    said = sorted(said, key=lambda sentence: ORDER.index(sentence.origin))
    found = list(measured(design)) if category is RequirementCategory.ACCESSIBILITY and design else []
    unsaid: list[Item] = []
    for item in pattern.items[category]:
        spoken = list(mentions(item, said))
        if item.source is not None and item.usual:
            spoken = [each for each in spoken if each[0].citation is not None]
        if spoken and all(denied for *_, denied in spoken):
            continue
        sentence, word = next(((each, word) for each, word, denied in spoken if not denied), (None, ""))
        if sentence is not None:
            found.append(quoted(category, item, sentence, word))
        elif item.usual:
            found.append(usual(category, item, pattern))
        else:
            unsaid.append(item)
    found += explicit(category, pattern, said)
    found += await near(category, unsaid, said, embed)
    first: dict[str, RequirementDraft] = {}
    for each in found:
        first.setdefault(each.key, each)
    return sorted(first.values(), key=lambda each: -each.confidence)[:MOST]


def proposed(category: RequirementCategory, item: Item, confidence: float, why: str) -> RequirementDraft:
    """An item of the library, for a reason."""
    return RequirementDraft(
        category=category,
        name=item.name,
        confidence=confidence,
        rationale=why,
        origin=RequirementOrigin.PATTERN_LIBRARY,
        type=item.type,
        requirement=item.requirement,
        values=item.values,
        required=item.required,
        description=item.description,
        source=item.source or NAME,
    )


def usual(category: RequirementCategory, item: Item, pattern: Pattern) -> RequirementDraft:
    """What such components have, or what a standard asks of them, whatever was said."""
    if item.source is not None:
        return proposed(category, item, STANDARD, f"{item.source} asks for it.")
    why = f"Components of the type {pattern.names[0]} usually have it, by the pattern library."
    return proposed(category, item, USUAL, why)


def quoted(category: RequirementCategory, item: Item, sentence: Sentence, word: str) -> RequirementDraft:
    """What somebody said, in their words."""
    outright = normalize_key(word) in (normalize_key(item.name), normalize_key(item.spoken))
    confidence = SAID_AND_USUAL if item.usual else SAID if outright else HINTED
    found = proposed(category, item, confidence, f"{WHERE[sentence.origin]}: “{sentence.text[:300]}”")
    return with_place(found, sentence, values_in(item, sentence.text) or item.values)


def with_place(found: RequirementDraft, sentence: Sentence, values: Sequence[str]) -> RequirementDraft:
    """The same, with where it is said."""
    title = str(sentence.citation["document_title"])[:200] if sentence.citation else None
    source = title if found.source in (None, NAME) else found.source
    return replace(
        found, origin=sentence.origin, citation=sentence.citation, source=source, values=tuple(values)
    )


def values_in(item: Item, text: str) -> tuple[str, ...]:
    """The values that a sentence lists after the name of something that takes one of several."""
    if item.type != "enum":
        return ()
    name = phrases((item.name, item.spoken)).pattern
    match = re.search(rf"{name}\s*(?:\(|:|=|is one of|are|one of|can be)\s*([^).;:]+)", text, re.IGNORECASE)
    if match is None:
        return ()
    words = [word.strip("`\"'“”. ") for word in LISTED.split(match.group(1))]
    words = words[:MOST_VALUES]
    return tuple(words) if len(words) >= 2 and all(VALUE.fullmatch(word) for word in words) else ()


def explicit(category: RequirementCategory, pattern: Pattern, said: Sequence[Sentence]) -> Iterator[RequirementDraft]:
    """What is named outright and is not in the library."""
    known = {normalize_key(item.name) for item in pattern.items[category]}
    for sentence in said:
        for name in outright(category, sentence.text):
            if normalize_key(name) not in known:
                known.add(normalize_key(name))
                accessible = category is RequirementCategory.ACCESSIBILITY
                found = RequirementDraft(
                    category=category,
                    name=name,
                    confidence=SAID,
                    rationale=f"{WHERE[sentence.origin]}: “{sentence.text[:300]}”",
                    origin=sentence.origin,
                    requirement=sentence.text[:LONGEST] if accessible else None,
                )
                yield with_place(found, sentence, ())


def outright(category: RequirementCategory, text: str) -> list[str]:
    """The names of this category that a sentence has."""
    match category:
        case RequirementCategory.EVENTS:
            return EVENT.findall(text)
        case RequirementCategory.ACCESSIBILITY:
            return ATTRIBUTE.findall(text)
        case RequirementCategory.STATES:
            return [name.lower() for name in STATE.findall(text) if name.lower() not in NO_STATES]
        case RequirementCategory.PROPS:
            names = PROPERTY.findall(text) if OF_PROPERTIES.search(text) else []
            return [name for name in names if not EVENT.fullmatch(name)]


def measured(design: Design) -> Iterator[RequirementDraft]:
    """What the design falls short of, as it was measured."""
    worst = next(iter(design.low_contrasts), None)
    if worst is None:
        return
    ratio, text = f"{worst.contrast:.2f}:1", f"“{worst.text[:200]}”"
    yield RequirementDraft(
        category=RequirementCategory.ACCESSIBILITY,
        name="text-contrast",
        confidence=MEASURED,
        rationale=f"Measured in the design: {text} is {worst.colour} on {worst.behind}, {ratio}.",
        origin=RequirementOrigin.DESIGN,
        requirement=f"{text} has a contrast of {ratio} with what is behind it; it needs {ENOUGH}:1.",
        values=(ratio,),
        required=True,
        source="WCAG 2.2, 1.4.3 Contrast (Minimum)",
    )


async def near(
    category: RequirementCategory, items: Sequence[Item], said: Sequence[Sentence], embed: Embed
) -> list[RequirementDraft]:
    """The few items that come near to what is described or documented, though no word of theirs is said."""
    told = [each for each in said if each.origin is not RequirementOrigin.DESIGN][:MOST_QUERIES]
    shares = await nearness(embed, [each.text for each in told], [item.text for item in items])
    ordered = sorted(zip(shares, items, strict=True), key=lambda pair: -pair[0])[:MOST_NEAR]
    why = "It comes near to what is said, though nobody names it: please check ({:.2f} of 1)."
    return [
        proposed(category, item, NEAR, why.format(share)) for share, item in ordered if share >= NEAR_ENOUGH
    ]


def shown(design: Design) -> list[Sentence]:
    """What a design shows, in sentences that the proposers read as they read a description."""
    told = [f"The text “{line.text}” in {line.colour} on {line.behind}." for line in design.lines]
    if design.outlined:
        told.append("An outlined surface with a border.")
    if design.radius >= 3:
        told.append(f"Rounded corners of about {design.radius} pixels.")
    return [Sentence(text, RequirementOrigin.DESIGN) for text in told]
