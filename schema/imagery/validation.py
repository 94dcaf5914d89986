"""Checks of images, as clients see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from resolvers.imagery import validation
from resolvers.imagery.validation import DuplicateAction, ValidationPreset
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, computed, mutation
from schema.jobs import Job
from schema.lazy_types import CrawlJobRef, UserRef

enumeration(DuplicateAction)
enumeration(ValidationPreset)


@output
class ValidationRules:
    """What an image must be; a rule that is null asks nothing. Every image must open."""

    preset: ValidationPreset | None
    """The rules that the others were added to."""

    min_width: int | None
    """In pixels, as the image is shown."""

    min_height: int | None
    """In pixels, as the image is shown."""

    formats: list[str] | None
    """The formats that pass, such as `png`; a dozen at most."""

    max_size_mb: float | None
    """Of the file, in megabytes of 1024² bytes."""

    min_bytes: int | None
    """Of the file."""

    duplicates: DuplicateAction | None
    """What becomes of images that show what another one shows; null where they are not looked for."""

    duplicate_distance: int | None
    """In how many of 64 bits the perceptual hashes of one picture may differ; 8 where null."""

    refuse_blank: bool | None
    """Whether images of one colour are refused."""

    min_sharpness: float | None
    """The variance of the Laplacian at 512 pixels: below 100 pictures look blurred."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ValidationRules:
        """Build it from its stored JSON."""
        known = {name: stored.get(name) for name in cls.__annotations__}
        preset, action = known["preset"], known["duplicates"]
        return cls(
            **known
            | {
                "preset": ValidationPreset(preset) if preset else None,
                "duplicates": DuplicateAction(action) if action else None,
            }
        )


@input
class ValidationRulesInput:
    """What an image must be; what is left out is the preset's, or asks nothing. Every image must open."""

    preset: ValidationPreset | None = None
    """BASIC asks nothing more. STANDARD: known formats, 1 kB to 10 MB, duplicates reported. LENIENT: 25 by 25
    pixels, 512 bytes, duplicates reported. STRICT: known formats, 100 by 100 pixels, 2 kB to 10 MB,
    duplicates removed.
    """

    min_width: int | None = None
    """In pixels, as the image is shown: 1 to 100,000."""

    min_height: int | None = None
    """In pixels, as the image is shown: 1 to 100,000."""

    formats: list[str] | None = None
    """The formats that pass, of `jpg`, `png`, `gif`, `bmp`, `webp` and `tiff`."""

    max_size_mb: float | None = None
    """Of the file, in megabytes of 1024² bytes, up to 1,000."""

    min_bytes: int | None = None
    """Of the file."""

    duplicates: DuplicateAction | None = None
    """What becomes of images that show what another one shows. The largest that passes is kept."""

    duplicate_distance: int | None = None
    """In how many of 64 bits the perceptual hashes of one picture may differ: 8 unless told, at most 16."""

    refuse_blank: bool | None = None
    """Whether images of one colour are refused."""

    min_sharpness: float | None = None
    """The variance of the Laplacian at 512 pixels: below 100 pictures look blurred."""


@node(models.ValidationJob)
class ValidationJob(Job):
    """A check of a crawl's images against rules."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.ValidationJob.crawl_job)
    """Whose images are checked."""

    requested_by: UserRef | None = relation(models.ValidationJob.requested_by)
    """User who requested it."""

    name: str
    """Display name."""

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
    """Time of the last change."""


@input
class ValidationJobCreateInput(IdempotentInput):
    """A check of a crawl's images."""

    crawl_job_id: relay.GlobalID
    """Whose images are checked; it is not under way."""

    name: str
    """What people call it, in at most 100 characters."""

    rules: ValidationRulesInput | None = None
    """What an image must be; left out, it must open."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class ValidationJobCreatePayload(Payload):
    validation_job: ValidationJob | None = None
    """The new check."""


@output
class ValidationJobDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ValidationMutations:
    @mutation(idempotent=True)
    async def validation_job_create(
        self, info: Info, input: ValidationJobCreateInput
    ) -> ValidationJobCreatePayload:
        """Check every image of a crawl: each gets a verdict with its reasons; duplicates are dealt with."""
        viewer = info.context.viewer
        crawl = key_of(input.crawl_job_id, models.CrawlJob, "input", "crawlJobId")
        rules = vars(input.rules) if input.rules else {}
        async with info.context.write() as uow:
            job = await validation.create(uow, viewer, crawl, name=input.name, rules=rules, start=input.start)
        return ValidationJobCreatePayload.of(validation_job=job)

    @mutation
    async def validation_job_delete(self, info: Info, id: relay.GlobalID) -> ValidationJobDeletePayload:
        """Delete a check that is not under way; what it said of the images stays on them."""
        async with info.context.write() as uow:
            await validation.delete(uow, info.context.viewer, key_of(id, models.ValidationJob))
        return ValidationJobDeletePayload.of(deleted_id=id)
