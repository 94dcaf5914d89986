"""Image data sets."""

from typing import Any

from db.ids import new_id
from db.models import (
    CrawlCandidate,
    CrawlChunk,
    CrawlJob,
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
