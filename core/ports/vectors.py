"""Vector storage and search."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.errors import OperatorError
from core.ports.embeddings import Vector


@dataclass(frozen=True)
class VectorChunk:
    """A chunk of a document, found by its best vector and by the words of `text`.

    `scope` is `user`, `company` or `global`; `user_id` is the uploader of the document.
    """

    id: UUID
    document_id: UUID
    user_id: UUID | None
    scope: str
    text: str
    vectors: Sequence[Vector]


@dataclass(frozen=True)
class SearchScope:
    """The chunks that a search can find: those of a company that the user may read, and published ones.

    Without `user_id`, those of all users. `platform_id` is the company whose `global` documents are
    published. `document_ids` restricts the search to these documents.
    """

    company_id: UUID
    user_id: UUID | None = None
    platform_id: UUID | None = None
    document_ids: frozenset[UUID] | None = None


@dataclass(frozen=True)
class Hit:
    """A chunk that matches a search. Scores of different searches are not comparable.

    `similarity` is the cosine similarity to the chunk's nearest vector; None in a lexical search.
    """

    chunk_id: UUID
    document_id: UUID
    company_id: UUID
    score: float
    similarity: float | None


class VectorsUnavailable(OperatorError):
    """The vector store is unavailable. A transient error."""


class VectorStore(Protocol):
    """The chunks of all companies for one embedding model, isolated by company.

    All methods raise `VectorsUnavailable`.
    """

    async def upsert(self, company_id: UUID, chunks: Sequence[VectorChunk]) -> None:
        """Inserts or replaces chunks by id. They are searchable on return."""

    async def search(
        self, scope: SearchScope, *, vector: Vector | None, text: str | None, limit: int = 10
    ) -> list[Hit]:
        """Hybrid search with `vector` and `text`, or semantic or lexical search with one of them; best first.

        Raises `ValueError` without either.
        """

    async def delete(self, company_id: UUID, document_id: UUID, *, keep: Collection[UUID] = ()) -> None:
        """Deletes a document's chunks, except for those in `keep`."""

    async def count(self, company_id: UUID, document_id: UUID | None = None) -> int:
        """The number of chunks of the company, or of one of its documents."""


class VectorStores(Protocol):
    """Vector stores by embedding model."""

    def of(self, model: str, dimension: int) -> VectorStore:
        """The store of a model, created with its first chunk."""

    async def delete(
        self, company_id: UUID, document_id: UUID | None = None, *, keep: Collection[UUID] = ()
    ) -> None:
        """Deletes a document's chunks, or all of a company, from all stores, except for those in `keep`."""

    async def update_scope(self, company_id: UUID, document_id: UUID, scope: str) -> None:
        """Updates the scope of a document's chunks in all stores."""

    async def drop(self, model: str, dimension: int) -> None:
        """Deletes the store of a model, if it exists."""

    async def incomplete(self) -> Mapping[str, datetime]:
        """Names of the stores that were damaged and lack chunks, with the time of detection.

        Searches of them raise `VectorsUnavailable` until `mark_complete`.
        """

    async def mark_complete(self, name: str) -> None:
        """Allows searches of a store whose chunks have been stored again."""

    async def ready(self) -> bool:
        """Whether the service is available."""

    async def close(self) -> None: ...
