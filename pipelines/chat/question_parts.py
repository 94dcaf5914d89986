"""Questions over two documents: split into parts, each of which is searched for and answered for itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.bm25 import words
from core.ports import AnswerProbability, Passage
from pipelines.chat.follow_ups import ANSWERED, QuestionVersion, Retrieve, RetrievedQuestion, is_dependent
from pipelines.chat.question_words import content_words, names

MIN_PART_PROBABILITY = 0.22
"""The probability from which a part of a question counts as answered."""
MIN_IMPLICIT_PROBABILITY = 0.4
"""That probability if only a conjunction tells that there are two parts."""
WHOLE_PENALTY = 0.5
"""Deduction for a frame and its subject in one: sentences that name the subject say little of it."""
MIN_OWN_WORDS = 3
"""Content words from which a part is a question without the words before it."""

AND = r"(?:and|or|und|oder|sowie|y|o|et|ou|versus|vs\.?|as well as|compared (?:with|to)|than|als|que)"
QUESTION = (
    r"(?:in (?:what|which)|who|whom|whose|what|which|when|where|why|how|wer|wen|wem|was|welche[rsmn]?|wann|"
    r"wo|warum|wie|qui[eé]n|qu[eé]|cu[aá]l|cu[aá]ndo|d[oó]nde|c[oó]mo|cu[aá]nt[oa]s?|qui|quelle?s?|quand|"
    r"o[uù]|comment|combien)"
)
CLAUSES = re.compile(rf"^(?P<one>.+?),?\s+{AND}\s+(?P<other>{QUESTION}\b.+)$", re.IGNORECASE | re.DOTALL)
COMPARISON = re.compile(
    r"\b(?:compar\w*|vergleich\w*|differences?|differ|unterschied\w*|diferencias?|diff[eé]rences?|versus|vs|than|"
    r"both|beide\w*|ambos|ambas)\b",
    re.IGNORECASE,
)
PREFIX = re.compile(
    r"^\s*[¿¡]?\s*(?:please\s+)?(?:compare|compara|comparez|vergleiche?|tell me|contrast|"
    r"what(?:'s| is) the difference|difference|was ist der unterschied|unterschied)\b\s*:?\s*",
    re.IGNORECASE,
)
SAY = re.compile(
    rf"^(?:what|was|qu[eé]|que)\s+(?:do|does|did|sagen|dicen|disent)\s+(?P<one>.+?)\s+{AND}\s+(?P<other>.+?)\s+"
    r"(?:(?:say|state|tell)\s+)?(?P<frame>(?:about|on|over|zu|über|sobre|sur)\b.+)$",
    re.IGNORECASE,
)
HEAD = re.compile(
    rf"^(?P<frame>.+?)(?::\s+(?P<one>.+?),?\s+{AND}|,\s+(?P<choice>.+?),?\s+(?:or|oder|o|ou))\s+(?P<other>.+)$",
    re.IGNORECASE,
)
CONJUNCTION = re.compile(rf",?\s+(?:{AND}|with|mit|con|avec)\s+", re.IGNORECASE)
STAND_IN = re.compile(
    r"^(?:that|those|the ones?|die|der|das|celui|celle|ceux|celles|el|la|los|las)\s+(?=(?:of|for|in|at|der|"
    r"des|von|vom|de|del|du|en|im|am)\b)",
    re.IGNORECASE,
)
PREPOSITIONS = (
    *({"in", "im"}, {"at", "am"}, {"for", "für"}, {"about", "über", "sobre", "sur"}, {"on", "auf"}),
    *(
        {"of", "de", "du", "des", "del", "der", "von", "vom"},
        {"by"},
        {"from"},
        {"to"},
        {"between", "zwischen"},
    ),
    *({"entre"}, {"en"}, {"à", "au"}, {"chez", "bei"}),
)
ARTICLE = re.compile(
    r"(?:.*\s|^)(?=(?:the|der|die|das|dem|den|el|la|los|las|le|les|l['\u2019]\w)\s)", re.IGNORECASE
)
NAME_AT_END = re.compile(r"(?:[A-ZÀ-Þ\d][\w'\u2019&.-]*\s+)*[A-ZÀ-Þ\d][\w'\u2019&.-]*$")


@dataclass(frozen=True)
class QuestionPart:
    """One of the things that a question asks of: `subject`, and what is framed of it by `frame`.

    Without a frame, the subject is a question, on a topic that it may not name.
    """

    frame: str
    subject: str
    topic: str = ""

    def versions(self) -> list[QuestionVersion]:
        """The part as it could be searched for."""
        if not self.frame:
            return [QuestionVersion(self.subject, self.topic)]
        whole = QuestionVersion(f"{self.frame} {self.subject}?", penalty=WHOLE_PENALTY)
        framed = QuestionVersion(f"{self.frame}?", " ".join(content_words(self.subject)))
        alone = QuestionVersion(f"{self.subject}?")
        if len(content_words(self.subject)) >= MIN_OWN_WORDS:
            return [whole, framed, alone]
        return [whole, framed]


def split_question(question: str) -> tuple[QuestionPart, ...]:
    """The two parts of a question that asks of two things; empty if it does not."""
    text = question.strip().rstrip("?.! ").lstrip("¿¡ ")
    if (clauses := CLAUSES.match(text)) and content_words(clauses["other"]):
        one, other = f"{clauses['one']}?", f"{clauses['other']}?"
        about = " ".join(names(one) or content_words(one)) if is_dependent(other) else ""
        return QuestionPart("", one), QuestionPart("", other, about)
    if say := SAY.match(text):
        return QuestionPart(say["frame"], say["one"]), QuestionPart(say["frame"], say["other"])
    bare = PREFIX.sub("", text)
    if bare == text and (head := HEAD.match(text)):
        return (
            QuestionPart(head["frame"], _subject(head["one"] or head["choice"])),
            QuestionPart(head["frame"], _subject(head["other"])),
        )
    return split_coordination(bare)


def split_coordination(text: str) -> tuple[QuestionPart, ...]:
    """The parts on both sides of the last conjunction that has something of the same kind before it."""
    for match in reversed(list(CONJUNCTION.finditer(text))):
        left, other = text[: match.start()], text[match.end() :]
        right = STAND_IN.sub("", other)
        first = (words(right) or [""])[0]
        alike = next((group for group in PREPOSITIONS if first in group), None)
        if alike is not None:
            found = list(re.finditer(rf"\b(?:{'|'.join(alike)})\b", left, re.IGNORECASE))
            if found:
                place = found[-1].start()
                return QuestionPart(left[:place].strip(), left[place:]), QuestionPart(
                    left[:place].strip(), right
                )
        if between := re.search(r"\b(?:between|zwischen|entre)\b", left, re.IGNORECASE):
            frame, one = left[: between.start()].strip(), left[between.end() :].strip()
            return QuestionPart(frame, one), QuestionPart(frame, right)
        if len(content_words(right)) >= MIN_OWN_WORDS and len(content_words(left)) >= MIN_OWN_WORDS:
            return QuestionPart("", left), QuestionPart("", right)
        name = NAME_AT_END.search(left)
        start = name.start() if name and right[:1].isupper() else None
        if start is None and (article := ARTICLE.match(left)):
            start = article.end()
        if start is not None:
            frame = left[:start].strip()
            return QuestionPart(frame, left[start:]), QuestionPart(frame, right)
    return ()


def _subject(text: str) -> str:
    return STAND_IN.sub("", text)


def asks_of_several(question: str) -> bool:
    """Whether the question says that it asks of several things, other than by a conjunction."""
    text = question.strip().lstrip("¿¡ ")
    patterns = (CLAUSES, SAY, HEAD)
    return bool(COMPARISON.search(text)) or any(pattern.match(text) for pattern in patterns)


async def retrieve_parts(
    whole: RetrievedQuestion, retrieve: Retrieve, probability: AnswerProbability
) -> RetrievedQuestion:
    """The question with the passages of its parts; unchanged if it has none, or if one document tells all."""
    question = whole.version.text
    parts = split_question(question)
    if not parts:
        return whole
    is_several = asks_of_several(question)
    if not is_several and await probability(whole.version.request(whole.passages)) >= ANSWERED:
        return whole
    found = [await _best_version(part, retrieve, probability) for part in parts]
    probabilities = [part.probability or 0.0 for part in found]
    documents = {part.passages[0].document_id for part in found if part.passages}
    is_answered = (
        max(probabilities) >= MIN_PART_PROBABILITY
        if is_several
        else min(probabilities) >= MIN_IMPLICIT_PROBABILITY
    )
    if not is_answered or len(documents) < len(found):
        return whole
    return RetrievedQuestion(
        whole.version,
        merge([part.passages for part in found]),
        min(probabilities),
        tuple(part.version.request(part.passages) for part in found),
    )


async def _best_version(
    part: QuestionPart, retrieve: Retrieve, probability: AnswerProbability
) -> RetrievedQuestion:
    retrieved = []
    for version in part.versions():
        passages = tuple(await retrieve(version.completed_question))
        retrieved.append(RetrievedQuestion(version, passages, await probability(version.request(passages))))
    return max(retrieved, key=lambda each: each.value)


def merge(lists: Sequence[Sequence[Passage]]) -> tuple[Passage, ...]:
    """All passages, the best of each list first, each once with its highest similarity."""
    found: dict[tuple[object, ...], Passage] = {}
    for place in range(max(map(len, lists), default=0)):
        for passages in lists:
            for passage in passages[place : place + 1]:
                known = found.get(passage.location, passage)
                found[passage.location] = replace(
                    passage, similarity=max(known.similarity, passage.similarity)
                )
    return tuple(found.values())
