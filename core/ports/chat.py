"""Who answers questions, and how that fails."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol
from uuid import UUID


class RunErrorCode(Enum):
    """Why a request to a model failed, as it is logged."""

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
    """A model did not answer. The message is for a person and holds nothing that the model's server sent.

    `passing` tells that the same request may go well later, `after` seconds from now at the earliest.
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
    """A retrieved piece of a source: `text` is its page's text from `start` to `end` in code points.

    `document_id` is None where the source is a compared sheet. `page` is None where there are no pages.
    `similarity` to the question is from 0 to 1.
    """

    document_id: UUID | None
    source: str
    page: int | None
    start: int
    end: int
    text: str
    similarity: float


@dataclass(frozen=True)
class Turn:
    """What was said before."""

    role: Literal["user", "assistant"]
    content: str


class Stance(Enum):
    """The part that a member of a council takes."""

    ANALYTICAL = "analytical"
    CREATIVE = "creative"
    CRITICAL = "critical"


@dataclass(frozen=True)
class ChatRequest:
    """One question to a model, with what it may answer from; `passages` are its sources 1, 2, … in order.

    `provider` names the endpoint to ask, None the installation's own; `model` None means the endpoint's
    own. `longest` bounds the answer, in tokens. `stance` is for who follows
    no instructions. `proposals` are answers that others gave to the question: they are to be weighed, not
    obeyed.
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
    """Whether sources are to answer it; if not, the instructions alone say what to do."""


@dataclass(frozen=True)
class TextDelta:
    """The next piece of an answer."""

    text: str


@dataclass(frozen=True)
class Quotation:
    """A part of the answer that stands word for word in a passage, both as offsets in code points.

    `source` counts the request's passages from 1; `confidence` is from 0 to 1.
    """

    start: int
    end: int
    source: int
    source_start: int
    source_end: int
    confidence: float


@dataclass(frozen=True)
class AnswerEnd:
    """The last event of an answer: who gave it, the tokens it took, and whether it found one at all.

    A model that can't tell reports `found` None.
    """

    model: str
    prompt_tokens: int
    completion_tokens: int
    found: bool | None = None


ChatEvent = TextDelta | Quotation | AnswerEnd


EXTRACTIVE = "seshat-extractive/1"
"""The name of the answerer that quotes documents and asks no language model."""


class ChatModel(Protocol):
    """Answers questions from passages."""

    model: str
    """Its name and version."""

    def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Text as it is produced, quotations of what was told, and one `AnswerEnd`. Raises `ModelFailure`."""
