"""A vector store of the session's own, and chunks to put into it."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from core.ports import VectorChunk, VectorStore, VectorStores
from core.settings import Settings
from providers.vectors import vector_stores
from server.embedded.vectors import vectors_of

NORTH, EAST, UP = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


def a_chunk(
    text: str = "a text",
    *vectors: list[float],
    document: UUID | None = None,
    user: UUID | None = None,
    scope: str = "company",
) -> VectorChunk:
    """A chunk of a new document, pointing north unless told otherwise."""
    return VectorChunk(uuid4(), document or uuid4(), user, scope, text, vectors or [NORTH])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VectorStores]:
    """The embedded store's; one process for the whole session."""
    async with vectors_of(Settings(data=tmp_path_factory.mktemp("vectors"))) as settings:
        opened = vector_stores(settings)
        yield opened
        await opened.close()


@pytest.fixture
def store(stores: VectorStores) -> VectorStore:
    """A store of vectors of three numbers that is the test's own."""
    return stores.of(f"test {uuid4()}", 3)


def ids(chunks: Sequence[VectorChunk]) -> list[UUID]:
    return [chunk.id for chunk in chunks]
