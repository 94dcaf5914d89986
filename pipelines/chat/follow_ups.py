"""Follow-up questions: completed from the turns before in several ways; the best answered is kept."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from core.ports import AnswerProbability, ChatRequest, Passage, Turn
from pipelines.chat.question_words import (
    content_words,
    is_fragment,
    name_runs,
    names,
    names_its_subject,
    question_phrase,
    refers_back,
)

MAX_EARLIER_QUESTIONS = 3
"""Questions before this one that complete it."""
MAX_ANSWER_LENGTH = 300
"""Characters of an answer from which names are taken."""
MAX_VAGUE_WORDS = 2
"""Content words up to which a question without names is likely to need the turns before it."""
MAX_WORDS = 10
"""Words that are taken from the turns before."""
MAX_WAYS = 6
"""Ways in which a question is searched for, itself included."""
SIMILARITY_WEIGHT = 0.5
"""Weight of the best passage's similarity beside the probability of an answer."""
DEPENDENT_MARGIN = 0.15
"""What a question that refers to others must lead by, as it stands, to be taken alone."""
INDEPENDENT_MARGIN = 0.3
"""What a completed question must lead by if the question can stand alone."""
ANSWERED = 0.5
"""The probability of an answer from which a question that can stand alone is not completed."""
ANSWER_PENALTY, DISTANCE_PENALTY = 0.1, 0.05
"""Deductions for words of an answer, and for each turn further back."""

Retrieve = Callable[[str], Awaitable[list[Passage]]]
"""Finds passages for a question, best first."""


@dataclass(frozen=True)
class QuestionVersion:
    """A question as it could be meant, and what its value is reduced by."""

    text: str
    topic: str = ""
    penalty: float = 0.0

    def request(self, passages: Sequence[Passage] = ()) -> ChatRequest:
        """The question as it is answered from passages."""
        return ChatRequest(self.text, tuple(passages), topic=self.topic)

    @property
    def completed_question(self) -> str:
        """The question with its topic, as it is searched for."""
        return self.request().completed_question


@dataclass(frozen=True)
class RetrievedQuestion:
    """A question in the version that is searched for and answered, with its passages."""

    version: QuestionVersion
    passages: tuple[Passage, ...]
    probability: float | None = None
    """The probability that the passages answer it; None if there was nothing to choose from."""
    parts: tuple[ChatRequest, ...] = ()
    """Its parts, if it is answered in parts."""

    @property
    def value(self) -> float:
        """By which versions of a question are compared."""
        similarity = max((passage.similarity for passage in self.passages), default=0.0)
        return (self.probability or 0.0) + SIMILARITY_WEIGHT * similarity - self.version.penalty


def earlier_questions(history: Sequence[Turn]) -> list[tuple[str, str]]:
    """The questions before, latest first, with their answers."""
    found: list[tuple[str, str]] = []
    for index, turn in enumerate(history):
        if turn.role == "user":
            answer = history[index + 1] if index + 1 < len(history) else None
            found.append((turn.content, answer.content if answer and answer.role == "assistant" else ""))
    return found[::-1][:MAX_EARLIER_QUESTIONS]


def is_dependent(question: str) -> bool:
    """Whether a question is likely to need the turns before it."""
    return is_incomplete(question) or (
        len(content_words(question)) <= MAX_VAGUE_WORDS and not names(question)
    )


def is_incomplete(question: str) -> bool:
    """Whether a question is a part of one, or refers to what it does not name."""
    return is_fragment(question) or (refers_back(question) and not names_its_subject(question))


def versions(question: str, history: Sequence[Turn]) -> list[QuestionVersion]:
    """The question as it stands, and completed by words of the turns before."""
    earlier = earlier_questions(history)
    if not earlier:
        return [QuestionVersion(question)]
    dependent = is_dependent(question)
    alone = QuestionVersion(question, penalty=DEPENDENT_MARGIN if dependent else 0.0)
    found = {alone.completed_question.lower(): alone}

    def add(text: str, topic: str, penalty: float) -> None:
        way = QuestionVersion(text, topic, penalty + (0.0 if dependent else INDEPENDENT_MARGIN))
        found.setdefault(way.completed_question.lower(), way)

    last, answer = earlier[0]
    phrase = next(filter(None, (question_phrase(text) for text, _ in earlier)), "")
    if is_fragment(question):
        for text, topic in combinations(question, last, phrase):
            add(text, topic, 0.0)
    for distance, (text, _) in enumerate(earlier):
        penalty = DISTANCE_PENALTY * distance
        add(question, topic_words(question, content_words(text)), penalty)
        add(question, topic_words(question, names(text)), penalty)
        if not distance:
            first_quotation = answer.split("\n\n")[0][:MAX_ANSWER_LENGTH]
            add(question, topic_words(question, names(first_quotation)), ANSWER_PENALTY)
    return list(found.values())[:MAX_WAYS]


def combinations(fragment: str, last: str, phrase: str) -> list[tuple[str, str]]:
    """Questions and topics that a fragment and the last question may mean together.

    The fragment says something else to ask for, with the last question's `phrase`, or something else to ask
    it of.
    """
    said = " ".join(content_words(fragment))
    if not said:
        return []
    found: list[tuple[str, str]] = []
    if name_runs(f"x {said}"):
        runs = [run for run in name_runs(last) if run.lower() not in fragment.lower()]
        alike = [run for run in runs if run[0].isdigit() == said[0].isdigit()]
        if len(alike) == 1:
            found.append((last.replace(alike[0], said, 1), ""))
        elif not runs:
            found.append((last, said))
    topic = [word for word in content_words(last) if word not in phrase.split()]
    return [*found, (f"{phrase} {said}?", topic_words(fragment, topic))]


def topic_words(question: str, words: Sequence[str]) -> str:
    """Those words that the question does not have itself."""
    own = {word.lower() for word in content_words(question)}
    return " ".join([word for word in words if word.lower() not in own][:MAX_WORDS])


async def retrieve_completed(
    question: str, history: Sequence[Turn], retrieve: Retrieve, probability: AnswerProbability
) -> RetrievedQuestion:
    """The version that is answered best, with its passages.

    A question that is complete, though it may be vague, is only completed if it is hardly answered as it
    stands.
    """
    alone, *completed = versions(question, history)
    passages = tuple(await retrieve(question))
    if not completed:
        return RetrievedQuestion(alone, passages)
    chosen = RetrievedQuestion(alone, passages, await probability(alone.request(passages)))
    if not is_incomplete(question) and (chosen.probability or 0) >= ANSWERED:
        return chosen
    for way in completed:
        passages = tuple(await retrieve(way.completed_question))
        other = RetrievedQuestion(way, passages, await probability(way.request(passages)))
        if other.value > chosen.value:
            chosen = other
    return chosen
