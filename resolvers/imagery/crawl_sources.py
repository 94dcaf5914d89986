"""Where a crawl looks: the sources that people name, and what each is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Self

from core.errors import Conflict, Invalid
from core.ports import SourceKind, Sources, SourceQuery
from resolvers.validators import camel, name, within

MOST_SOURCES, MOST_ADDRESSES = 20, 100
MOST_PAGES, DEEPEST = 10_000, 10
LONGEST_ADDRESS = 4096
URLS_AT_ONCE = 500
"""Addresses of images in one chunk."""

USUAL: tuple[Mapping[str, Any], ...] = ({"kind": SourceKind.OPENVERSE}, {"kind": SourceKind.WIKIMEDIA})
"""Where a crawl looks that names no source: both need no key and tell the licences."""


@dataclass(frozen=True)
class Takes:
    """The field of a source's input that has its addresses, and what other fields it may have."""

    field: str | None = None
    others: tuple[str, ...] = ()


TAKES = {
    SourceKind.SITE: Takes("start_urls", ("max_pages", "max_depth")),
    SourceKind.URLS: Takes("urls"),
    SourceKind.FEED: Takes("feed_urls"),
    SourceKind.S3: Takes("bucket", ("prefix",)),
}
"""What sources are given that are not asked for keywords."""


class Piece(NamedTuple):
    """One request to one source."""

    kind: SourceKind
    wanted: SourceQuery

    def stored(self) -> dict[str, Any]:
        """As a chunk keeps it."""
        return {"kind": self.kind.value, **asdict(self.wanted)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From the form that is stored."""
        values = dict(stored)
        kind, addresses = SourceKind(values.pop("kind")), tuple(values.pop("addresses"))
        return cls(kind, SourceQuery(**values, addresses=addresses))


def checked(given: Sequence[Mapping[str, Any]], sources: Sources, keywords: Sequence[str]) -> list[Any]:
    """The sources as a crawl keeps them. Each given one has its `kind`, and its input's other fields or None.

    Raises `Invalid`, and `Conflict` where the installation lacks what a source needs.
    """
    if len(given) > MOST_SOURCES:
        raise Invalid(f"Give at most {MOST_SOURCES} sources.", "input", "sources")
    found = []
    for position, each in enumerate(given or USUAL):
        path = ("input", "sources", *([str(position)] if given else []))
        port = sources[each["kind"]]
        if port.missing_setting is not None:
            raise Conflict(port.missing_setting, *path)
        source = _source(each, *path)
        for piece in pieces([source], keywords):
            if (fault := port.validate(piece.wanted)) is not None:
                raise Invalid(fault, *path)
        found.append(source)
    return found


def pieces(sources: Sequence[Mapping[str, Any]], keywords: Sequence[str]) -> list[Piece]:
    """What the sources of a crawl are asked for, one request after the other; they take turns."""
    asked = [list(_pieces(source, keywords)) for source in sources]
    rounds = zip_longest(*asked)
    return [piece for turn in rounds for piece in turn if piece is not None]


def _pieces(source: Mapping[str, Any], keywords: Sequence[str]) -> Iterator[Piece]:
    kind, addresses = SourceKind(source["kind"]), source["addresses"]
    bounds = {"pages": source["pages"], "depth": source["depth"]}
    if kind.by_keyword:
        for word in keywords:
            yield Piece(kind, SourceQuery(**bounds, keyword=word))
        return
    size = URLS_AT_ONCE if kind is SourceKind.URLS else 1
    for start in range(0, len(addresses), size):
        yield Piece(kind, SourceQuery(**bounds, addresses=tuple(addresses[start : start + size])))


def _source(given: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """One source in its stored form, with nothing given to it that it does not take."""
    kind = given["kind"]
    takes = TAKES.get(kind, Takes())
    for field, value in given.items():
        if field not in ("kind", takes.field, *takes.others) and value is not None:
            raise Invalid(f"The source {kind.name} does not take this.", *path, camel(field))
    pages, depth = given.get("max_pages"), given.get("max_depth")
    if pages is not None:
        within(pages, 1, MOST_PAGES, *path, "maxPages")
    if depth is not None:
        within(depth, 0, DEEPEST, *path, "maxDepth")
    addresses = [] if takes.field is None else _addresses(given, kind, takes.field, *path)
    usual = SourceQuery()
    return {
        "kind": kind.value,
        "addresses": addresses,
        "pages": usual.pages if pages is None else pages,
        "depth": usual.depth if depth is None else depth,
    }


def _addresses(given: Mapping[str, Any], kind: SourceKind, field: str, *path: str) -> list[str]:
    value = given.get(field)
    path = (*path, camel(field))
    if not value:
        raise Invalid(f"The source {kind.name} needs this.", *path)
    if kind is SourceKind.S3:
        return [f"s3://{name(value, *path, limit=63)}/{(given.get('prefix') or '').lstrip('/')}"]
    if len(value) > MOST_ADDRESSES:
        raise Invalid(f"Give at most {MOST_ADDRESSES} addresses.", *path)
    trimmed = [name(each, *path, str(position), limit=LONGEST_ADDRESS) for position, each in enumerate(value)]
    return list(dict.fromkeys(trimmed))
