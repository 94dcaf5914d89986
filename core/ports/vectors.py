"""Where vectors are kept and searched."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.ports.embeddings import Vector


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
class SearchScope:
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
        self, scope: SearchScope, *, vector: Vector | None, text: str | None, limit: int = 10
    ) -> list[Hit]:
        """The best chunks, best first: by meaning and by words, or by the one that is given.

        Raises `ValueError` where neither is.
        """

    async def delete(self, company_id: UUID, document_id: UUID, *, keep: Collection[UUID] = ()) -> None:
        """Remove a document's chunks, but for those to keep."""

    async def count(self, company_id: UUID, document_id: UUID | None = None) -> int:
        """How many chunks of the company, or of one of its documents, are stored."""


class VectorStores(Protocol):
    """A store for each embedding model."""

    def of(self, model: str, dimension: int) -> VectorStore:
        """The store of a model's vectors, which comes to be with its first chunk."""

    async def delete(self, company_id: UUID, document_id: UUID | None = None) -> None:
        """Remove a document's chunks, or all of a company, from every store."""

    async def update_scope(self, company_id: UUID, document_id: UUID, scope: str) -> None:
        """Change who may find a document's chunks, in every store."""

    async def drop(self, model: str, dimension: int) -> None:
        """Remove a model's store with all it holds; nothing where there is none."""

    async def ready(self) -> bool:
        """Whether the store answers."""

    async def close(self) -> None: ...
