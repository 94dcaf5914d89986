"""What the product needs from outside, as protocols; `providers/` adapts to each."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

T = TypeVar("T")


@dataclass(frozen=True)
class StoredObject:
    """An object's size in bytes, its entity tag as HTTP writes it (quoted), and its last change (UTC)."""

    key: str
    size: int
    etag: str
    modified_at: datetime


class ObjectChanged(Exception):
    """The object is no longer the one whose entity tag was given."""


class ObjectStore(Protocol):
    """Objects by key, in a folder or a bucket.

    A key is segments of ASCII letters, digits, `.`, `_`, `-` and `=`, joined by `/`. Anything else
    raises `ValueError`, and a missing key `FileNotFoundError`.
    """

    async def put(self, key: str, chunks: AsyncIterable[bytes] | bytes) -> StoredObject:
        """Store under `key`, replacing what was there. Nothing is visible before the last byte is.

        What `chunks` raises comes out as it is, and nothing is stored: checks at its end are in time.
        """

    async def put_file(self, key: str, path: Path) -> StoredObject:
        """Store a local file's content under `key`."""

    async def head(self, key: str) -> StoredObject: ...

    def read(
        self, key: str, start: int = 0, end: int | None = None, *, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, in chunks of bounded size.

        Raises `ObjectChanged` before the first byte where an `etag` is given and is no longer the object's.
        """

    async def fetch(self, key: str, path: Path) -> Path:
        """Copy the object into a local file, which appears when it is whole."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete what exists of them; absent keys are no error."""

    async def copy(self, source: str, target: str) -> None: ...

    def list(self, folder: str) -> AsyncIterator[StoredObject]:
        """Every object whose key starts with `folder/` (its slash may be left out), in no order."""

    async def sweep(self, before: datetime) -> int:
        """Remove what writes that began before this instant and died left behind; how many there were."""


@dataclass(frozen=True)
class Evidence:
    """One changed region of a sheet, in pixels of the new sheet, with the words that went and came there."""

    kind: str
    box: tuple[int, int, int, int]
    area: int
    location: str
    words_removed: tuple[str, ...]
    words_added: tuple[str, ...]


@dataclass(frozen=True)
class Analysis:
    """What an analyser says of one compared sheet. `model` names the analyser and its version."""

    model: str
    changes: tuple[str, ...]
    descriptions: tuple[str, ...]
    critical_change: str | None
    summary: str
    recommendations: tuple[str, ...]


class DrawingAnalyser(Protocol):
    """Describes the changes of one sheet from evidence, or from the pictures themselves."""

    model: str
    """Its name and version."""

    async def analyse(
        self,
        drawing_name: str,
        evidence: Sequence[Evidence],
        measures: Mapping[str, Any],
        overlay: Path | None,
    ) -> Analysis:
        """`descriptions` has one entry per item of `evidence`, in its order."""


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

    def __init__(self, code: RunErrorCode, message: str, *, passing: bool = False, after: float = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.passing, self.after = code, message, passing, after


@dataclass(frozen=True)
class Passage:
    """A retrieved piece of a document: `text` is its page's text from `start` to `end` in code points.

    `page` is None where the document has no pages. `similarity` to the question is from 0 to 1.
    """

    document_id: UUID
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


@dataclass(frozen=True)
class ChatRequest:
    """One question to a model, with what it may answer from; `passages` are its sources 1, 2, … in order.

    `model` None means the provider's own. `longest` bounds the answer, in tokens.
    """

    question: str
    passages: tuple[Passage, ...] = ()
    instructions: str = ""
    history: tuple[Turn, ...] = ()
    model: str | None = None
    temperature: float = 0.7
    longest: int = 1024


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


class ChatModel(Protocol):
    """Answers questions from passages."""

    model: str
    """Its name and version."""

    def answer(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Text as it is produced, quotations of what was told, and one `AnswerEnd`. Raises `ModelFailure`."""


class Embed(Protocol):
    """Turns texts into vectors of length 1, one for each, in their order."""

    async def __call__(
        self, texts: Sequence[str], kind: Literal["query", "passage"]
    ) -> Sequence[Sequence[float]]: ...


Vector = list[float]


class Embedded(list[T]):
    """What was embedded, in the order of the texts; `tokens` is how many the model read for it."""

    def __init__(self, items: Iterable[T], tokens: int) -> None:
        super().__init__(items)
        self.tokens = tokens


class Embedder(Protocol):
    """Turns texts into vectors of length 1, `dimension` numbers each. An `Embed` is its `embed`.

    Both methods raise `ModelFailure`.
    """

    provider: str
    model: str
    """Its name; vectors of different names are never compared."""
    dimension: int
    max_tokens: int
    """What one vector can stand for, in tokens of the model."""

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> Embedded[Vector]:
        """One vector for each text; of a longer text than `max_tokens`, its beginning counts."""

    async def embed_windows(self, texts: Sequence[str]) -> Embedded[list[Vector]]:
        """For each passage, the vectors of its overlapping windows of `max_tokens`: one where it fits."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class VectorChunk:
    """A piece of a document as it is searched: by the best of its `vectors`, and by the words of `text`.

    `scope` is `user`, `company` or `global`; `user_id` is who uploaded the document.
    """

    id: UUID
    document_id: UUID
    user_id: UUID | None
    scope: str
    text: str
    vectors: Sequence[Vector]


@dataclass(frozen=True)
class Reach:
    """Whose chunks a search may find: a company's that the user may see, and what the platform published.

    Without `user_id`, every user's. `platform_id` is the company whose `global` documents everybody sees.
    `document_ids` narrows that to some documents, and widens nothing.
    """

    company_id: UUID
    user_id: UUID | None = None
    platform_id: UUID | None = None
    document_ids: frozenset[UUID] | None = None


@dataclass(frozen=True)
class Hit:
    """A chunk that was found. `score` orders the hits of one search and means nothing beside another's.

    `similarity` is the cosine of the query's vector and the chunk's nearest; none in a search by words alone.
    """

    chunk_id: UUID
    document_id: UUID
    company_id: UUID
    score: float
    similarity: float | None


class VectorsUnavailable(Exception):
    """The vector store does not answer, or not now; the same call may go well later."""


class VectorStore(Protocol):
    """The chunks of all companies, embedded by one model. Nothing is found across companies.

    Every method raises `VectorsUnavailable`.
    """

    async def upsert(self, company_id: UUID, chunks: Sequence[VectorChunk]) -> None:
        """Store the chunks, replacing those of the same ids. They are found when this returns."""

    async def search(
        self, reach: Reach, *, vector: Vector | None, text: str | None, limit: int = 10
    ) -> list[Hit]:
        """The best chunks, best first: by meaning and by words, or by the one that is given.

        Raises `ValueError` where neither is.
        """

    async def delete(self, company_id: UUID, document_id: UUID, *, keep: Collection[UUID] = ()) -> None:
        """Remove a document's chunks, but for those to keep."""

    async def rescope(self, company_id: UUID, document_id: UUID, scope: str) -> None:
        """Change who may find a document's chunks."""

    async def count(self, company_id: UUID, document_id: UUID | None = None) -> int:
        """How many chunks of the company, or of one of its documents, are stored."""


class VectorStores(Protocol):
    """A store for each embedding model."""

    def of(self, model: str, dimension: int) -> VectorStore:
        """The store of a model's vectors, which comes to be with its first chunk."""

    async def forget(self, company_id: UUID, document_id: UUID | None = None) -> None:
        """Remove a document's chunks, or all of a company, from every store."""

    async def drop(self, model: str, dimension: int) -> None:
        """Remove a model's store with all it holds; nothing where there is none."""

    async def ready(self) -> bool:
        """Whether the store answers."""

    async def close(self) -> None: ...
