"""Near duplicates: images with similar perceptual hashes that are the same by their pixels."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from core.ports import ObjectStore
from core.working_folders import working_folder
from db.models import Image, ReviewState
from pipelines.imagery.hash_groups import MAX_HASH_DISTANCE, group_near_duplicates
from pipelines.imagery.picture_comparison import confirm_group
from pipelines.runtime.handlers import Run

MAX_CONCURRENT_FETCHES = 8
GROUP_SECONDS = 300.0


async def find_near_duplicates(
    run: Run, images: Sequence[Image], max_distance: int = MAX_HASH_DISTANCE
) -> list[list[Image]]:
    """Groups of images that show the same, the best image of each first.

    An accepted image is better, then a valid one, then one with more pixels, sharpness and bytes. Images need
    their perceptual hash, storage key, verdict and review. Candidates are those of similar hashes.
    """
    hashed = [image for image in images if image.perceptual_hash is not None]
    hashes = [image.perceptual_hash for image in hashed if image.perceptual_hash is not None]
    groups = await run.cpu(group_near_duplicates, hashes, max_distance)
    confirmed = []
    for group in groups:
        candidates = [hashed[position] for position in group]
        with working_folder() as folder:
            paths = await fetch_images(run.services.store, candidates, Path(folder))
            ranks = [rank(image) for image in candidates]
            found = await run.cpu_within(GROUP_SECONDS, confirm_group, paths, ranks)
        confirmed += [[candidates[position] for position in same] for same in found]
    return confirmed


def rank(image: Image) -> int:
    """How much an image is preferred to others that show the same: accepted ones, then those not invalid."""
    return 2 * (image.review is ReviewState.ACCEPTED) + (image.is_valid is not False)


async def fetch_images(store: ObjectStore, images: Sequence[Image], folder: Path) -> list[Path | None]:
    """The files of images, each at the path of its id; None for one that the store does not have."""
    semaphore = asyncio.Semaphore(MAX_CONCURRENT_FETCHES)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch_image(store, image, folder, semaphore)) for image in images]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]


async def fetch_image(
    store: ObjectStore, image: Image, folder: Path, semaphore: asyncio.Semaphore
) -> Path | None:
    """Download an image to `folder`; returns None if the store does not have it."""
    if image.storage_url is None:
        return None
    async with semaphore:
        try:
            return await store.fetch(image.storage_url, folder / str(image.id))
        except FileNotFoundError:
            return None
