"""Review of images: labels, verdicts of people and notes."""

from __future__ import annotations

import strawberry
from strawberry import relay

from db import models
from db.models import LabelSource
from resolvers.imagery import image_review
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, input_changes, input_values, mutation
from schema.imagery.filters import ImageFilter
from schema.imagery.types import Image


@input
class ImageUpdateInput:
    """Fields to change. Fields that are omitted keep their value."""

    caption: strawberry.Maybe[str | None]
    """Caption of at most 2,000 characters."""

    labels: strawberry.Maybe[list[str]]
    """At most 50 labels of at most 100 characters. Replaces all existing ones. Labels that the image has keep
    their source.
    """

    accepted: strawberry.Maybe[bool | None]
    """Whether a person accepts the image. Null if it is not reviewed."""

    note: strawberry.Maybe[str | None]
    """Note about the image of at most 2,000 characters."""


@input
class ImagesUpdateInput:
    """Fields to change on every image. Fields that are omitted keep their value."""

    add_labels: strawberry.Maybe[list[str]]
    """Labels to add to those of each image. Maximum 50."""

    remove_labels: strawberry.Maybe[list[str]]
    """Labels to remove. Maximum 50."""

    accepted: strawberry.Maybe[bool | None]
    """Whether a person accepts the images. Null if they are not reviewed."""

    note: strawberry.Maybe[str | None]
    """Note about each image of at most 2,000 characters."""


@input
class ImagesLabelInput:
    """Rule that derives a label for each image."""

    source: LabelSource
    """Text that the rule reads: the keyword, the caption, or the last folder in the path of the URL."""

    contains: str | None = None
    """Part of the text, ignoring case. Images without it get no label. Required for CAPTION."""

    label: str | None = None
    """Label of at most 100 characters. Default the text itself. Required for CAPTION."""


@output
class ImageUpdatePayload(Payload):
    image: Image | None = None
    """The updated image."""


@output
class ImagesUpdatePayload(Payload):
    updated_count: int | None = None
    """Number of images that the filter matched, all of which were updated."""


@output
class ImagesLabelPayload(Payload):
    labeled_count: int | None = None
    """Number of images that have the label of the rule."""


@output
class ImageReviewMutations:
    @mutation
    async def image_update(
        self, info: Info, id: relay.GlobalID, input: ImageUpdateInput
    ) -> ImageUpdatePayload:
        """Update the caption, the labels, the verdict or the note of an image."""
        values, key = input_changes(input), key_of(id, models.Image)
        async with info.context.write() as uow:
            image = await image_review.update(uow, info.context.viewer, key, values)
        return ImageUpdatePayload.of(image=image)

    @mutation
    async def images_update(
        self, info: Info, filter: ImageFilter, input: ImagesUpdateInput
    ) -> ImagesUpdatePayload:
        """Update all images that match a filter, at most 20,000. If more match, nothing is changed."""
        values = input_changes(input)
        async with info.context.write() as uow:
            count = await image_review.update_all(uow, info.context.viewer, filter.where, values)
        return ImagesUpdatePayload(updated_count=count)

    @mutation
    async def images_label(
        self, info: Info, filter: ImageFilter, input: ImagesLabelInput
    ) -> ImagesLabelPayload:
        """Label images that match a filter by a rule, at most 20,000. If more match, nothing is changed."""
        rule = input_values(input)
        async with info.context.write() as uow:
            count = await image_review.label_all(uow, info.context.viewer, filter.where, **rule)
        return ImagesLabelPayload(labeled_count=count)
