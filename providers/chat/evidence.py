"""Evidence that a sentence answers a question: that it holds what is asked for, and is about the subject.

The probability is a logistic regression, fitted by `benchmarks.abstention` on the odd articles of XQuAD and
questions that these do not answer; `docs/evaluation.md` has its figures on the even ones.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp

from core.bm25 import words
from core.stemming import STOP_WORDS, stems
from providers.chat.lexical_matching import coverage
from providers.chat.question_kinds import (
    CAPITALIZED,
    NUMERIC,
    QuestionKind,
    holds_kind,
    question_kind,
)

LETTERS = re.compile(r"[^\W\d_]+")
SENTENCE_MARKS = ("", ".", "!", "?", '"', "\u201c", ":", "\n")
OPPOSITES = [
    frozenset(pair)
    for pair in (
        *(("oldest", "youngest"), ("older", "younger"), ("first", "last"), ("first", "second")),
        *(("first", "third"), ("second", "third"), ("second", "last"), ("largest", "smallest")),
        *(("larger", "smaller"), ("biggest", "smallest"), ("highest", "lowest"), ("higher", "lower")),
        *(("most", "least"), ("more", "less"), ("more", "fewer"), ("north", "south"), ("east", "west")),
        *(("northern", "southern"), ("eastern", "western"), ("north", "east"), ("north", "west")),
        *(("south", "east"), ("south", "west"), ("before", "after"), ("male", "female"), ("men", "women")),
        *(("won", "lost"), ("win", "lose"), ("winner", "loser"), ("born", "died"), ("birth", "death")),
        *(("increase", "decrease"), ("increased", "decreased"), ("rise", "fall"), ("maximum", "minimum")),
        *(("import", "export"), ("imports", "exports"), ("bought", "sold"), ("buy", "sell")),
        *(("start", "end"), ("started", "ended"), ("began", "ended"), ("opened", "closed")),
        *(("father", "mother"), ("father", "son"), ("brother", "sister"), ("husband", "wife")),
        *(("king", "queen"), ("early", "late"), ("earliest", "latest"), ("newest", "oldest"), ("new", "old")),
        *(("longest", "shortest"), ("long", "short"), ("best", "worst"), ("hot", "cold"), ("upper", "lower")),
        *(("public", "private"), ("summer", "winter"), ("spring", "autumn"), ("internal", "external")),
        *(("urban", "rural"), ("founded", "dissolved"), ("arrived", "left"), ("joined", "left")),
        *(("offensive", "defensive"), ("positive", "negative"), ("primary", "secondary")),
        *(("undergraduate", "graduate"), ("land", "water"), ("rich", "poor"), ("odd", "even")),
        *(("allowed", "forbidden"), ("million", "billion"), ("million", "thousand")),
    )
]
"""Words of which a sentence that holds one does not answer a question for the other."""

BIAS = -4.5
WEIGHTS = {
    "meaning": 0.459,
    "words": 1.513,
    "nearby": -0.319,
    "passage": 3.193,
    "lead": 12.968,
    "lacks_number": -1.913,
    "lacks_reason": -5.515,
    "lacks_kind": -0.277,
    "names_here": -1.088,
    "names_near": 1.152,
    "names_in_passage": 0.784,
    "absent": -0.183,
    "opposites": -1.169,
    "asks_yes_no": -1.863,
    "asks_number": -0.552,
    "asks_other": 0.336,
    "length": -0.34,
}
MAX_LEAD = 0.2
"""The lead that counts: among few sentences any is far ahead."""


@dataclass(frozen=True)
class Context:
    """The stems around a sentence: those of the two before it with its own, and those of its passage."""

    near: set[str]
    passage: set[str]


@dataclass(frozen=True)
class QuestionRead:
    """A question, what it asks for, the stems of names in it, and the rarities of its stems."""

    text: str
    kind: QuestionKind
    names: frozenset[str]
    rarities: dict[str, float]


def ask(question: str, rarities: dict[str, float], texts: Sequence[str]) -> QuestionRead:
    """The question, read with the texts that may answer it: they tell names, also if it is in lower case."""
    first = next(iter(LETTERS.findall(question)), "")
    own: set[str] = set()
    for word in CAPITALIZED.findall(question):
        if word != first and word.lower() not in STOP_WORDS:
            own |= stems(word)
    return QuestionRead(
        question,
        question_kind(question),
        frozenset(own | (rarities.keys() & written_names(texts))),
        rarities,
    )


def written_names(texts: Iterable[str]) -> set[str]:
    """Stems of words that the texts write with a capital in the middle of a sentence, and never without."""
    capitalized: set[str] = set()
    plain: set[str] = set()
    for text in texts:
        for match in LETTERS.finditer(text):
            word = match.group()
            if word[0].islower():
                plain |= stems(word)
            elif text[: match.start()].rstrip()[-1:] not in SENTENCE_MARKS:
                capitalized |= stems(word)
    return capitalized - plain


def probability(
    question: QuestionRead,
    sentence: str,
    context: Context,
    *,
    meaning: float,
    words: float,
    nearby: float,
    passage: float,
    lead: float,
) -> float:
    """The probability that the sentence answers the question, from 0 to 1.

    `meaning` and `passage` are similarities of the sentence and its passage to the question; `words` and
    `nearby` the shares of the question's words in the sentence, and with the sentence before it. `lead` is
    the sentence's score less that of the best other sentence.
    """
    own, kind = stems(sentence), question.kind
    lacks = not holds_kind(kind, question.text, sentence)
    missing = {word: weight for word, weight in question.rarities.items() if word not in context.passage}
    evidence = {
        "meaning": meaning,
        "words": words,
        "nearby": nearby,
        "passage": passage,
        "lead": max(-0.3, min(MAX_LEAD, lead)),
        "lacks_number": lacks and kind in NUMERIC,
        "lacks_reason": lacks and kind is QuestionKind.REASON,
        "lacks_kind": lacks,
        "names_here": share(question.names, own),
        "names_near": share(question.names, context.near),
        "names_in_passage": share(question.names, context.passage),
        "absent": coverage(question.rarities, set(missing)),
        "opposites": opposites(question.text, sentence),
        "asks_yes_no": kind is QuestionKind.YES_NO,
        "asks_number": kind in NUMERIC,
        "asks_other": kind is QuestionKind.OTHER,
        "length": len(sentence) / 300,
    }
    return 1 / (1 + exp(-BIAS - sum(WEIGHTS[name] * value for name, value in evidence.items())))


def share(wanted: frozenset[str], found: set[str]) -> float:
    """The share of what is wanted that was found; 1 if nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 1.0


def opposites(question: str, sentence: str) -> int:
    """How many words of the question have their opposite in the sentence, which lacks them itself."""
    wanted, said = set(words(question)), set(words(sentence))
    return sum(
        len(pair & wanted) == 1 and len(pair & said) == 1 and not pair & wanted & said for pair in OPPOSITES
    )
