"""Vector stores whose client library is imported by their first request."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core.ports import Hit, SearchScope, Vector, VectorChunk, VectorStore, VectorStores


class DeferredStores:
    """The stores of a Qdrant server. Its client takes half a second to import, and 60 MB."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url, self._key = url, key
        self._opening = asyncio.Lock()
        self._stores: VectorStores | None = None
        self._warming: asyncio.Task[VectorStores] | None = None

    def warm_up(self) -> None:
        """Imports the client in the background."""
        self._warming = asyncio.create_task(self.opened())

    async def opened(self) -> VectorStores:
        """The stores, opened in a thread by the first call."""
        async with self._opening:
            if self._stores is None:
                self._stores = await asyncio.to_thread(self._open)
            return self._stores

    def _open(self) -> VectorStores:
        from providers.vectors.store import QdrantStores, connect

        return QdrantStores(connect(self._url, self._key))

    def of(self, model: str, dimension: int) -> VectorStore:
        """The vector store of a model."""
        return DeferredStore(self, model, dimension)

    async def delete(
        self, company_id: UUID, document_id: UUID | None = None, *, keep: Collection[UUID] = ()
    ) -> None:
        """Deletes the chunks of a document, or of a company, from all stores, except for those in `keep`."""
        await (await self.opened()).delete(company_id, document_id, keep=keep)

    async def update_scope(self, company_id: UUID, document_id: UUID, scope: str) -> None:
        """Updates the scope of a document's chunks in all stores."""
        await (await self.opened()).update_scope(company_id, document_id, scope)

    async def drop(self, model: str, dimension: int) -> None:
        """Deletes the store of a model, if it exists."""
        await (await self.opened()).drop(model, dimension)

    async def incomplete(self) -> Mapping[str, datetime]:
        """Names of the stores that were damaged and lack chunks, with the time of detection."""
        return await (await self.opened()).incomplete()

    async def mark_complete(self, name: str) -> None:
        """Allows searches of a store whose chunks have been stored again."""
        await (await self.opened()).mark_complete(name)

    async def ready(self) -> bool:
        """Whether the server is available."""
        return await (await self.opened()).ready()

    async def close(self) -> None:
        """Closes the connections, if there were any."""
        if self._warming is not None:
            await asyncio.wait({self._warming})
        if self._stores is not None:
            await self._stores.close()


class DeferredStore:
    """The store of a model."""

    def __init__(self, stores: DeferredStores, model: str, dimension: int) -> None:
        self._stores, self._model, self._dimension = stores, model, dimension

    async def upsert(self, company_id: UUID, chunks: Sequence[VectorChunk]) -> None:
        """Inserts or replaces chunks by id."""
        await (await self._opened()).upsert(company_id, chunks)

    async def search(
        self, scope: SearchScope, *, vector: Vector | None, text: str | None, limit: int = 10
    ) -> list[Hit]:
        """Hybrid search, or semantic or lexical search; best first."""
        return await (await self._opened()).search(scope, vector=vector, text=text, limit=limit)

    async def delete(self, company_id: UUID, document_id: UUID, *, keep: Collection[UUID] = ()) -> None:
        """Deletes a document's chunks, except for those in `keep`."""
        await (await self._opened()).delete(company_id, document_id, keep=keep)

    async def count(self, company_id: UUID, document_id: UUID | None = None) -> int:
        """The number of chunks of the company, or of one of its documents."""
        return await (await self._opened()).count(company_id, document_id)

    async def _opened(self) -> VectorStore:
        return (await self._stores.opened()).of(self._model, self._dimension)
