"""Findings of validations about images."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Mapped

from db.base import (
    Flag,
    Instant,
    Str50,
    TenantKey,
    TenantModel,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.models.imagery import Image, ValidationJob


class ValidationFinding(TenantKey, TenantModel):
    """A rule of a validation that an image does not meet, once per rule.

    `quarantines` tells whether the rule moves the image to the quarantine; `best_image_id` is the better
    image of duplicates.
    """

    __tablename__ = "validation_findings"
    __table_args__ = (
        tenant_foreign_key("validation_jobs", "validation_job_id"),
        tenant_foreign_key("images", "image_id"),
        tenant_foreign_key("images", "best_image_id", "SET NULL"),
        tenant_index("validation_job_id", "image_id", "rule", unique=True),
        tenant_index("validation_job_id", "id"),
        tenant_index("validation_job_id", "rule", "id"),
        tenant_index("validation_job_id", "quarantines", "id"),
        tenant_index("image_id"),
        tenant_index("best_image_id"),
    )

    validation_job_id: Mapped[UUID]
    image_id: Mapped[UUID]
    rule: Mapped[Str50]
    best_image_id: Mapped[UUID | None]
    quarantines: Mapped[Flag]
    file_size: Mapped[int | None]
    created_at: Mapped[Instant]

    validation_job: Mapped[ValidationJob] = view_relationship(
        "foreign(ValidationFinding.validation_job_id) == ValidationJob.id"
    )
    image: Mapped[Image] = view_relationship("foreign(ValidationFinding.image_id) == Image.id")
    best_image: Mapped[Image | None] = view_relationship(
        "foreign(ValidationFinding.best_image_id) == Image.id"
    )
