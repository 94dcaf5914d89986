"""Sort orders and filters of the imagery domain."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased
from strawberry import relay

from core.ports import SourceKind
from db import models
from db.models import DatasetSplit, ExportFormat, JobStatus, ReviewState
from db.pagination import Order
from resolvers import validators
from resolvers.imagery.image_labels import MAX_LABEL_LENGTH
from schema.framework.decorators import enumeration, input
from schema.framework.global_ids import key_of

enumeration(DatasetSplit)
enumeration(ExportFormat)
enumeration(SourceKind)
enumeration(ReviewState)


@enumeration
class CrawlJobOrder(Enum):
    """Sort orders of crawls."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class ImageOrder(Enum):
    """Sort orders of images."""

    ID_ASC = Order("id")
    ID_DESC = Order("id", descending=True)


@enumeration
class ImageState(Enum):
    """State of an image."""

    ACTIVE = "active"
    """The image is a part of the data set."""
    QUARANTINED = "quarantined"
    """The image is set aside and not exported."""


@enumeration
class ValidationJobOrder(Enum):
    """Sort orders of image validations."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class ExportJobOrder(Enum):
    """Sort orders of image exports."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class DatasetOrder(Enum):
    """Sort orders of data sets."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class DatasetVersionOrder(Enum):
    """Sort orders of the versions of a data set."""

    NUMBER_DESC = Order("number", descending=True)
    NUMBER_ASC = Order("number")


@enumeration
class DatasetImageOrder(Enum):
    """Sort orders of the images of a data set version."""

    POSITION_ASC = Order("position")
    POSITION_DESC = Order("position", descending=True)


@input
class DatasetImageFilter:
    """Conditions for listing the images of a data set version."""

    split: DatasetSplit | None = None
    """Matches images of this split."""

    def where(self, image: Any) -> list[ColumnElement[bool]]:
        return [image.split == self.split] if self.split else []


def of_crawl(id: relay.GlobalID | None, row: Any) -> list[ColumnElement[bool]]:
    """The condition that a row belongs to a crawl, if one is given."""
    return [row.crawl_job_id == key_of(id, models.CrawlJob, "filter", "crawlJobId")] if id else []


def has_label(image: Any, name: str) -> ColumnElement[bool]:
    """The condition that an image has a label."""
    label = aliased(models.ImageLabel)
    same = label.image_id == image.id, label.crawl_job_id == image.crawl_job_id
    return select(label.id).where(*same, label.name == name).exists()


@input
class CrawlJobFilter:
    """Conditions for listing crawls."""

    project_id: relay.GlobalID | None = None
    """Matches items of this project."""

    status: JobStatus | None = None
    """Matches items in this state."""

    def where(self, crawl: Any) -> list[ColumnElement[bool]]:
        found = [crawl.status == self.status] if self.status else []
        if self.project_id:
            found.append(crawl.project_id == key_of(self.project_id, models.Project, "filter", "projectId"))
        return found


@input
class ImageFilter:
    """Conditions for listing images."""

    crawl_job_id: relay.GlobalID | None = None
    """Matches items of this crawl."""

    is_valid: bool | None = None
    """If true, matches images that passed the last validation. If false, matches images that failed it."""

    duplicate_group: relay.GlobalID | None = None
    """Matches the images of this group of near duplicates."""

    label: str | None = None
    """Matches images with this label."""

    review: ReviewState | None = None
    """Matches images of which people think so."""

    best: bool | None = None
    """If true, matches the best image of each group of near duplicates. If false, matches all others."""

    state: ImageState | None = None
    """Matches images in this state. Default ACTIVE."""

    def where(self, image: Any, *, state: ImageState | None = None) -> list[ColumnElement[bool]]:
        """The conditions; a `state` replaces that of the filter."""
        quarantined = (state or self.state) is ImageState.QUARANTINED
        found = [*of_crawl(self.crawl_job_id, image), image.quarantined == quarantined]
        if self.duplicate_group:
            group = key_of(self.duplicate_group, models.Image, "filter", "duplicateGroup")
            found.append(image.duplicate_group == group)
        if self.is_valid is not None:
            found.append(image.is_valid == self.is_valid)
        if self.label is not None:
            name = validators.text(self.label, "filter", "label", limit=MAX_LABEL_LENGTH)
            found.append(has_label(image, name))
        if self.review is not None:
            found.append(image.review == self.review)
        if self.best is not None:
            is_best = image.duplicate_group == image.id
            found.append(is_best if self.best else is_best.is_not(True))
        return found


@input
class ValidationFindingFilter:
    """Conditions for listing findings of a validation."""

    rule: str | None = None
    """Matches findings with this code."""

    quarantines: bool | None = None
    """If true, matches findings that move their image to the quarantine. If false, matches all others."""

    def where(self, finding: Any) -> list[ColumnElement[bool]]:
        found = [finding.rule == self.rule] if self.rule is not None else []
        return found + ([finding.quarantines == self.quarantines] if self.quarantines is not None else [])


@input
class ValidationJobFilter:
    """Conditions for listing validations."""

    crawl_job_id: relay.GlobalID | None = None
    """Matches items of this crawl."""

    status: JobStatus | None = None
    """Matches items in this state."""

    def where(self, job: Any) -> list[ColumnElement[bool]]:
        return of_crawl(self.crawl_job_id, job) + ([job.status == self.status] if self.status else [])


@input
class ExportJobFilter:
    """Conditions for listing exports."""

    crawl_job_id: relay.GlobalID | None = None
    """Matches items of this crawl."""

    user_id: relay.GlobalID | None = None
    """Matches items requested by this user."""

    status: JobStatus | None = None
    """Matches items in this state."""

    def where(self, job: Any) -> list[ColumnElement[bool]]:
        found = of_crawl(self.crawl_job_id, job) + ([job.status == self.status] if self.status else [])
        if self.user_id:
            found.append(job.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found
