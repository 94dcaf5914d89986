"""The rows that a factory draws up: of every kind, the same for the same seed, and true to one another."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from db import models
from db.base import TENANT
from db.ids import new_id
from db.models import Conversation, CrawlJob, Document, DocumentChunk, Image, Message, Project
from server.demo import scale
from server.demo.draft import Draft, instant
from tests import factories
from tests.factories import a_company, a_user
from tests.schema.graph import entity_tables
from tests.schema.graph.conftest import Crowd

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
COMPANY, PERSON = UUID(int=1), UUID(int=2)


def draw_rows(seed: str) -> Draft:
    """One unit of rows."""
    draft = Draft(seed, COMPANY, [PERSON], UNTIL, scale.UNIT)
    scale.fill(draft)
    return draft


def test_the_same_seed_gives_the_same_rows() -> None:
    assert draw_rows("one").rows == draw_rows("one").rows
    assert draw_rows("one").rows != draw_rows("two").rows


def test_a_unit_has_rows_of_every_kind_a_company_keeps() -> None:
    entities = {getattr(models, described.entity) for described in entity_tables.fields()}
    kept = {model for model in entities if model.plane == TENANT}

    rows = draw_rows("one").rows

    assert kept - set(rows) == {models.CompanyProfile}
    assert {model: len(found) for model, found in rows.items()} == scale.UNIT
    assert kept | {models.Upload} == {*scale.SAMPLE, *scale.COMPARISON_MODELS}


def test_counters_are_what_they_count() -> None:
    rows = draw_rows("one").rows
    messages = Counter(message["conversation_id"] for message in rows[Message])
    images = Counter(image["crawl_job_id"] for image in rows[Image])
    texts: dict[Any, list[str]] = {}
    for chunk in rows[DocumentChunk]:
        texts.setdefault(chunk["document_id"], []).append(chunk["content"])

    for conversation in rows[Conversation]:
        assert conversation["message_count"] == messages[conversation["id"]]
        assert conversation["total_tokens_used"] == sum(
            message["total_tokens"] or 0
            for message in rows[Message]
            if message["conversation_id"] == conversation["id"]
        )
    for crawl in rows[CrawlJob]:
        assert crawl["total_images"] == images[crawl["id"]]
    for document in rows[Document]:
        assert document["chunk_count"] == len(texts.get(document["id"], []))
        assert (document["extracted_text"] or "") == "\n\n".join(texts.get(document["id"], []))


def test_a_key_tells_its_instant() -> None:
    key = draw_rows("one").key(UNTIL)

    assert (key.version, key.variant) == (new_id().version, new_id().variant)
    assert instant(key) == UNTIL


async def test_a_unit_is_made_once(crowd: Crowd) -> None:
    database = crowd.services.database
    user = a_user(a_company())
    await factories.save(database, user)

    first = await scale.scale(database, user.company.id, 1)
    second = await scale.scale(database, user.company.id, 2)
    third = await scale.scale(database, user.company.id, 2)

    assert (first, second, third) == (2070, 2070, 0)
    async with database.tenant(user.company.id, read_only=True) as uow:
        assert await uow.scalar(select(func.count()).select_from(Project)) == 2 * scale.UNIT[Project]
        assert await uow.scalar(select(func.count()).select_from(Message)) == 2 * scale.UNIT[Message]


async def test_a_sample_is_made_once_with_its_files(crowd: Crowd) -> None:
    services, user = crowd.services, a_user(a_company())
    await factories.save(services.database, user)

    for _ in range(2):
        await scale.sample(services.database, services.store, user.company.id)

    async with services.database.tenant(user.company.id, read_only=True) as uow:
        documents = await uow.all(select(Document.file_path, Document.extracted_text, Document.file_size))
        conversations = await uow.scalar(select(func.count()).select_from(Conversation))
    assert conversations == scale.SAMPLE[Conversation]
    assert len(documents) == scale.SAMPLE[Document]
    for document in documents:
        stored = b"".join([chunk async for chunk in services.store.read(document.file_path)])
        assert stored.decode() == document.extracted_text
        assert len(stored) == document.file_size
