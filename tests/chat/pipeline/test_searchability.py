"""Documents are searched whole, at every moment: while they are processed again, and beside what is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from core.errors import Conflict
from core.ports import VectorChunk, VectorStores
from db.ids import new_id
from schema.framework.context import Services
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, a_worker, key
from tests.chat.pipeline.test_documents import vector_store

QUESTION = "When does the harbour master close the lock?"
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { errors { code message path } } }"
JOB = "query ($id: ID!) { document(id: $id) { job { id } } }"


def rules(name: str, sentences: int = 1) -> str:
    """A text of several paragraphs."""
    return "\n\n".join(
        f"The harbour master of {name} closes lock {number} at nine o'clock every evening, unless the tide "
        f"is late, and writes down who has passed lock {number} before it was closed."
        for number in range(1, sentences + 1)
    )


class Index:
    """Stores of vectors that keep what they are given, and then fail, or never return."""

    def __init__(self, stores: VectorStores, *, fails: bool) -> None:
        self._stores, self._fails = stores, fails
        self.stored = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stores, name)

    def of(self, model: str, dimension: int) -> Any:
        store, outer = self._stores.of(model, dimension), self

        class Interrupted:
            async def upsert(self, *arguments: Any) -> None:
                await store.upsert(*arguments)
                outer.stored.set()
                if outer._fails:
                    raise Conflict("The index is full.")
                await asyncio.Event().wait()

        return Interrupted()


async def find_documents(person: Person, first: int = 50) -> list[str]:
    """The documents of the hits."""
    answer = await person(operations.SEARCH, query=QUESTION, first=first)
    return [hit["chunk"]["document"]["id"] for hit in answer["documentSearch"]]


@asynccontextmanager
async def search_again_and_again(person: Person, always: set[str]) -> AsyncIterator[list[int]]:
    """Searches again and again; each search has to find these documents. Yields the numbers of hits."""
    counts: list[int] = []
    is_over = asyncio.Event()

    async def search() -> None:
        while not is_over.is_set():
            hits = await find_documents(person)
            assert always <= set(hits)
            counts.append(len(hits))

    task = asyncio.create_task(search())
    try:
        yield counts
    finally:
        is_over.set()
        await task


@pytest.mark.usefixtures("stored_vectors")
async def test_vectors_without_chunks_hide_nothing(services: Services, person: Person) -> None:
    async with a_worker(services):
        documents = [await person.added(rules(f"Aalmouth {number}"), scope="COMPANY") for number in range(6)]
    [vector] = await services.embedders.default.embed([QUESTION], "query")
    left = [
        VectorChunk(new_id(), key(documents[0]["id"]), person.user.id, "company", QUESTION, [vector])
        for _ in range(300)
    ]
    await vector_store(services).upsert(person.user.company.id, left)

    assert set(await find_documents(person, first=6)) == {document["id"] for document in documents}
    assert len(await find_documents(person, first=4)) == 4
    assert len(await find_documents(person, first=50)) == 6


@pytest.mark.usefixtures("stored_vectors")
async def test_documents_are_searched_while_they_are_processed_again(
    services: Services, person: Person
) -> None:
    company, store = person.user.company.id, vector_store(services)
    async with a_worker(services):
        documents = [await person.added(rules(f"Aalmouth {number}", 12)) for number in range(3)]
    ids = [document["id"] for document in documents]
    before = await find_documents(person)

    async with search_again_and_again(person, set(ids)) as counts:
        failing: Any = Index(services.vectors, fails=True)
        async with a_worker(replace(services, vectors=failing), chunk_tokens=64, chunk_overlap=0):
            await person(operations.REPROCESS, id=ids[0])
            await person.document(ids[0], "FAILED")
        endless: Any = Index(services.vectors, fails=False)
        async with a_worker(replace(services, vectors=endless), chunk_tokens=64, chunk_overlap=0):
            await person(operations.REPROCESS, id=ids[1])
            async with asyncio.timeout(PATIENCE):
                await endless.stored.wait()
            job = (await person(JOB, id=ids[1]))["document"]["job"]["id"]
            assert (await person(CANCEL, id=job))["jobCancel"]["errors"] == []
            await person.document(ids[1], "FAILED")
        assert min(counts) >= len(before)
        async with a_worker(services, chunk_tokens=64, chunk_overlap=0):
            await person(operations.REPROCESS, id=ids[2])
            again = await person.document(ids[2])
            async with asyncio.timeout(PATIENCE):
                while await store.count(company, key(ids[2])) != again["chunkCount"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    assert min(counts) >= len(before)
    assert again["chunkCount"] > documents[2]["chunkCount"]
    assert again["chunks"]["totalCount"] == again["chunkCount"]
    assert [(await person.document(id, "FAILED"))["chunks"]["totalCount"] for id in ids[:2]] == [
        document["chunkCount"] for document in documents[:2]
    ]


@pytest.mark.usefixtures("stored_vectors")
async def test_what_is_left_of_a_document_is_forgotten_although_the_worker_ended(
    services: Services, person: Person
) -> None:
    company, store = person.user.company.id, vector_store(services)
    async with a_worker(services, queues=("documents",)):
        document = await person.added(rules("Aalmouth", 12))
    async with a_worker(services, queues=("documents",), chunk_tokens=64, chunk_overlap=0):
        await person(operations.REPROCESS, id=document["id"])
        again = await person.document(document["id"])

    assert await store.count(company) > again["chunkCount"]
    assert len(await find_documents(person)) == min(50, again["chunkCount"])
    async with a_worker(services, queues=("upkeep",)), asyncio.timeout(PATIENCE):
        while await store.count(company) != again["chunkCount"]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("stored_vectors")
async def test_chunks_with_the_same_text_keep_their_ids(services: Services, person: Person) -> None:
    chunks = "query ($id: ID!) { document(id: $id) { chunks { nodes { id chunkIndex content } } } }"
    async with a_worker(services):
        document = await person.added(rules("Aalmouth", 12))
        before = await person(chunks, id=document["id"])
        await person(operations.REPROCESS, id=document["id"])
        await person.document(document["id"])

    assert await person(chunks, id=document["id"]) == before
