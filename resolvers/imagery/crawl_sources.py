"""Where a crawl looks: the sources that people name, and what each is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Self

from core.errors import Conflict, Invalid
from core.ports import SourceKind, Sources, SourceQuery
from resolvers.validators import camel, name, within

MAX_SOURCES, MAX_ADDRESSES = 20, 100
MAX_PAGES, MAX_DEPTH = 10_000, 10
MAX_ADDRESS_LENGTH = 4096
URLS_PER_CHUNK = 500
"""Addresses of images in one chunk."""

DEFAULT_SOURCES: tuple[Mapping[str, Any], ...] = ({"kind": SourceKind.OPENVERSE}, {"kind": SourceKind.WIKIMEDIA})
"""Where a crawl looks that names no source: both need no key and tell the licences."""


@dataclass(frozen=True)
class SourceFields:
    """The field of a source's input that has its addresses, and what other fields it may have."""

    field: str | None = None
    optional: tuple[str, ...] = ()


SOURCE_FIELDS = {
    SourceKind.SITE: SourceFields("start_urls", ("max_pages", "max_depth")),
    SourceKind.URLS: SourceFields("urls"),
    SourceKind.FEED: SourceFields("feed_urls"),
    SourceKind.S3: SourceFields("bucket", ("prefix",)),
}
"""What sources are given that are not asked for keywords."""


class CrawlTask(NamedTuple):
    """One request to one source."""

    kind: SourceKind
    query: SourceQuery

    def to_json(self) -> dict[str, Any]:
        """As a chunk keeps it."""
        return {"kind": self.kind.value, **asdict(self.query)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From the form that is stored."""
        values = dict(stored)
        kind, addresses = SourceKind(values.pop("kind")), tuple(values.pop("addresses"))
        return cls(kind, SourceQuery(**values, addresses=addresses))


def validate_sources(given: Sequence[Mapping[str, Any]], sources: Sources, keywords: Sequence[str]) -> list[Any]:
    """The sources as a crawl keeps them. Each given one has its `kind`, and its input's other fields or None.

    Raises `Invalid`, and `Conflict` where the installation lacks what a source needs.
    """
    if len(given) > MAX_SOURCES:
        raise Invalid(f"Give at most {MAX_SOURCES} sources.", "input", "sources")
    found = []
    for position, each in enumerate(given or DEFAULT_SOURCES):
        path = ("input", "sources", *([str(position)] if given else []))
        port = sources[each["kind"]]
        if port.missing_setting is not None:
            raise Conflict(port.missing_setting, *path)
        source = _validate_source(each, *path)
        for piece in crawl_tasks([source], keywords):
            if (fault := port.validate(piece.query)) is not None:
                raise Invalid(fault, *path)
        found.append(source)
    return found


def crawl_tasks(sources: Sequence[Mapping[str, Any]], keywords: Sequence[str]) -> list[CrawlTask]:
    """What the sources of a crawl are asked for, one request after the other; they take turns."""
    asked = [list(_source_tasks(source, keywords)) for source in sources]
    rounds = zip_longest(*asked)
    return [piece for turn in rounds for piece in turn if piece is not None]


def _source_tasks(source: Mapping[str, Any], keywords: Sequence[str]) -> Iterator[CrawlTask]:
    kind, addresses = SourceKind(source["kind"]), source["addresses"]
    bounds = {"pages": source["pages"], "depth": source["depth"]}
    if kind.by_keyword:
        for word in keywords:
            yield CrawlTask(kind, SourceQuery(**bounds, keyword=word))
        return
    size = URLS_PER_CHUNK if kind is SourceKind.URLS else 1
    for start in range(0, len(addresses), size):
        yield CrawlTask(kind, SourceQuery(**bounds, addresses=tuple(addresses[start : start + size])))


def _validate_source(given: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """One source in its stored form, with nothing given to it that it does not take."""
    kind = given["kind"]
    takes = SOURCE_FIELDS.get(kind, SourceFields())
    for field, value in given.items():
        if field not in ("kind", takes.field, *takes.optional) and value is not None:
            raise Invalid(f"The source {kind.name} does not take this.", *path, camel(field))
    pages, depth = given.get("max_pages"), given.get("max_depth")
    if pages is not None:
        within(pages, 1, MAX_PAGES, *path, "maxPages")
    if depth is not None:
        within(depth, 0, MAX_DEPTH, *path, "maxDepth")
    addresses = [] if takes.field is None else _validate_addresses(given, kind, takes.field, *path)
    usual = SourceQuery()
    return {
        "kind": kind.value,
        "addresses": addresses,
        "pages": usual.pages if pages is None else pages,
        "depth": usual.depth if depth is None else depth,
    }


def _validate_addresses(given: Mapping[str, Any], kind: SourceKind, field: str, *path: str) -> list[str]:
    value = given.get(field)
    path = (*path, camel(field))
    if not value:
        raise Invalid(f"The source {kind.name} needs this.", *path)
    if kind is SourceKind.S3:
        return [f"s3://{name(value, *path, limit=63)}/{(given.get('prefix') or '').lstrip('/')}"]
    if len(value) > MAX_ADDRESSES:
        raise Invalid(f"Give at most {MAX_ADDRESSES} addresses.", *path)
    trimmed = [name(each, *path, str(position), limit=MAX_ADDRESS_LENGTH) for position, each in enumerate(value)]
    return list(dict.fromkeys(trimmed))
