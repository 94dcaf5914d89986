"""Image validation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import relay

from core.image_rules import DuplicateAction, ValidationPreset
from db import models
from resolvers.imagery import validation, validation_findings
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, derived_field, field, mutation
from schema.framework.scalars import BigInt
from schema.imagery.filters import ValidationFindingFilter
from schema.jobs import Job
from schema.lazy_types import CrawlJobRef, ImageRef, UserRef

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

    max_side: int | None
    """Maximum length of the longer side in pixels."""

    min_aspect_ratio: float | None
    """Minimum of the displayed width divided by the height."""

    max_aspect_ratio: float | None
    """Maximum of the displayed width divided by the height."""

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

    refuse_cut: bool | None
    """Whether images are invalid that were cut off while they were sent: they end in a neutral grey area."""

    min_sharpness: float | None
    """Minimum variance of the Laplacian at 512 pixels, in the sharpest sixteenth of the image. Images below
    100 look blurred.
    """

    min_brightness: float | None
    """Minimum mean brightness, from 0 (black) to 255 (white). Images below 40 look dark."""

    max_brightness: float | None
    """Maximum mean brightness, from 0 (black) to 255 (white)."""

    max_clipped_share: float | None
    """Maximum share of pixels, from 0 to 1, that are fully black or fully white, as in under- or overexposed
    photographs.
    """

    quarantine_invalid: bool | None
    """Whether images that fail a rule are moved to the quarantine."""

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

    max_side: int | None = None
    """Maximum length of the longer side in pixels, from 1 to 100,000."""

    min_aspect_ratio: float | None = None
    """Minimum of the displayed width divided by the height, from 0.001 to 1,000."""

    max_aspect_ratio: float | None = None
    """Maximum of the displayed width divided by the height, from 0.001 to 1,000."""

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

    refuse_cut: bool | None = None
    """Whether images are invalid that were cut off while they were sent: they end in a neutral grey area."""

    min_sharpness: float | None = None
    """Minimum variance of the Laplacian at 512 pixels, in the sharpest sixteenth of the image. Images below
    100 look blurred.
    """

    min_brightness: float | None = None
    """Minimum mean brightness, from 0 (black) to 255 (white). Images below 40 look dark."""

    max_brightness: float | None = None
    """Maximum mean brightness, from 0 (black) to 255 (white)."""

    max_clipped_share: float | None = None
    """Maximum share of pixels, from 0 to 1, that are fully black or fully white, as in under- or overexposed
    photographs. Drawings and charts have many, too.
    """

    quarantine_invalid: bool | None = None
    """Whether images that fail a rule are moved to the quarantine. Default false."""


@output
class RuleSummary:
    """What a validation found by one rule."""

    rule: str
    """Code of the issue."""

    images: int
    """Number of images."""

    bytes: BigInt
    """Size of their files in bytes."""

    quarantined: int
    """Number of images that the rule moves to the quarantine."""


@output
class ValidationSummary:
    """What a validation found."""

    quarantined_images: int
    """Number of images that are moved to the quarantine."""

    quarantined_bytes: BigInt
    """Size of their files in bytes."""

    rules: list[RuleSummary]
    """By rule. Maximum 30."""


@node(models.ValidationFinding)
class ValidationFinding(relay.Node):
    """A rule of a validation that an image does not meet."""

    id: relay.NodeID[UUID]

    validation_job: ValidationJob | None = relation(models.ValidationFinding.validation_job)
    """Validation that found it."""

    image: ImageRef | None = relation(models.ValidationFinding.image)
    """The image."""

    best_image: ImageRef | None = relation(models.ValidationFinding.best_image)
    """Better image that shows the same. Null unless the image is a duplicate."""

    rule: str
    """Code of the issue, such as `blurred` or `near_duplicate`."""

    quarantines: bool
    """Whether the rule moves the image to the quarantine. False for images that a person has accepted or
    restored.
    """

    file_size: BigInt | None
    """Size of the image in bytes."""

    created_at: datetime
    """Creation time."""


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

    preview: bool
    """Whether this is a preview, which changes no image."""

    @field(needs=("id",))
    async def summary(self, info: Info) -> ValidationSummary:
        """What the validation has found so far, by rule. A preview tells what would be moved to the
        quarantine.
        """
        row: Any = self
        loader = info.context.loaders.by(validation_findings.summaries, models.ValidationFinding)
        found = await loader.load(row.id) or {"images": 0, "bytes": 0, "rules": []}
        rules = [RuleSummary(**rule | {"bytes": BigInt(rule["bytes"])}) for rule in found["rules"]]
        return ValidationSummary(
            quarantined_images=found["images"], quarantined_bytes=BigInt(found["bytes"]), rules=rules
        )

    findings: Connection[ValidationFinding] = connection(
        models.ValidationJob.findings, filter=ValidationFindingFilter
    )
    """What the validation has found about single images so far, oldest first."""

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

    preview: bool = False
    """If true, no image is changed: `summary` and `findings` tell which images would be moved to the
    quarantine, and why.
    """

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
        """Validate all images of a crawl that are not in quarantine, and handle near duplicates. Nothing is
        deleted: what the rules take out is moved to the quarantine.
        """
        viewer = info.context.viewer
        crawl = key_of(input.crawl_job_id, models.CrawlJob, "input", "crawlJobId")
        rules = vars(input.rules) if input.rules else {}
        async with info.context.write() as uow:
            job = await validation.create(
                uow,
                viewer,
                crawl,
                name=input.name,
                rules=rules,
                preview=input.preview,
                start=input.start,
            )
        return ValidationJobCreatePayload.of(validation_job=job)

    @mutation
    async def validation_job_delete(self, info: Info, id: relay.GlobalID) -> ValidationJobDeletePayload:
        """Delete a validation that is not in progress. Its results are kept on the images."""
        async with info.context.write() as uow:
            await validation.delete(uow, info.context.viewer, key_of(id, models.ValidationJob))
        return ValidationJobDeletePayload.of(deleted_id=id)
