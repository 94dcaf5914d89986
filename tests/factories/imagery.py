"""Image data sets."""

from typing import Any

from db.ids import new_id
from db.models import (
    CrawlCandidate,
    CrawlChunk,
    CrawlJob,
    Dataset,
    DatasetImage,
    DatasetSplit,
    DatasetVersion,
    ExportJob,
    Image,
    ValidationFinding,
    ValidationJob,
)
from tests.factories import Fixture, build, numbers


def a_crawl(project: Fixture, **values: Any) -> Fixture:
    """A crawl that waits to be started."""
    defaults: dict[str, Any] = {
        "project_id": project.id,
        "name": f"Crawl {next(numbers)}",
        "keywords": ["cat", "dog"],
        "requested_by_id": project.user_id,
    }
    return build(CrawlJob, [project], values, **defaults)


def an_image(crawl: Fixture, **values: Any) -> Fixture:
    """A stored picture that the crawl found."""
    number = next(numbers)
    name = f"{number}.jpg"
    defaults: dict[str, Any] = {
        "crawl_job_id": crawl.id,
        "original_url": f"https://pictures.example/{name}",
        "filename": name,
        "storage_url": f"{crawl.company.id}/crawls/{crawl.id}/{name}",
        "width": 640,
        "height": 480,
        "file_size": 1000,
        "format": "jpg",
        "hash": f"{number:064x}",
    }
    return build(Image, [crawl], values, **defaults)


def a_chunk_of(crawl: Fixture, **values: Any) -> Fixture:
    """A part of the crawl."""
    defaults = {"crawl_job_id": crawl.id, "number": next(numbers), "share": 10, "wanted": {"text": "cats"}}
    return build(CrawlChunk, [crawl], values, **defaults)


def a_candidate(crawl: Fixture, **values: Any) -> Fixture:
    """An address that the crawl has seen, and still has to request."""
    chunk = a_chunk_of(crawl)
    defaults: dict[str, Any] = {
        "crawl_job_id": crawl.id,
        "chunk_id": chunk.id,
        "url": f"https://pictures.example/{next(numbers)}.jpg",
        "url_key": new_id(),
    }
    return build(CrawlCandidate, [crawl, chunk], values, **defaults)


def a_validation(crawl: Fixture, **values: Any) -> Fixture:
    """A check of the crawl's images that waits."""
    defaults: dict[str, Any] = {
        "crawl_job_id": crawl.id,
        "name": f"Check {next(numbers)}",
        "requested_by_id": crawl.requested_by_id,
        "validation_rules": {"min_width": 100},
    }
    return build(ValidationJob, [crawl], values, **defaults)


def a_finding(validation: Fixture, image: Fixture, **values: Any) -> Fixture:
    """What a check says of an image."""
    defaults: dict[str, Any] = {
        "validation_job_id": validation.id,
        "image_id": image.id,
        "rule": "narrow",
        "file_size": 1000,
    }
    return build(ValidationFinding, [validation, image], values, **defaults)


def an_export(crawl: Fixture, **values: Any) -> Fixture:
    """An export of the crawl's images that waits."""
    defaults: dict[str, Any] = {
        "crawl_job_id": crawl.id,
        "user_id": crawl.requested_by_id,
        "requested_by_id": crawl.requested_by_id,
        "name": f"Export {next(numbers)}",
        "export_options": {"include_metadata": True},
    }
    return build(ExportJob, [crawl], values, **defaults)


def a_dataset(project: Fixture, **values: Any) -> Fixture:
    """A data set of all crawls of the project."""
    defaults: dict[str, Any] = {
        "project_id": project.id,
        "created_by_id": project.user_id,
        "name": f"Data set {next(numbers)}",
        "split_fractions": {"train": 0.8, "validation": 0.1, "test": 0.1},
    }
    return build(Dataset, [project], values, **defaults)


def a_dataset_version(dataset: Fixture, **values: Any) -> Fixture:
    """A version of the data set with one image."""
    defaults: dict[str, Any] = {
        "dataset_id": dataset.id,
        "created_by_id": dataset.created_by_id,
        "number": next(numbers),
        "name": dataset.name,
        "selection": {},
        "split_fractions": dataset.split_fractions,
        "seed": 0,
        "image_count": 1,
        "group_count": 1,
        "content_bytes": 1000,
        "splits": [],
        "digest": "0" * 64,
    }
    return build(DatasetVersion, [dataset], values, **defaults)


def a_dataset_image(version: Fixture, image: Fixture, **values: Any) -> Fixture:
    """The image as the version lists it."""
    copied = ("storage_url", "original_url", "width", "height", "file_size", "format", "hash")
    defaults: dict[str, Any] = {
        "version_id": version.id,
        "image_id": image.id,
        "position": 1,
        "split": DatasetSplit.TRAIN,
        "group_number": 1,
        "labels": [],
        **{name: getattr(image, name) for name in copied},
    }
    return build(DatasetImage, [version, image], values, **defaults)
