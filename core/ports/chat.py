"""Chat models: requests, events and errors."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol
from uuid import UUID


class RunErrorCode(Enum):
    """Reason for which a request to a model failed."""

    NO_FILE_SEARCH_STORE = "NO_FILE_SEARCH_STORE"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    CONNECTION_ERROR = "CONNECTION_ERROR"
    TIMEOUT = "TIMEOUT"
    NO_RESPONSE = "NO_RESPONSE"
    NO_CITATIONS = "NO_CITATIONS"
    INVALID_RESPONSE = "INVALID_RESPONSE"
    CONTENT_BLOCKED = "CONTENT_BLOCKED"
    CHAT_FAILED = "CHAT_FAILED"


class ModelFailure(Exception):
    """A request to a model failed. The message is for users and contains nothing of the server's response.

    `is_transient` says that the request may be retried, after at least `retry_after` seconds.
    """

    def __init__(
        self, code: RunErrorCode, message: str, *, is_transient: bool = False, retry_after: float = 0
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.is_transient, self.retry_after = (
            code,
            message,
            is_transient,
            retry_after,
        )


@dataclass(frozen=True)
class Passage:
    """A retrieved passage of a source: `text` is the page's text from `start` to `end` in code points.

    `document_id` is None for a compared sheet, `page` for a source without pages. `similarity` to the
    question is from 0 to 1.
    """

    document_id: UUID | None
    source: str
    page: int | None
    start: int
    end: int
    text: str
    similarity: float
    chunk_id: UUID | None = field(default=None, compare=False)
    """The chunk of a document; None for a compared sheet."""

    @property
    def location(self) -> tuple[UUID | None, str, int | None, int]:
        """Where the passage stands; the same for every question."""
        return self.document_id, self.source, self.page, self.start


@dataclass(frozen=True)
class Turn:
    """A message of the conversation's history."""

    role: Literal["user", "assistant"]
    content: str


class Stance(Enum):
    """Role of a council member."""

    ANALYTICAL = "analytical"
    CREATIVE = "creative"
    CRITICAL = "critical"


@dataclass(frozen=True)
class ChatRequest:
    """A question to a model with its sources: `passages` are numbered from 1.

    `provider` and `model` default to the installation's endpoint and the endpoint's model. `max_tokens`
    limits the answer. `stance` is for models that follow no instructions. `proposals` are other models'
    answers to the question, as untrusted input. `topic` has words of earlier turns that say what the
    question is about; they need not stand in the sentence that answers it.
    """

    question: str
    passages: tuple[Passage, ...] = ()
    instructions: str = ""
    history: tuple[Turn, ...] = ()
    provider: str | None = None
    model: str | None = None
    temperature: float = 0.7
    max_tokens: int = 1024
    stance: Stance | None = None
    proposals: tuple[str, ...] = ()
    requires_sources: bool = True
    """Whether to answer from the sources; otherwise, from the instructions alone."""
    topic: str = ""
    parts: tuple["ChatRequest", ...] = ()
    """The parts of a question over several documents, with their passages, which are among the request's."""

    @property
    def completed_question(self) -> str:
        """The question with those words of its topic that it lacks."""
        question = self.question.lower()
        missing = [word for word in self.topic.split() if word.lower() not in question]
        return f"{self.question.rstrip()} ({' '.join(missing)})" if missing else self.question


@dataclass(frozen=True)
class TextDelta:
    """The next part of an answer."""

    text: str


@dataclass(frozen=True)
class ReasoningDelta:
    """The next part of a model's reasoning, which is not part of its answer.

    `includes_previous_text` says that all text before it was reasoning too.
    """

    text: str
    includes_previous_text: bool = False


@dataclass(frozen=True)
class Quotation:
    """A verbatim quotation of a passage, with offsets in code points.

    `source` is the number of the request's passage, from 1; `confidence` is from 0 to 1.
    """

    start: int
    end: int
    source: int
    source_start: int
    source_end: int
    confidence: float


@dataclass(frozen=True)
class AnswerEnd:
    """The last event of an answer: the model, its token usage, and whether it found an answer.

    `found` is None for models that do not report it. `truncated` says that the answer is cut off at the
    maximum length.
    """

    model: str
    prompt_tokens: int
    completion_tokens: int
    found: bool | None = None
    truncated: bool = False


ChatEvent = TextDelta | ReasoningDelta | Quotation | AnswerEnd


EXTRACTIVE = "seshat-extractive/1"
"""Name of the extractive answerer, which quotes documents without a language model."""


class ChatModel(Protocol):
    """Answers questions from passages."""

    model: str
    """Name and version of the model."""

    def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Streams text and quotations, and ends with one `AnswerEnd`. Raises `ModelFailure`."""


class AnswerProbability(Protocol):
    """The probability, from 0 to 1, that the passages of a request answer its question."""

    async def __call__(self, request: ChatRequest) -> float: ...
