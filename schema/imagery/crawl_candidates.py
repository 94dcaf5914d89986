"""Addresses that a crawl has seen, and its outcome."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import CandidateKind, CandidateState
from db.pagination import Order
from resolvers.imagery.crawl_outcomes import CrawlOutcome as Outcome
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import relation
from schema.imagery.filters import of_crawl
from schema.lazy_types import CrawlJobRef, ImageRef

enumeration(CandidateKind)
enumeration(CandidateState)


@enumeration
class CrawlCandidateOrder(Enum):
    """Sort orders of the addresses of a crawl."""

    ID_ASC = Order("id")
    ID_DESC = Order("id", descending=True)


@input
class CrawlCandidateFilter:
    """Conditions for listing the addresses of a crawl."""

    crawl_job_id: relay.GlobalID | None = None
    """Matches addresses that this crawl has seen."""

    state: CandidateState | None = None
    """Matches addresses in this state."""

    code: str | None = None
    """Matches addresses that were refused, bounded or postponed with this code."""

    def where(self, candidate: Any) -> list[ColumnElement[bool]]:
        found = of_crawl(self.crawl_job_id, candidate)
        found += [candidate.state == self.state] if self.state else []
        return found + ([candidate.code == self.code] if self.code is not None else [])


@node(models.CrawlCandidate)
class CrawlCandidate(relay.Node):
    """An address that a crawl has seen, and what became of it."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.CrawlCandidate.crawl_job)
    """Crawl that has seen the address."""

    url: str
    """The address."""

    page_url: str | None
    """URL of the page that shows or links to it, if the source provides it."""

    kind: CandidateKind
    """Whether an image or a page is expected there. Pages are listed only if they were not read."""

    state: CandidateState
    """What became of the address."""

    code: str | None
    """Error code, or the limit that left the address out."""

    message: str | None
    """Human-readable reason."""

    attempts: int
    """Number of requests that were sent for it, without immediate retries."""

    retry_at: datetime | None
    """Time of the next request, if the address waits for its server."""

    image: ImageRef | None = relation(models.CrawlCandidate.image)
    """The stored image, or that of which the content is a duplicate. Null if it was deleted."""


@output
class CrawlOutcome:
    """What became of all image addresses that a crawl has seen: `seen` is the sum of all other numbers but
    those of pages.
    """

    seen: int
    """Number of image addresses that the sources gave."""

    stored: int
    """Number of addresses whose image was stored."""

    duplicates: int
    """Number of addresses with the same content as another image of the crawl."""

    refused: int
    """Number of addresses that gave no image."""

    bounded: int
    """Number of addresses that a limit of the crawl left out."""

    waiting: int
    """Number of addresses that are still to be requested. 0 if the crawl has completed or failed."""

    refused_pages: int
    """Number of pages, sitemaps, feeds and style sheets that could not be read."""

    bounded_pages: int
    """Number of pages and style sheets that a limit of the crawl left out. At most 1,000 are counted per
    source.
    """

    @classmethod
    def of(cls, outcome: Outcome) -> CrawlOutcome:
        """Build it from its counts."""
        return cls(**vars(outcome))


@output
class CrawlWarning:
    """Something that is missing from a crawl although it has not failed."""

    code: str
    """Code of the limit, or `SOURCE_FAILED`, `UNREADABLE` or `NOTHING_FOUND`."""

    message: str
    """Human-readable message."""

    setting: str | None
    """Field of the crawl or of its source to raise, if that helps."""

    count: int
    """Number of addresses. 0 if it is not known."""

    url: str | None
    """Example URL."""
