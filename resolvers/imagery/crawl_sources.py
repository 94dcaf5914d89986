"""Sources of a crawl, and the tasks that they are split into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Self

from core.errors import Conflict, Invalid
from core.ports import SourceKind, SourceQuery, Sources
from resolvers.validators import camel, name, within

MAX_SOURCES, MAX_ADDRESSES = 20, 100
MAX_PAGES, MAX_DEPTH = 10_000, 10
MAX_ADDRESS_LENGTH = 4096
URLS_PER_CHUNK = 500
"""Image URLs per chunk."""

DEFAULT_SOURCES: tuple[Mapping[str, Any], ...] = (
    {"kind": SourceKind.OPENVERSE},
    {"kind": SourceKind.WIKIMEDIA},
)
"""Sources of a crawl that names none. Both work without API key and return licences."""


@dataclass(frozen=True)
class SourceFields:
    """The input field with a source's addresses, and its optional fields."""

    field: str | None = None
    optional: tuple[str, ...] = ()


SOURCE_FIELDS = {
    SourceKind.SITE: SourceFields("start_urls", ("max_pages", "max_depth")),
    SourceKind.URLS: SourceFields("urls"),
    SourceKind.FEED: SourceFields("feed_urls"),
    SourceKind.S3: SourceFields("bucket", ("prefix",)),
}
"""Input fields of sources that are not queried by keyword."""


class CrawlTask(NamedTuple):
    """One query to one source."""

    kind: SourceKind
    query: SourceQuery

    @property
    def listed_images(self) -> tuple[str, ...]:
        """The images that the task names itself."""
        return self.query.urls if self.kind is SourceKind.URLS else ()

    def to_json(self) -> dict[str, Any]:
        """The JSON form stored in a chunk."""
        query = self.query
        bounds = {"pages": query.max_pages, "depth": query.max_depth}
        return {"kind": self.kind.value, "keyword": query.keyword, "addresses": query.urls, **bounds}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From the stored JSON form."""
        urls = tuple(stored["addresses"])
        query = SourceQuery(stored["keyword"], urls, stored["pages"], stored["depth"])
        return cls(SourceKind(stored["kind"]), query)


def validate_sources(
    inputs: Sequence[Mapping[str, Any]], sources: Sources, keywords: Sequence[str]
) -> list[Any]:
    """Sources in their stored form. Each input has its `kind`, and its other fields or None.

    Raises `Invalid`, or `Conflict` if the installation lacks a setting that a source needs.
    """
    if len(inputs) > MAX_SOURCES:
        raise Invalid(
            f"sources must have at most {MAX_SOURCES} items (got {len(inputs)}).", "input", "sources"
        )
    validated = []
    for position, fields in enumerate(inputs or DEFAULT_SOURCES):
        path = ("input", "sources", *([str(position)] if inputs else []))
        port = sources[fields["kind"]]
        if port.missing_setting is not None:
            raise Conflict(port.missing_setting, *path)
        source = _validate_source(fields, *path)
        for task in crawl_tasks([source], keywords):
            if (error := port.validate(task.query)) is not None:
                raise Invalid(error, *path)
        validated.append(source)
    return validated


def crawl_tasks(sources: Sequence[Mapping[str, Any]], keywords: Sequence[str]) -> list[CrawlTask]:
    """The tasks of a crawl's sources, in round-robin order."""
    by_source = [list(_source_tasks(source, keywords)) for source in sources]
    return [task for turn in zip_longest(*by_source) for task in turn if task is not None]


def _source_tasks(source: Mapping[str, Any], keywords: Sequence[str]) -> Iterator[CrawlTask]:
    kind, addresses = SourceKind(source["kind"]), source["addresses"]
    bounds = {"max_pages": source["pages"], "max_depth": source["depth"]}
    if kind.by_keyword:
        for word in keywords:
            yield CrawlTask(kind, SourceQuery(**bounds, keyword=word))
        return
    size = URLS_PER_CHUNK if kind is SourceKind.URLS else 1
    for start in range(0, len(addresses), size):
        yield CrawlTask(kind, SourceQuery(**bounds, urls=tuple(addresses[start : start + size])))


def _validate_source(fields: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """One source in its stored form. Raises `Invalid` for fields that its kind does not have."""
    kind = fields["kind"]
    allowed = SOURCE_FIELDS.get(kind, SourceFields())
    for field, value in fields.items():
        if field not in ("kind", allowed.field, *allowed.optional) and value is not None:
            raise Invalid(f"{camel(field)} is not a field of the source {kind.name}.", *path, camel(field))
    pages, depth = fields.get("max_pages"), fields.get("max_depth")
    if pages is not None:
        within(pages, 1, MAX_PAGES, *path, "maxPages")
    if depth is not None:
        within(depth, 0, MAX_DEPTH, *path, "maxDepth")
    addresses = [] if allowed.field is None else _validate_addresses(fields, kind, allowed.field, *path)
    defaults = SourceQuery()
    return {
        "kind": kind.value,
        "addresses": addresses,
        "pages": defaults.max_pages if pages is None else pages,
        "depth": defaults.max_depth if depth is None else depth,
    }


def _validate_addresses(fields: Mapping[str, Any], kind: SourceKind, field: str, *path: str) -> list[str]:
    value = fields.get(field)
    path = (*path, camel(field))
    if not value:
        raise Invalid(f"{camel(field)} is required for the source {kind.name}.", *path)
    if kind is SourceKind.S3:
        return [f"s3://{name(value, *path, limit=63)}/{(fields.get('prefix') or '').lstrip('/')}"]
    if len(value) > MAX_ADDRESSES:
        raise Invalid(f"{camel(field)} must have at most {MAX_ADDRESSES} items (got {len(value)}).", *path)
    trimmed = [
        name(address, *path, str(position), limit=MAX_ADDRESS_LENGTH)
        for position, address in enumerate(value)
    ]
    return list(dict.fromkeys(trimmed))
