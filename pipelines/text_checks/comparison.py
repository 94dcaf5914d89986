"""Comparison of a claim with a sentence of a document: what agrees, what differs, what is missing."""

from collections.abc import Collection
from dataclasses import dataclass

from core.bm25 import words
from core.stemming import STOP_WORDS
from pipelines.text_checks.claims import Claim
from pipelines.text_checks.opposites import are_alike, are_opposites
from pipelines.text_checks.quantities import Quantity

CONTEXT_WEIGHT = 0.8
"""Weight of a word that only the sentences before say."""
NEIGHBOURS = 4
"""Words beside a quantity that say what it is of."""
MAX_NAMES = 4
"""Names of a difference."""
MIN_YEAR, MAX_YEAR = 1000, 2100


@dataclass(frozen=True)
class Difference:
    """What a sentence and a passage say differently. `kind` is a value of `TextDifferenceKind`."""

    kind: str
    stated: str | None = None
    found: str | None = None


@dataclass(frozen=True)
class Comparison:
    """How a claim compares with a sentence.

    `coverage` is the share of its content words that agree, from 0 to 1: with differences, of those that do
    not differ, by one clause. `matched` counts the words, names and quantities that agree. It is incomplete
    if the sentence says nothing of a number or name of the claim.
    """

    coverage: float
    matched: float
    differences: tuple[Difference, ...]
    is_incomplete: bool
    uses_context: bool
    """Whether the sentences before say words of the claim that the sentence does not."""


@dataclass(frozen=True)
class Context:
    """What is said before a sentence: content words, also of the title, and quantities."""

    words: frozenset[str] = frozenset()
    quantities: tuple[Quantity, ...] = ()


def compare(claim: Claim, other: Claim, context: Context) -> Comparison:
    """Compare a claim with a sentence of a document that stands in a context."""
    clause = max(other.clauses, key=lambda part: _coverage(claim.said, part))
    opposites, negation = _opposites(claim, other), _is_negated_otherwise(claim, other)
    if opposites and negation:  # `not full` is `empty`
        opposites, negation = (), False
    quantities, lacks_quantity = _compare_quantities(claim, other, context)
    names, lacks_name = _compare_names(claim, other, clause, context)
    differing = {word for word, _ in opposites} | (
        {stem for stem, _ in _absent_names(claim, other, context)} if names else set()
    )
    compared = claim.said - differing
    differences = (
        *quantities,
        *names,
        *(Difference("opposite", claim.written[one], other.written[two]) for one, two in opposites),
        *((Difference("negation", claim.negation, other.negation),) if negation else ()),
    )
    agreeing = sum(any(own.agrees(each) for each in other.quantities) for own in claim.quantities)
    coverage = _coverage(compared, clause if differences else other, context)
    return Comparison(
        coverage=coverage,
        matched=_coverage(compared, other, context) * len(compared) + agreeing,
        differences=differences,
        is_incomplete=lacks_quantity or lacks_name,
        uses_context=_coverage(compared, other, context) > _coverage(compared, other),
    )


NO_CONTEXT = Context()


def _coverage(said: Collection[str], other: Claim, context: Context = NO_CONTEXT) -> float:
    """The share of words that another claim or its context says as well."""
    if not said:
        return 1.0
    return sum(_agreement(word, other.said, context.words) for word in said) / len(said)


def _agreement(word: str, others: frozenset[str], context: frozenset[str]) -> float:
    if word in others or any(are_alike(word, other) for other in others):
        return 1.0
    return CONTEXT_WEIGHT if word in context or any(are_alike(word, other) for other in context) else 0.0


def _opposites(claim: Claim, other: Claim) -> tuple[tuple[str, str], ...]:
    """Words of a claim, as written, and their opposites in another, if neither has both."""
    found = []
    for word in sorted(claim.words):
        if any(are_alike(word, each) for each in other.words):
            continue
        against = [each for each in sorted(other.words) if are_opposites(word, each)]
        if against and not any(are_alike(each, own) for each in against for own in claim.words):
            found.append((word, against[0]))
    return tuple(found)


def _is_negated_otherwise(claim: Claim, other: Claim) -> bool:
    """Whether every clause that says most of the claim is negated and the claim is not, or vice versa."""
    shares = [(_coverage(claim.said, part), part) for part in other.clauses]
    best = max(share for share, _ in shares)
    return best > 0 and all(part.negated is not claim.negated for share, part in shares if share == best)


def _absent_names(claim: Claim, other: Claim, context: Context) -> list[tuple[str, str]]:
    """The names of a claim that neither a sentence nor its context says."""
    return [(stem, text) for stem, text in claim.names if not _agreement(stem, other.said, context.words)]


def _compare_names(
    claim: Claim, other: Claim, clause: Claim, context: Context
) -> tuple[tuple[Difference, ...], bool]:
    """Other names in place of the claim's, and whether there is nothing in place of one."""
    absent = _absent_names(claim, other, context)
    if not absent:
        return (), False
    instead = [text for stem, text in clause.names if not any(are_alike(stem, own) for own in claim.said)]
    if not instead:
        return (), True
    stated = " ".join(text for _, text in absent[:MAX_NAMES])
    return (Difference("name", stated, " ".join(instead[:MAX_NAMES])),), False


def _compare_quantities(claim: Claim, other: Claim, context: Context) -> tuple[tuple[Difference, ...], bool]:
    """Other quantities in place of the claim's, and whether there is nothing in place of one."""
    differences, is_missing = [], False
    free = [each for each in other.quantities if not any(each.agrees(own) for own in claim.quantities)]
    for own in claim.quantities:
        if any(own.agrees(each) for each in other.quantities):
            continue
        comparable = [each for each in free if _are_comparable(own, claim.text, each, other.text)]
        if comparable:
            beside = _beside(own, claim.text)
            nearest = max(comparable, key=lambda each: len(beside & _beside(each, other.text)))
            free.remove(nearest)
            kind = "unit" if own.number == nearest.number else "number"
            differences.append(Difference(kind, own.text, nearest.text))
        elif not any(own.agrees(each) for each in context.quantities):
            is_missing = True
    return tuple(differences), is_missing


def _are_comparable(one: Quantity, text: str, other: Quantity, other_text: str) -> bool:
    """Whether two quantities measure the same: by their dimension, or else by the words after them."""
    if one.dimension and other.dimension:
        return one.dimension == other.dimension
    if _is_year(one) or _is_year(other) or one.dimension or other.dimension:
        return _is_year(one) == _is_year(other)
    after, other_after = _after(one, text), _after(other, other_text)
    return not after or not other_after or bool(after & other_after)


def _is_year(quantity: Quantity) -> bool:
    number = quantity.number
    return not quantity.dimension and number.is_integer() and MIN_YEAR <= number <= MAX_YEAR


def _after(quantity: Quantity, text: str) -> frozenset[str]:
    following = words(text[quantity.start + len(quantity.text) :])[:NEIGHBOURS]
    return frozenset(following) - STOP_WORDS


def _beside(quantity: Quantity, text: str) -> frozenset[str]:
    before = words(text[: quantity.start])[-NEIGHBOURS:]
    return frozenset(before + words(text[quantity.start + len(quantity.text) :])[:NEIGHBOURS])
