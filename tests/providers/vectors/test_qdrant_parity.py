"""The same calls on another implementation of Qdrant's semantics: the client's own, in memory."""

import random
import warnings
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from qdrant_client import AsyncQdrantClient

from core.ports import Hit, SearchScope, VectorStore
from providers.vectors.store import QdrantStores
from tests.providers.vectors.conftest import a_chunk

WORDS = [f"word{number}" for number in range(60)]


@pytest_asyncio.fixture
async def elsewhere() -> AsyncIterator[VectorStore]:
    client = AsyncQdrantClient(":memory:")
    stores = QdrantStores(client)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local Qdrant")
        yield stores.of("elsewhere", 3)
    await stores.close()


@pytest.mark.parametrize("by", ["vector", "text", "both"])
async def test_the_order_and_the_scores_are_the_same(
    store: VectorStore, elsewhere: VectorStore, by: str
) -> None:
    draw = random.Random(7)
    companies, users = [uuid4() for _ in range(3)], [uuid4() for _ in range(2)]

    def direction() -> list[float]:
        return [draw.gauss(0, 1) for _ in range(3)]

    for position, company in enumerate(companies):
        chunks = [
            a_chunk(
                " ".join(draw.choices(WORDS, range(1, 61), k=length)),
                *(direction() for _ in range(draw.randint(1, 3))),
                user=draw.choice(users),
                scope=draw.choice(["user", "company", "global"]),
            )
            # no two of a length, in whichever company: equal scores would come in any order
            for length in range(5 + position, 125 + position, len(companies))
        ]
        for each in (store, elsewhere):
            await each.upsert(company, chunks)

    for _ in range(10):
        reach = SearchScope(companies[0], draw.choice([None, *users]), draw.choice([None, companies[1]]))
        vector = direction() if by != "text" else None
        text = " ".join(draw.sample(WORDS, 4)) if by != "vector" else None
        ours, theirs = [
            await each.search(reach, vector=vector, text=text, limit=20) for each in (store, elsewhere)
        ]
        assert [comparable(hit) for hit in ours] == [comparable(hit) for hit in theirs]
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], rel=1e-5)
        assert [hit.similarity or 0 for hit in ours] == pytest.approx(
            [hit.similarity or 0 for hit in theirs],
            rel=0,
            abs=1e-6,  # of a cosine, which may be anywhere near zero
        )
        assert len(ours) > 3


def comparable(hit: Hit) -> tuple[object, ...]:
    return hit.chunk_id, hit.document_id, hit.company_id, hit.similarity is None
