"""Image validation."""

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
from schema.framework.payloads import IdempotentInput, Payload, derived_field, mutation
from schema.jobs import Job
from schema.lazy_types import CrawlJobRef, UserRef

enumeration(DuplicateAction)
enumeration(ValidationPreset)


@output
class ValidationRules:
    """Rules that images must satisfy. Null rules are not checked. Every image must be decodable."""

    preset: ValidationPreset | None
    """Preset that the rules are based on."""

    min_width: int | None
    """Minimum displayed width in pixels."""

    min_height: int | None
    """Minimum displayed height in pixels."""

    formats: list[str] | None
    """Allowed formats, such as `png`. Not paginated."""

    max_size_mb: float | None
    """Maximum file size in MiB."""

    min_bytes: int | None
    """Minimum file size in bytes."""

    duplicates: DuplicateAction | None
    """Handling of near duplicates. Null if they are not detected."""

    duplicate_distance: int | None
    """Maximum Hamming distance between the 64-bit perceptual hashes of near duplicates. Null means 8."""

    refuse_blank: bool | None
    """Whether images of a single color are invalid."""

    min_sharpness: float | None
    """Minimum variance of the Laplacian at 512 pixels. Images below 100 look blurred."""

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
    """Rules that images must satisfy. Omitted rules default to the preset, or are not checked. Every image
    must be decodable.
    """

    preset: ValidationPreset | None = None
    """Preset that the rules are based on."""

    min_width: int | None = None
    """Minimum displayed width in pixels, from 1 to 100,000."""

    min_height: int | None = None
    """Minimum displayed height in pixels, from 1 to 100,000."""

    formats: list[str] | None = None
    """Allowed formats: `jpg`, `png`, `gif`, `bmp`, `webp`, `tiff`, `avif`, `heic`, `jp2`."""

    max_size_mb: float | None = None
    """Maximum file size in MiB, up to 1,000."""

    min_bytes: int | None = None
    """Minimum file size in bytes."""

    duplicates: DuplicateAction | None = None
    """Handling of near duplicates. The largest valid image is kept."""

    duplicate_distance: int | None = None
    """Maximum Hamming distance between the 64-bit perceptual hashes of near duplicates. Default 8, maximum
    16.
    """

    refuse_blank: bool | None = None
    """Whether images of a single color are invalid."""

    min_sharpness: float | None = None
    """Minimum variance of the Laplacian at 512 pixels. Images below 100 look blurred."""


@node(models.ValidationJob)
class ValidationJob(Job):
    """A validation of the images of a crawl."""

    id: relay.NodeID[UUID]

    crawl_job: CrawlJobRef | None = relation(models.ValidationJob.crawl_job)
    """Crawl whose images are validated."""

    requested_by: UserRef | None = relation(models.ValidationJob.requested_by)
    """User who requested it."""

    name: str
    """Name of the validation."""

    total_images: int
    """Number of images to validate."""

    validated_images: int
    """Number of images validated so far."""

    invalid_images: int
    """Number of invalid images."""

    validation_rules: ValidationRules = derived_field(
        lambda job: ValidationRules.of(job.validation_rules), needs=("validation_rules",)
    )
    """Rules that the images must satisfy."""

    updated_at: datetime
    """Time of the last change."""


@input
class ValidationJobCreateInput(IdempotentInput):
    """Input of `validationJobCreate`."""

    crawl_job_id: relay.GlobalID
    """Global ID of the crawl. It must not be in progress."""

    name: str
    """Name of the validation, of at most 100 characters."""

    rules: ValidationRulesInput | None = None
    """Rules that the images must satisfy. By default they must only be decodable."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class ValidationJobCreatePayload(Payload):
    validation_job: ValidationJob | None = None
    """The new validation."""


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
        """Validate all images of a crawl, and handle near duplicates."""
        viewer = info.context.viewer
        crawl = key_of(input.crawl_job_id, models.CrawlJob, "input", "crawlJobId")
        rules = vars(input.rules) if input.rules else {}
        async with info.context.write() as uow:
            job = await validation.create(uow, viewer, crawl, name=input.name, rules=rules, start=input.start)
        return ValidationJobCreatePayload.of(validation_job=job)

    @mutation
    async def validation_job_delete(self, info: Info, id: relay.GlobalID) -> ValidationJobDeletePayload:
        """Delete a validation that is not in progress. Its results are kept on the images."""
        async with info.context.write() as uow:
            await validation.delete(uow, info.context.viewer, key_of(id, models.ValidationJob))
        return ValidationJobDeletePayload.of(deleted_id=id)
