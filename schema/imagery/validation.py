"""Checks of images, as clients see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from resolvers.imagery import validation
from schema.context import Info
from schema.declare import node, output
from schema.fields import relation
from schema.ids import key_of
from schema.jobs import Job
from schema.operations import Payload, computed, mutation
from schema.refs import CrawlJobRef, UserRef


@output
class ValidationRules:
    """What an image must be; a rule that is null asks nothing."""

    min_width: int | None
    """In pixels."""

    min_height: int | None
    """In pixels."""

    formats: list[str] | None
    """The formats that pass, such as `png`; a dozen at most."""

    max_size_mb: float | None
    """Of the file, in megabytes."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ValidationRules:
        """From the form that is stored."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@node(models.ValidationJob)
class ValidationJob(Job):
    """A check of a crawl's images against rules."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.ValidationJob.crawl_job)
    """Whose images are checked."""

    requested_by: UserRef | None = relation(models.ValidationJob.requested_by)
    """Who asked for it."""

    name: str
    """What people call it."""

    total_images: int
    """How many there are to look at."""

    validated_images: int
    """How many were looked at so far."""

    invalid_images: int
    """How many of those did not pass."""

    validation_rules: ValidationRules = computed(
        lambda job: ValidationRules.of(job.validation_rules), needs=("validation_rules",)
    )
    """What an image must be."""

    updated_at: datetime
    """When anything of this last changed."""


@output
class ValidationJobDeletePayload(Payload):
    """What `validationJobDelete` answers."""

    deleted_id: relay.GlobalID | None = None
    """The id of what is gone."""


@output
class ValidationMutations:
    @mutation
    async def validation_job_delete(self, info: Info, id: relay.GlobalID) -> ValidationJobDeletePayload:
        """Delete a check that is not under way; what it said of the images stays on them."""
        async with info.context.write() as uow:
            await validation.remove(uow, info.context.viewer, key_of(id, models.ValidationJob))
        return ValidationJobDeletePayload.of(deleted_id=id)
