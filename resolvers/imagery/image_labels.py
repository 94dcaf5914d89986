"""Labels of images: read for many images at once, replaced, added, removed, and derived by rules."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict, Invalid
from db.arrays import all_text, any_id, any_text
from db.models import Image, ImageLabel, LabelSource
from db.uow import UnitOfWork
from resolvers import validators

MAX_LABELS, MAX_LABEL_LENGTH = 50, 100
INSERT_BATCH_SIZE = 2000

Label = tuple[UUID, UUID, str]
"""An image, its crawl, and the name of a label."""


async def labels_of_images(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[ImageLabel]]:
    """The labels of images, by name."""
    columns = ImageLabel.image_id, ImageLabel.name, ImageLabel.source, ImageLabel.created_at
    statement = select(*columns).where(ImageLabel.image_id == any_id(ids))
    found: dict[UUID, list[ImageLabel]] = defaultdict(list)
    for row in await uow.all(statement.order_by(ImageLabel.image_id, ImageLabel.name)):
        found[row.image_id].append(row)
    return found


def validate_names(names: Sequence[str], *path: str) -> list[str]:
    """Names of labels, trimmed. Raises `Invalid` for repetitions, also in other case."""
    if len(names) > MAX_LABELS:
        raise Invalid(f"{path[-1]} must have at most {MAX_LABELS} items (got {len(names)}).", *path)
    seen: dict[str, str] = {}
    for position, text in enumerate(names):
        name = validators.name(text, *path, str(position), limit=MAX_LABEL_LENGTH)
        if name.casefold() in seen:
            raise Invalid(f"{path[-1]} must not contain duplicates.", *path, str(position))
        seen[name.casefold()] = name
    return list(seen.values())


async def replace(uow: UnitOfWork, image: Image, names: Sequence[str]) -> None:
    """Give an image exactly these labels. Those that it has keep their source."""
    others = ImageLabel.image_id == image.id, ImageLabel.name != all_text(names)
    await uow.execute(sa.delete(ImageLabel).where(*others))
    await add(uow, [(image.id, image.crawl_job_id, name) for name in names], LabelSource.PERSON)


async def add(uow: UnitOfWork, labels: Sequence[Label], source: LabelSource) -> None:
    """Add labels that the images do not have. Raises `Conflict` if an image would have too many."""
    for start in range(0, len(labels), INSERT_BATCH_SIZE):
        batch = labels[start : start + INSERT_BATCH_SIZE]
        rows = [
            {"image_id": image, "crawl_job_id": crawl, "name": name, "source": source}
            for image, crawl, name in batch
        ]
        new = upsert(ImageLabel).values(rows)
        await uow.execute(new.on_conflict_do_nothing(index_elements=["company_id", "image_id", "name"]))
        ids = list({image for image, _, _ in batch})
        counted = select(ImageLabel.image_id).where(ImageLabel.image_id == any_id(ids))
        crowded = counted.group_by(ImageLabel.image_id).having(func.count() > MAX_LABELS)
        if await uow.first(crowded.limit(1)) is not None:
            raise Conflict(f"An image can have at most {MAX_LABELS} labels.", "input")


async def remove(uow: UnitOfWork, image_ids: Sequence[UUID], names: Sequence[str]) -> None:
    """Remove labels with these names."""
    listed = ImageLabel.image_id == any_id(image_ids), ImageLabel.name == any_text(names)
    await uow.execute(sa.delete(ImageLabel).where(*listed))


def derived_label(image: Image, source: LabelSource, contains: str | None, name: str | None) -> str | None:
    """The label that a rule gives an image, or None.

    The text is that of the `source`; it must hold `contains`, whatever the case. The label is `name`, or the
    text itself.
    """
    text = DERIVED_TEXTS[source](image)
    if not text or (contains is not None and contains.casefold() not in text.casefold()):
        return None
    return name or " ".join(text.split())[:MAX_LABEL_LENGTH]


def folder_of(url: str) -> str | None:
    """The last folder in the path of a URL."""
    readable = "".join(c for c in unquote(urlsplit(url).path, errors="ignore") if c.isprintable())
    return PurePosixPath(readable).parent.name or None


DERIVED_TEXTS: Mapping[LabelSource, Any] = {
    LabelSource.KEYWORD: lambda image: image.keyword,
    LabelSource.FOLDER: lambda image: folder_of(image.original_url),
    LabelSource.CAPTION: lambda image: image.caption,
}
"""What rules derive labels from."""
