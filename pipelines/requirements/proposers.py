"""Rule-based proposers: the pattern library matched with the evidence."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.ports import Embed
from db.models import RequirementCategory, RequirementOrigin
from pipelines.requirements.design_analysis import MIN_CONTRAST, Design
from pipelines.requirements.evidence import Sentence, find_mentions, phrase_pattern
from pipelines.requirements.pattern_library import LIBRARY_NAME, Pattern, PatternItem
from pipelines.requirements.similarity import similarity_scores
from resolvers.requirements.proposals import RequirementDraft, normalize_key

(
    STANDARD_CONFIDENCE,
    TYPICAL_MENTION_CONFIDENCE,
    MENTION_CONFIDENCE,
    HINT_CONFIDENCE,
    TYPICAL_CONFIDENCE,
    SIMILARITY_CONFIDENCE,
) = 0.95, 0.96, 0.92, 0.88, 0.75, 0.6
"""Confidence of a proposal: required by a standard; mentioned, and typical or not; hinted at by a word;
typical of the component; similar to the evidence.
"""
MEASURED_CONFIDENCE = 0.98
MAX_QUOTE_LENGTH = 1_000
"""Characters quoted from a sentence."""
MAX_VALUES = 20
MAX_PROPOSALS = 60
"""Proposals per category."""
MIN_SIMILARITY = 0.55
MAX_SIMILAR = 2
"""Proposals per category by similarity alone."""
MAX_QUERIES = 20

EVENT = re.compile(r"\bon[A-Z][A-Za-z]{1,40}\b")
ATTRIBUTE = re.compile(r"\baria-[a-z]{2,30}\b")
PROPERTY = re.compile(r"`([a-z][A-Za-z0-9]{1,40})`")
PROPERTY_CONTEXT = re.compile(
    r"\b(?:prop|property|properties|props|attribute|parameter|option)s?\b", re.IGNORECASE
)
STATE = re.compile(r"\b([a-z]{3,20})[ -]states?\b", re.IGNORECASE)
STATE_STOP_WORDS = frozenset(
    [
        *("the", "this", "that", "its", "each", "every", "any", "all", "one", "two", "both", "other"),
        *("another", "same", "different", "various", "visual", "following", "current", "initial"),
        *("these", "those", "possible", "and", "has", "have", "which", "what", "show"),
    ]
)
LIST_SEPARATOR = re.compile(r"\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+|\s*\|\s*")
VALUE = re.compile(r"[\w#%.+-]{1,30}(?: [\w-]{1,20})?")

ORIGIN_PREFIXES = {
    RequirementOrigin.DESCRIPTION: "The description says",
    RequirementOrigin.DOCUMENT: "A document says",
    RequirementOrigin.DESIGN: "The design shows",
}
ORIGIN_ORDER = (RequirementOrigin.DOCUMENT, RequirementOrigin.DESCRIPTION, RequirementOrigin.DESIGN)
"""Origins in the order in which they are quoted: citable ones first."""


async def propose(
    category: RequirementCategory,
    pattern: Pattern,
    sentences: Sequence[Sentence],
    design: Design | None,
    embed: Embed,
) -> list[RequirementDraft]:
    """The proposals of one category by confidence; each name once."""
    sentences = sorted(sentences, key=lambda sentence: ORIGIN_ORDER.index(sentence.origin))
    proposals = (
        list(contrast_proposals(design)) if category is RequirementCategory.ACCESSIBILITY and design else []
    )
    unmentioned: list[PatternItem] = []
    for item in pattern.items[category]:
        mentions = list(find_mentions(item, sentences))
        if item.source is not None and item.typical:
            mentions = [mention for mention in mentions if mention[0].citation is not None]
        if mentions and all(denied for *_, denied in mentions):
            continue
        sentence, word = next(
            ((mention, word) for mention, word, denied in mentions if not denied), (None, "")
        )
        if sentence is not None:
            proposals.append(quoted_proposal(category, item, sentence, word))
        elif item.typical:
            proposals.append(typical_proposal(category, item, pattern))
        else:
            unmentioned.append(item)
    proposals += explicit_proposals(category, pattern, sentences)
    proposals += await similar_proposals(category, unmentioned, sentences, embed)
    unique: dict[str, RequirementDraft] = {}
    for proposal in proposals:
        unique.setdefault(proposal.key, proposal)
    return sorted(unique.values(), key=lambda proposal: -proposal.confidence)[:MAX_PROPOSALS]


def item_proposal(
    category: RequirementCategory, item: PatternItem, confidence: float, rationale: str
) -> RequirementDraft:
    """A proposal of an item of the pattern library."""
    return RequirementDraft(
        category=category,
        name=item.name,
        confidence=confidence,
        rationale=rationale,
        origin=RequirementOrigin.PATTERN_LIBRARY,
        type=item.type,
        requirement=item.requirement,
        values=item.values,
        required=item.required,
        description=item.description,
        source=item.source or LIBRARY_NAME,
    )


def typical_proposal(category: RequirementCategory, item: PatternItem, pattern: Pattern) -> RequirementDraft:
    """A proposal of a typical item, or of one that a standard requires."""
    if item.source is not None:
        return item_proposal(category, item, STANDARD_CONFIDENCE, f"Required by {item.source}.")
    rationale = f"Typical of a {pattern.names[0]}, by the pattern library."
    return item_proposal(category, item, TYPICAL_CONFIDENCE, rationale)


def quoted_proposal(
    category: RequirementCategory, item: PatternItem, sentence: Sentence, word: str
) -> RequirementDraft:
    """A proposal of an item that a sentence mentions, with the quotation."""
    is_exact = normalize_key(word) in (normalize_key(item.name), normalize_key(item.spoken_name))
    confidence = (
        TYPICAL_MENTION_CONFIDENCE if item.typical else MENTION_CONFIDENCE if is_exact else HINT_CONFIDENCE
    )
    proposal = item_proposal(
        category, item, confidence, f"{ORIGIN_PREFIXES[sentence.origin]}: “{sentence.text[:300]}”"
    )
    listed = listed_values(item, sentence.statement)
    if item.values and not listed:
        suggestion = f"Typical values, by the pattern library: {', '.join(item.values)}."
        proposal = replace(proposal, description=" ".join(filter(None, (item.description, suggestion))))
        listed = tuple(value for value in item.values if phrase_pattern((value,)).search(sentence.statement))
    proposal = replace(proposal, is_independent=is_exact and item.source is None)
    return with_source(proposal, sentence, listed)


def with_doubt(proposal: RequirementDraft, certainty: float) -> RequirementDraft:
    """The proposal with the doubt about the component's type, unless it holds for any type."""
    if proposal.is_independent:
        return proposal
    return replace(proposal, confidence=round(proposal.confidence * certainty, 4))


