"""Documents whose processing fails: nothing of them is left behind."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from core.errors import Conflict
from core.ports import VectorStores
from db.models import Document, JobStatus, ProcessingJob, ProcessingStatus
from resolvers.knowledge import processing
from schema.framework.context import Services
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import Person, a_worker, key
from tests.chat.pipeline.test_documents import HARBOUR, LOANS, until_empty, vector_store


class FullIndex:
    """Stores of vectors that keep what they are given, and then refuse it."""

    def __init__(self, stores: VectorStores) -> None:
        self._stores = stores

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stores, name)

    def of(self, model: str, dimension: int) -> Any:
        store = self._stores.of(model, dimension)

        class Refusing:
            async def upsert(self, *arguments: Any) -> None:
                await store.upsert(*arguments)
                raise Conflict("The index is full.")

        return Refusing()


@pytest.mark.usefixtures("stored_vectors")
async def test_a_document_that_fails_leaves_no_chunks_and_no_vectors(
    services: Services, person: Person
) -> None:
    full: Any = FullIndex(services.vectors)
    company, store = person.user.company.id, vector_store(services)
    async with a_worker(replace(services, vectors=full)):
        id = await person.add(LOANS)
        failed = await person.document(id, "FAILED")
        await until_empty(store, company, key(id))

    counts = failed["errorMessage"], failed["chunkCount"], failed["chunks"]["totalCount"]
    assert counts == ("The index is full.", 0, 0)

    async with a_worker(services):
        await person(operations.REPROCESS, id=id)
        document = await person.document(id)
    assert document["chunks"]["totalCount"] == 1
    assert await store.count(company, key(id)) == 1


@pytest.mark.usefixtures("stored_vectors")
async def test_chunks_of_failed_documents_are_purged(services: Services, person: Person) -> None:
    company, store = person.user.company.id, vector_store(services)
    async with a_worker(services):
        left, kept = await person.added(LOANS), await person.added(HARBOUR)
        async with services.database.tenant(company) as uow:
            failed = {
                "processing_status": ProcessingStatus.FAILED,
                "error_message": "It broke.",
                "processed_at": None,
            }
            await uow.execute(update(Document).where(Document.id == key(left["id"])).values(failed))
            gone = {"status": JobStatus.FAILED, "error_message": "It broke."}
            await uow.execute(update(ProcessingJob).where(ProcessingJob.id == key(left["id"])).values(gone))

        async with services.database.tenant(company) as uow:
            assert await processing.purge_orphan_chunks(uow) == 1
        await until_empty(store, company, key(left["id"]))

    document = await person.document(left["id"], "FAILED")
    assert (document["chunkCount"], document["chunks"]["totalCount"]) == (0, 0)
    assert await store.count(company) == 1
    assert (await person.document(kept["id"])) == kept
