"""Review of images by people: captions, labels, verdicts and notes, one by one or by a filter."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from core.errors import Invalid, NotFound
from db.arrays import any_id
from db.models import Image, LabelSource, ReviewState
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.imagery import image_labels
from resolvers.rows import update_row

MAX_IMAGES = 20_000
"""Images that one operation changes."""
MAX_CAPTION_LENGTH, MAX_NOTE_LENGTH = 2000, 2000

REVIEWS = {None: ReviewState.PENDING, True: ReviewState.ACCEPTED, False: ReviewState.REJECTED}
"""Reviews by whether a person accepts the image."""

Where = Callable[[Any], Sequence[ColumnElement[bool]]]
"""Conditions of a filter of images."""


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, fields: Mapping[str, Any]) -> Image:
    """Update an image's caption, labels, verdict and note, as far as they are among `fields`."""
    access.require(viewer, "images:create")
    values = _validate(fields)
    names = values.pop("labels", None)
    image = await access.find(uow, viewer, Image, id, lock=True)
    if names is not None:
        await image_labels.replace(uow, image, names)
    if not values and names is not None:
        values = {"note": image.note}
    return await update_row(uow, viewer, Image, image, values, "IMAGE_UPDATE", fields=fields)


async def update_all(uow: UnitOfWork, viewer: Viewer, where: Where, fields: Mapping[str, Any]) -> int:
    """Update all images that a filter matches; returns their number."""
    access.require(viewer, "images:create")
    values = _validate(fields)
    added, removed = values.pop("add_labels", []), values.pop("remove_labels", [])
    if {name.casefold() for name in added} & {name.casefold() for name in removed}:
        raise Invalid("removeLabels must not contain a label of addLabels.", "input", "removeLabels")
    found = await find_all(uow, viewer, where, Image.id, Image.crawl_job_id)
    if not (values or added or removed):
        raise Invalid("input must have at least one field.", "input")
    ids = [image.id for image in found]
    if values:
        await uow.execute(sa.update(Image).where(Image.id == any_id(ids)).values(values))
    if removed:
        await image_labels.remove(uow, ids, removed)
    labels = [(image.id, image.crawl_job_id, name) for image in found for name in added]
    await image_labels.add(uow, labels, LabelSource.PERSON)
    await record(uow, viewer, "IMAGES_UPDATE", found, fields=sorted(fields))
    return len(found)


async def label_all(
    uow: UnitOfWork,
    viewer: Viewer,
    where: Where,
    *,
    source: LabelSource,
    contains: str | None,
    label: str | None,
) -> int:
    """Label all images that a filter and a rule match; returns their number."""
    access.require(viewer, "images:create")
    path = "input"
    if source is LabelSource.PERSON:
        raise Invalid("source must be KEYWORD, FOLDER or CAPTION.", path, "source")
    if source is LabelSource.CAPTION and label is None:
        raise Invalid("label is required for the source CAPTION.", path, "label")
    contains = validators.optional(contains, path, "contains", limit=image_labels.MAX_LABEL_LENGTH)
    if source is LabelSource.CAPTION and contains is None:
        raise Invalid("contains is required for the source CAPTION.", path, "contains")
    if label is not None:
        label = validators.name(label, path, "label", limit=image_labels.MAX_LABEL_LENGTH)
    columns = Image.id, Image.crawl_job_id, Image.keyword, Image.caption, Image.original_url
    found = await find_all(uow, viewer, where, *columns)
    labels = [
        (image.id, image.crawl_job_id, name)
        for image in found
        if (name := image_labels.derived_label(image, source, contains, label)) is not None
    ]
    await image_labels.add(uow, labels, source)
    await record(uow, viewer, "IMAGES_LABEL", found, source=source.value)
    return len(labels)


async def find_all(uow: UnitOfWork, viewer: Viewer, where: Where, *columns: Any) -> Sequence[Image]:
    """The images that a filter matches, locked, by id.

    Raises `NotFound` if there are none, and `Invalid` if there are too many for one operation.
    """
    statement = access.visible(viewer, Image, *columns).where(*where(Image)).order_by(Image.id)
    found: Sequence[Image] = await uow.all(statement.limit(MAX_IMAGES + 1).with_for_update(of=Image))
    if not found:
        raise NotFound("No image matches the filter.", "filter")
    if len(found) > MAX_IMAGES:
        raise Invalid(f"filter must match at most {MAX_IMAGES} images. Narrow it down.", "filter")
    return found


async def record(
    uow: UnitOfWork, viewer: Viewer, action: str, found: Sequence[Image], **metadata: Any
) -> None:
    """Record an operation on images as an activity on the crawl of the first, with their number."""
    user_id = activity_log.requester_id(uow, viewer)
    crawl = found[0].crawl_job_id
    await activity_log.record(uow, user_id, action, "CrawlJob", crawl, images=len(found), **metadata)


def _validate(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are stored. Raises `Invalid`."""
    values = dict(fields)
    for name, limit in (("caption", MAX_CAPTION_LENGTH), ("note", MAX_NOTE_LENGTH)):
        if values.get(name) is not None:
            values[name] = validators.text(values[name].strip(), "input", name, limit=limit) or None
    for name in ("labels", "add_labels", "remove_labels"):
        if name in values:
            names = values[name] or ()
            values[name] = image_labels.validate_names(names, "input", validators.camel(name))
    if "accepted" in values:
        values["review"] = REVIEWS[values.pop("accepted")]
    return values