def with_source(proposal: RequirementDraft, sentence: Sentence, values: Sequence[str]) -> RequirementDraft:
    """The proposal with the origin, citation and source of a sentence."""
    title = str(sentence.citation["document_title"])[:200] if sentence.citation else None
    source = title if proposal.source in (None, LIBRARY_NAME) else proposal.source
    return replace(
        proposal, origin=sentence.origin, citation=sentence.citation, source=source, values=tuple(values)
    )


def listed_values(item: PatternItem, text: str) -> tuple[str, ...]:
    """The values that a sentence lists after the name of an enum item."""
    if item.type != "enum":
        return ()
    name = phrase_pattern((item.name, item.spoken_name)).pattern
    match = re.search(rf"{name}\s*(?:\(|:|=|is one of|are|one of|can be)\s*([^).;:]+)", text, re.IGNORECASE)
    if match is None:
        return ()
    words = [word.strip("`\"'“”. ") for word in LIST_SEPARATOR.split(match.group(1))]
    words = words[:MAX_VALUES]
    return tuple(words) if len(words) >= 2 and all(VALUE.fullmatch(word) for word in words) else ()


def explicit_proposals(
    category: RequirementCategory, pattern: Pattern, sentences: Sequence[Sentence]
) -> Iterator[RequirementDraft]:
    """Proposals of names in the evidence that are not in the pattern library."""
    known = {normalize_key(item.name) for item in pattern.items[category]}
    for sentence in sentences:
        for name in explicit_names(category, sentence.statement):
            if normalize_key(name) not in known:
                known.add(normalize_key(name))
                accessible = category is RequirementCategory.ACCESSIBILITY
                proposal = RequirementDraft(
                    category=category,
                    name=name,
                    confidence=MENTION_CONFIDENCE,
                    rationale=f"{ORIGIN_PREFIXES[sentence.origin]}: “{sentence.text[:300]}”",
                    origin=sentence.origin,
                    requirement=sentence.text[:MAX_QUOTE_LENGTH] if accessible else None,
                    is_independent=True,
                )
                yield with_source(proposal, sentence, ())


