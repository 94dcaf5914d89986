"""Agreement of a statement with its source: numbers, names, negations and quotations must match."""

import re
from dataclasses import dataclass
from functools import lru_cache

from core.bm25 import WORD
from core.sentence_segmentation import sentences
from core.stemming import STOP_WORDS, stem

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
NUMBER_WORDS = dict(
    zip(
        re.findall(
            r"\w+",
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty",
        ),
        map(str, range(2, 21)),
        strict=True,
    )
)
MAGNITUDES = frozenset({"hundred", "thousand", "million", "billion", "trillion", "percent"})
NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|without|neither|nor|cannot|\w+n['\u2019]t|ban(?:s|ned)?|"
    r"prohibit(?:s|ed)?|forbid(?:s|den)?|disallow(?:s|ed)?|exclud(?:es?|ed|ing)|nicht|kein(?:e[mnrs]?)?|nie|niemals|"
    r"ohne|niemand|jamais|aucune?|sans|nunca)\b",
    re.IGNORECASE,
)
NO_NEGATION = re.compile(
    r"\b(?:not only|no matter|no doubt|(?:no|not) (?:later|more|less|fewer|earlier) than)\b", re.IGNORECASE
)
"""Phrases with a negation that negate nothing: `no later than` is `by`."""
MODAL_VERBS = frozenset({"may", "might", "must", "shall", "should"})
CALENDAR = frozenset(
    re.findall(
        r"\w+",
        "january february march april may june july august september october november december monday "
        "tuesday wednesday thursday friday saturday sunday",
    )
)
CLAUSE = re.compile(
    r"[;:()\u2013\u2014]|,(?!\d)|\s(?:and|but|while|whereas|or|und|aber|et|mais|y)\s", re.IGNORECASE
)
CAPITALIZED = re.compile(r"(?<!\w)[^\W\d_a-z][\w'\u2019.-]*\w")
BEGINS_SENTENCE = re.compile(r"(?:^|[.!?:;\u2026(\[*_\"\u201c\u201e\u00ab'\u2018\u2013\u2014-])\s*$")
QUOTATION = re.compile('[\u201c\u201e"\u00ab]([^\u201c\u201d\u201e"\u00ab\u00bb]+)[\u201d\u201c"\u00bb]')
ELLIPSIS = re.compile(r"\[?(?:\u2026|\.\.\.)\]?")
MIN_QUOTED_WORDS = 3
"""Fewer words in quotation marks are a term, not a quotation."""
MAX_CAPITALIZED_SHARE = 0.3
"""Texts with more capitalized words within their sentences are in a language that capitalizes nouns."""


@dataclass(frozen=True)
class Unit:
    """A sentence or clause: its content words as stems, its numbers and names, and whether it is negated.

    `subject` is a capitalized first word, which may be a name.
    """

    words: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    subject: frozenset[str]
    negated: bool

    def overlap(self, other: "Unit", without: frozenset[str] = frozenset()) -> int:
        """The number of common content words, without these."""
        return len((self.words & other.words) - without)


@dataclass(frozen=True)
class Evidence:
    """The sentences of a source's text and their clauses, with what it says anywhere."""

    sentences: tuple[Unit, ...]
    clauses: tuple[Unit, ...]
    words: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    subjects: frozenset[str]
    text: str

    @property
    def units(self) -> tuple[Unit, ...]:
        return self.sentences + self.clauses


def disagreement(statement: str, source: str, title: str = "") -> str | None:
    """What of a statement its source contradicts or lacks, or None: quotation, number, name or negation.

    A number or name must occur in the source, and in the sentence or clause that says most of what the
    statement's clause says of it. Names of the source's title always agree.
    """
    evidence = _evidence(source)
    if not _has_quotations(statement, evidence.text):
        return "quotation"
    clauses = [_unit(clause) for clause in _clauses(statement)]
    for clause in clauses:
        if any(number not in evidence.numbers for number in clause.numbers):
            return "number"
    titled = {stem(word) for word in WORD.findall(title.lower())}
    if _has_unknown_names(statement, source, evidence, titled):
        return "name"
    for clause in clauses:
        if any(_is_misplaced(number, clause, evidence, "numbers") for number in clause.numbers):
            return "number"
        named = [(name, "names") for name in clause.words & evidence.names]
        named += [(name, "subject") for name in (clause.words & evidence.subjects) - evidence.names]
        if any(_is_misplaced(name, clause, evidence, kind) for name, kind in named):
            return "name"
    if any(_is_negated_otherwise(clause, evidence) for clause in clauses):
        return "negation"
    return None


