"""Documents: from an upload to what is found in it, and gone again."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.ports import VectorStore
from pipelines.knowledge.extraction.runner import SPREADSHEET, WORDPROCESSING
from schema.framework.context import Services
from server.worker import Worker
from tests.chat.pipeline import operations
from tests.chat.pipeline.conftest import PATIENCE, Person, key, somebody
from tests.factories import Fixture
from tests.knowledge.sample_kinds import price_list
from tests.knowledge.test_word import CASES

LOANS = """Bank statements of the last twelve months are needed for a self-employed borrower.

The minimum credit score of the programme is 660, and the largest loan is three million dollars.

Foreign nationals need a valid passport and two trade references."""

HARBOUR = "The harbour master of Aalmouth closes the northern lock at nine o'clock every evening."


def vector_store(services: Services) -> VectorStore:
    """The store of the embedded model's vectors."""
    return services.vectors.of(services.embedders.default.model, services.embedders.default.dimension)


async def until_empty(store: VectorStore, company_id: UUID, document_id: UUID) -> None:
    """Wait until the store has no vector of a document."""
    async with asyncio.timeout(PATIENCE):
        while await store.count(company_id, document_id):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


async def search_documents(person: Person, query: str, **filter: Any) -> list[str]:
    """The ids of the documents in which something was found."""
    answer = await person(operations.SEARCH, query=query, filter=filter)
    return [hit["chunk"]["document"]["id"] for hit in answer["documentSearch"]]


async def test_an_upload_becomes_a_document_that_can_be_searched(worker: Worker, person: Person) -> None:
    document = await person.added(LOANS, title="Guidelines")

    received = document["title"], document["mimeType"], document["errorMessage"]
    assert received == ("Guidelines", "text/plain", None)
    assert document["chunkCount"] == document["chunks"]["totalCount"] == 1
    assert document["extractedText"] == LOANS
    ended = {"jobType": "DOCUMENT_PROCESSING", "status": "COMPLETED", "progress": 100, "attempts": 1}
    assert document["job"] == ended
    (chunk,) = document["chunks"]["nodes"]
    assert (chunk["content"], chunk["vectorId"]) == (LOANS, str(key(chunk["id"])))
    assert await search_documents(person, "lowest credit score") == [document["id"]]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are kept apart")
async def test_what_a_word_document_says_is_found_wherever_it_stands(worker: Worker, person: Person) -> None:
    content = (CASES / "docx_lost_text.docx").read_bytes()
    document = await person.added(content, filename="offer.docx", kind=WORDPROCESSING)

    assert "Payment is due in thirty days" in document["chunks"]["nodes"][0]["content"]
    for query in ("compressor excluded Okapi", "delivery Narwhal", "noise Axolotl", "Quagga", "Zebra-77"):
        assert await search_documents(person, query) == [document["id"]]


async def test_what_was_not_read_is_a_warning(worker: Worker, person: Person, tmp_path: Path) -> None:
    price_list(tmp_path / "prices.xlsx")
    content = (tmp_path / "prices.xlsx").read_bytes()
    document = await person.added(content, filename="prices.xlsx", kind=SPREADSHEET)

    assert document["warnings"] == [
        "The hidden sheet Margins was not read.",
        "The hidden sheet Deep was not read.",
    ]
    assert "Margin of 40 percent" not in document["extractedText"]


async def test_worked_on_again_a_document_is_the_same(
    worker: Worker, person: Person, services: Services
) -> None:
    first = await person.added(LOANS)

    again = await person(operations.REPROCESS, id=first["id"])
    second = await person.document(first["id"])

    assert again["documentReprocess"]["document"]["processingStatus"] == "PENDING"
    assert second == first
    assert await vector_store(services).count(person.user.company.id, key(first["id"])) == 1


async def test_a_deleted_document_is_found_no_more(
    worker: Worker, person: Person, services: Services
) -> None:
    gone, kept = await person.added(LOANS), await person.added(HARBOUR)

    await person(operations.DELETE, id=gone["id"])

    assert await search_documents(person, "minimum credit score") == [kept["id"]]
    company = person.user.company.id
    await until_empty(vector_store(services), company, key(gone["id"]))
    assert await vector_store(services).count(company) == 1


async def test_a_document_is_found_by_whom_it_is_for(worker: Worker, person: Person) -> None:
    colleague = await somebody(person.graphql, person.user.company)
    stranger = await somebody(person.graphql)
    own = await person.added(LOANS)
    shared = await person.added(HARBOUR, scope="COMPANY")
    query = "minimum credit score and harbour master"

    assert set(await search_documents(person, query)) == {own["id"], shared["id"]}
    assert await search_documents(colleague, query) == [shared["id"]]
    assert await search_documents(stranger, query) == []
    assert await search_documents(person, query, documentIds=[own["id"]]) == [own["id"]]
    assert await search_documents(stranger, query, documentIds=[own["id"]]) == []


async def test_what_the_platform_publishes_is_found_by_all(
    worker: Worker, person: Person, platform: Fixture
) -> None:
    publisher = Person(platform, person.graphql.of(platform))
    published = await publisher.added("The zephyrometer of Quillan measures soft winds.", scope="GLOBAL")
    internal = await publisher.added("The zephyrometer of Quillan is broken.", scope="COMPANY")

    assert internal["id"] not in await search_documents(person, "zephyrometer of Quillan")
    assert published["id"] in await search_documents(person, "zephyrometer of Quillan")
    for document in (published, internal):  # every test's company would go on reading it
        await publisher(operations.DELETE, id=document["id"])
    assert await search_documents(person, "zephyrometer of Quillan") == []


@pytest.mark.parametrize(
    ("content", "kind", "name", "why"),
    [
        (b"\x00\x01\x02\x03" * 500, "text/plain", "binary.txt", "text"),
        (b"%PDF-1.7 damaged", "application/pdf", "damaged.pdf", "PDF"),
        (b"   \n  ", "text/plain", "blank.txt", "The file is empty."),
    ],
)
async def test_a_file_without_text_fails_with_a_reason(
    worker: Worker, person: Person, content: bytes, kind: str, name: str, why: str
) -> None:
    id = await person.add(content, filename=name, kind=kind)

    document = await person.document(id, "FAILED")

    assert why in document["errorMessage"]
    assert document["chunkCount"] == 0


async def test_requested_twice_under_one_key_one_is_added(person: Person) -> None:
    upload = await person.upload(b"text")
    values = {"uploadId": upload.gid, "idempotencyKey": "once"}

    made = [await person(operations.CREATE, input=values) for _ in range(2)]

    ids: set[UUID] = {key(each["documentCreate"]["document"]["id"]) for each in made}
    assert len(ids) == 1


async def test_a_blank_query_is_refused(person: Person) -> None:
    assert await person.graphql.refusals(operations.SEARCH, query=" ") == [("INVALID", ("query",))]
    assert await person.graphql.refusals(operations.SEARCH, query="a", first=101) == [("INVALID", ("first",))]