def explicit_names(category: RequirementCategory, text: str) -> list[str]:
    """The explicit names of a category in a text, such as `onChange` or `aria-label`."""
    match category:
        case RequirementCategory.EVENTS:
            return EVENT.findall(text)
        case RequirementCategory.ACCESSIBILITY:
            return ATTRIBUTE.findall(text)
        case RequirementCategory.STATES:
            return [name.lower() for name in STATE.findall(text) if name.lower() not in STATE_STOP_WORDS]
        case RequirementCategory.PROPS:
            names = PROPERTY.findall(text) if PROPERTY_CONTEXT.search(text) else []
            return [name for name in names if not EVENT.fullmatch(name)]


def contrast_proposals(design: Design) -> Iterator[RequirementDraft]:
    """A proposal for the line with the lowest insufficient contrast."""
    worst = next(iter(design.low_contrasts), None)
    if worst is None:
        return
    ratio, text = f"{worst.contrast:.2f}:1", f"“{worst.text[:200]}”"
    yield RequirementDraft(
        category=RequirementCategory.ACCESSIBILITY,
        name="text-contrast",
        confidence=MEASURED_CONFIDENCE,
        rationale=f"Measured in the design: {text} is {worst.colour} on {worst.background}, {ratio}.",
        origin=RequirementOrigin.DESIGN,
        requirement=f"{text} has a contrast of {ratio} with its background; the minimum is {MIN_CONTRAST}:1.",
        values=(ratio,),
        required=True,
        source="WCAG 2.2, 1.4.3 Contrast (Minimum)",
        is_independent=True,
    )


async def similar_proposals(
    category: RequirementCategory, items: Sequence[PatternItem], sentences: Sequence[Sentence], embed: Embed
) -> list[RequirementDraft]:
    """Proposals of items that are similar to the evidence without being mentioned."""
    queries = [sentence for sentence in sentences if sentence.origin is not RequirementOrigin.DESIGN][
        :MAX_QUERIES
    ]
    scores = await similarity_scores(embed, [query.text for query in queries], [item.text for item in items])
    ordered = sorted(zip(scores, items, strict=True), key=lambda pair: -pair[0])[:MAX_SIMILAR]
    rationale = "Similar to the evidence, but not mentioned. Please check (similarity {:.2f})."
    return [
        item_proposal(category, item, SIMILARITY_CONFIDENCE, rationale.format(score))
        for score, item in ordered
        if score >= MIN_SIMILARITY
    ]


def design_sentences(design: Design) -> list[Sentence]:
    """The findings of a design as sentences, to be read like a description."""
    labels = [
        Sentence(
            f"The text “{line.text}” in {line.colour} on {line.background}.",
            RequirementOrigin.DESIGN,
            label=line.text,
        )
        for line in design.lines
    ]
    statements = []
    if design.outlined:
        statements.append("An outlined surface with a border.")
    if design.radius >= 3:
        statements.append(f"Rounded corners of about {design.radius} pixels.")
    return labels + [Sentence(text, RequirementOrigin.DESIGN) for text in statements]