def facts(text: str) -> frozenset[str]:
    """The numbers and names of a text."""
    unit = _unit(text)
    return unit.numbers | unit.names


def numbers_of(text: str) -> frozenset[str]:
    """The numbers of a text in one form."""
    return _unit(text).numbers


def is_negated(text: str) -> bool:
    """Whether a text negates something."""
    return _unit(text).negated


def normalize(text: str) -> str:
    """The text in lower case with single blanks, without quotation marks and full stops at its ends."""
    return " ".join(text.lower().split()).strip(" .!?\"'\u201c\u201d")


@lru_cache(maxsize=64)
def _evidence(source: str) -> Evidence:
    texts = _texts(source)
    whole = tuple(map(_unit, texts))
    clauses = tuple(_unit(clause) for text in texts for clause in _clauses(text))
    return Evidence(
        whole,
        clauses,
        words=frozenset(word for unit in whole for word in unit.words),
        numbers=frozenset(number for unit in whole for number in unit.numbers),
        names=frozenset(name for unit in whole for name in unit.names),
        subjects=frozenset(word for unit in whole for word in unit.subject) - _lowercase_stems(source),
        text=" ".join(source.lower().split()),
    )


def _texts(source: str) -> list[str]:
    return [source[slice(*span)] for span in sentences(source)]


@lru_cache(maxsize=64)
def _lowercase_stems(source: str) -> frozenset[str]:
    """The stems of the words that a source writes in lower case."""
    return frozenset(stem(word) for word in WORD.findall(source) if word.islower())


@lru_cache(maxsize=1024)
def _unit(text: str) -> Unit:
    ignored = STOP_WORDS | MODAL_VERBS | NUMBER_WORDS.keys()
    words = [word for word in WORD.findall(text) if word.lower() not in ignored and not word.isdigit()]
    names = _name_words(text)
    first = WORD.search(text)
    begins = first is not None and first.group()[0].isupper() and first.group().lower() not in ignored
    return Unit(
        words=frozenset(stem(word) for word in [*(word.lower() for word in words), *names]),
        numbers=frozenset(_numbers(text)),
        names=frozenset(map(stem, names)),
        subject=frozenset({stem(first.group().lower())} if first and begins else ()),
        negated=bool(NEGATION.search(NO_NEGATION.sub("", text))),
    )


def _clauses(sentence: str) -> list[str]:
    clauses = [clause for clause in CLAUSE.split(sentence) if WORD.search(clause)]
    return clauses or [sentence]


def _numbers(text: str) -> list[str]:
    """The numbers of a text in one form: `4,200` is `4200`, `two` is `2`, `%` is `percent`."""
    found = [
        number.replace(",", "") if THOUSANDS.fullmatch(number) else number for number in NUMBER.findall(text)
    ]
    words = WORD.findall(text.lower().replace("%", " percent "))
    found += [NUMBER_WORDS[word] for word in words if word in NUMBER_WORDS]
    return [*found, *(word for word in words if word in MAGNITUDES)]


def _name_words(text: str) -> list[str]:
    """The words of names in a text, in lower case: capitalized words that do not begin a sentence."""
    found: list[str] = []
    pending, end = "", -1
    for match in CAPITALIZED.finditer(text):
        word = match.group().lower().removesuffix("'s").removesuffix("\u2019s")
        follows = text[end : match.start()] == " "
        begins = BEGINS_SENTENCE.search(text, max(0, match.start() - 8), match.start()) is not None
        if word in STOP_WORDS:
            pending = ""
        elif begins:
            pending = word
        else:
            # The first word of `Alice Moore` is of the name, even if it begins the sentence.
            found += [pending, word] if pending and follows else [word]
            pending = ""
        end = match.end()
    return [part for word in found for part in WORD.findall(word) if not part.isdigit()]


