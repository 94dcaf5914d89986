"""How crawls go about their work: chunks, the addresses that they look at, turns at other people's hosts."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import Owned, PlatformModel, Str50, TenantModel, enumerated, indexed, owned_by
from db.models.jobs import Job


class CrawlChunk(Owned, Job, TenantModel):
    """A piece of a crawl, the `number`-th: at most `share` images, asked for as `wanted` says."""

    __tablename__ = "crawl_chunks"

    crawl_job_id: Mapped[UUID]
    number: Mapped[int]
    share: Mapped[int]
    wanted: Mapped[dict[str, Any]]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *Job.__table_args__,
            owned_by("crawl_jobs", "crawl_job_id"),
            sa.CheckConstraint("share BETWEEN 1 AND 500", name="share"),
            indexed("crawl_job_id", "number", unique=True),
            indexed("crawl_job_id", "status"),
            indexed("number", "id", where="status = 'pending'"),
        )


class CandidateState(Enum):
    """What became of an address that a source named."""

    FOUND = "found"
    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    LEFT = "left"


class CrawlCandidate(Owned, TenantModel):
    """An address that may be an image, once per crawl: `url_key` stands for it.

    `code` and `message` say why it was refused. What the crawl had no room for is left.
    """

    __tablename__ = "crawl_candidates"
    __table_args__ = (
        owned_by("crawl_jobs", "crawl_job_id"),
        owned_by("crawl_chunks", "chunk_id"),
        sa.CheckConstraint("(state = 'refused') = (code IS NOT NULL)", name="reason"),
        indexed("crawl_job_id", "url_key", unique=True),
        indexed("chunk_id", "state", "id"),
        indexed("crawl_job_id", "code", where="state = 'refused'"),
    )

    crawl_job_id: Mapped[UUID]
    chunk_id: Mapped[UUID]
    url: Mapped[str]
    url_key: Mapped[UUID]
    page_url: Mapped[str | None]
    licence: Mapped[str | None]
    attribution: Mapped[str | None]
    caption: Mapped[str | None]
    state: Mapped[CandidateState] = enumerated(CandidateState, CandidateState.FOUND)
    code: Mapped[Str50 | None]
    message: Mapped[str | None]


class HostTurn(PlatformModel):
    """When the next request to a host (`name:port`) may be sent, whichever worker sends it."""

    __tablename__ = "host_turns"

    host: Mapped[str] = mapped_column(primary_key=True)
    free_at: Mapped[datetime]
