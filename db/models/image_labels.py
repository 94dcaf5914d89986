"""Labels of images."""

from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy.orm import Mapped

from db.base import Instant, Str100, TenantKey, TenantModel, enum_column, tenant_foreign_key, tenant_index


class LabelSource(Enum):
    """Where a label of an image comes from."""

    KEYWORD = "keyword"
    """The keyword that found the image."""
    FOLDER = "folder"
    """The folder in the URL of the image."""
    CAPTION = "caption"
    """A rule for the caption of the image."""
    PERSON = "person"
    """A person."""


class ImageLabel(TenantKey, TenantModel):
    """A label of an image, once per name. `crawl_job_id` is that of the image."""

    __tablename__ = "image_labels"
    __table_args__ = (
        tenant_foreign_key("images", "image_id"),
        tenant_foreign_key("crawl_jobs", "crawl_job_id"),
        tenant_index("image_id", "name", unique=True),
        tenant_index("name", "image_id"),
        tenant_index("crawl_job_id", "name", "image_id"),
    )

    image_id: Mapped[UUID]
    crawl_job_id: Mapped[UUID]
    name: Mapped[Str100]
    source: Mapped[LabelSource] = enum_column(LabelSource)
    created_at: Mapped[Instant]