def _has_quotations(statement: str, source: str) -> bool:
    """Whether the source has every quotation of a statement, in its words."""
    for quoted in QUOTATION.findall(statement):
        for part in ELLIPSIS.split(quoted):
            if len(WORD.findall(part)) >= MIN_QUOTED_WORDS and normalize(part).rstrip(",;:") not in source:
                return False
    return True


def _has_unknown_names(statement: str, source: str, evidence: Evidence, titled: set[str]) -> bool:
    """Whether a statement names somebody or something that the source does not name."""
    inner = WORD.findall(source)
    if len(_name_words(source)) > MAX_CAPITALIZED_SHARE * len(inner):
        return False
    known = evidence.words | titled
    for name in _name_words(statement):
        if name in CALENDAR and name.capitalize() not in source:
            return True
        if name not in STOP_WORDS and not _is_known(stem(name), known):
            return True
    return _begins_with_other_name(statement, source, known)


def _is_known(word: str, known: frozenset[str] | set[str]) -> bool:
    """Whether a word, or a longer or shorter form such as `EUR` for `euros`, is among these."""
    return word in known or any(
        min(len(word), len(other)) >= 3 and (word.startswith(other) or other.startswith(word))
        for other in known
    )


def _begins_with_other_name(statement: str, source: str, known: frozenset[str] | set[str]) -> bool:
    """Whether a statement begins with an unknown word where the closest sentence begins with a name."""
    first = WORD.search(statement)
    if first is None or not first.group()[0].isupper() or first.group().lower() in STOP_WORDS:
        return False
    if _is_known(stem(first.group().lower()), known):
        return False
    unit = _unit(statement)
    closest = max(map(_unit, _texts(source)), key=unit.overlap, default=unit)
    if 2 * unit.overlap(closest) < len(unit.words):
        return False
    return bool(closest.subject - unit.words - _lowercase_stems(source))


def _is_misplaced(fact: str, clause: Unit, evidence: Evidence, kind: str) -> bool:
    """Whether the source says what the clause says of a number or name of another one instead."""

    def facts_of(unit: Unit) -> frozenset[str]:
        found: frozenset[str] = getattr(unit, kind)
        return found

    own = clause.numbers if kind == "numbers" else clause.words
    ignored = frozenset() if kind == "numbers" else evidence.names | evidence.subjects
    holders = [unit for unit in evidence.clauses if fact in facts_of(unit) or fact in unit.words]
    here = max((clause.overlap(unit, ignored) for unit in holders), default=0)
    if not here:
        holders = [unit for unit in evidence.sentences if fact in facts_of(unit) or fact in unit.words]
        here = max((clause.overlap(unit, ignored) for unit in holders), default=0)
    others = (
        unit for unit in evidence.units if fact not in unit.numbers | unit.words and facts_of(unit) - own
    )
    return max((clause.overlap(unit, ignored) for unit in others), default=0) > here


def _is_negated_otherwise(clause: Unit, evidence: Evidence) -> bool:
    """Whether what says most of what the clause says is all negated and the clause is not, or vice versa."""
    best = max((clause.overlap(unit) for unit in evidence.units), default=0)
    if 2 * best < len(clause.words) or not best:
        return False
    closest = [unit for unit in evidence.units if clause.overlap(unit) == best]
    if all(unit.negated != clause.negated for unit in closest):
        return True
    # A word of the clause that the source only negates: `Nobody may block them`.
    others = clause.words - {word for unit in closest for word in unit.words}
    holders = [[unit for unit in evidence.clauses if word in unit.words] for word in others]
    return not clause.negated and any(units and all(unit.negated for unit in units) for units in holders)
