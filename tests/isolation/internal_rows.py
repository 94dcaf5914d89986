"""Rows of tenant tables that have no GraphQL type, for a company that has one of everything else."""

from typing import Any

from sqlalchemy import insert

from db.base import Model
from db.database import Database
from db.ids import new_id
from db.models import (
    CachedAnswer,
    CachedVectors,
    ConversationEvent,
    ConversationEventKind,
    CrawlChunk,
    IdempotencyKey,
    ImageLabel,
    LabelSource,
    ReportEvent,
    ReportEventKind,
)
from tests.factories import Fixture


def internal_rows(rows: dict[str, list[Fixture]]) -> list[tuple[type[Model], dict[str, Any]]]:
    """Model and values of each, beside the rows of `everything`, parents first."""
    (user, *_), (crawl, *_), (image, *_), (message, *_), (report, *_) = (
        rows[name] for name in ("User", "CrawlJob", "Image", "Message", "Report")
    )
    chunk = {
        "id": new_id(),
        "crawl_job_id": crawl.id,
        "number": 1_000_000,
        "share": 10,
        "wanted": {"text": "cats"},
    }
    return [
        (CrawlChunk, chunk),
        (
            ImageLabel,
            {"image_id": image.id, "crawl_job_id": crawl.id, "name": "cat", "source": LabelSource.PERSON},
        ),
        (
            ConversationEvent,
            {
                "conversation_id": message.conversation_id,
                "message_id": message.id,
                "sequence": 1,
                "kind": next(iter(ConversationEventKind)),
            },
        ),
        (ReportEvent, {"report_id": report.id, "sequence": 1, "kind": next(iter(ReportEventKind))}),
        (CachedAnswer, {"key": "0" * 64, "user_id": user.id, "message": {"content": "x"}, "citations": []}),
        (CachedVectors, {"fingerprint": b"fingerprint", "vectors": b"vectors"}),
        (
            IdempotencyKey,
            {
                "user_id": user.id,
                "operation": "projectCreate",
                "key": "a key of the victim",
                "fingerprint": b"fingerprint",
                "result": {"id": str(rows["Project"][0].id)},
            },
        ),
    ]


async def store_internal_rows(database: Database, rows: dict[str, list[Fixture]]) -> None:
    """Store them for the company of `everything`."""
    company = rows["Company"][0]
    async with database.tenant(company.id, kind="platform") as uow:
        for model, values in internal_rows(rows):
            await uow.execute(insert(model).values(values))
