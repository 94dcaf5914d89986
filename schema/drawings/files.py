"""Files of drawing sessions: reports and tiles of overlays."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from core.tile_pyramids import TilePyramid
from resolvers.drawings import comparison_reports
from resolvers.drawings.comparison_reports import ComparisonReportFormat
from resolvers.files import LinkSigner
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.payloads import field

enumeration(ComparisonReportFormat)


@output
class ComparisonReport:
    """A report of a session as a file. It shows the results and decisions of the time when it was made.

    It stays as it is when they change: `isStale` tells.
    """

    format: ComparisonReportFormat
    """Format of the file."""

    name: str
    """Filename, after the name of the session."""

    size: int
    """Size in bytes."""

    created_at: datetime
    """Time at which it was made."""

    url: str
    """Signed, expiring URL of the file."""

    session_id: strawberry.Private[UUID]
    fingerprint: strawberry.Private[str]

    @field
    async def is_stale(self, info: Info) -> bool:
        """Whether pairs, results or decisions of the session have changed since it was made."""
        loader = info.context.loaders.by(comparison_reports.fingerprints)
        return bool((await loader.load(self.session_id) or "") != self.fingerprint)

    @classmethod
    def of(cls, stored: dict[str, Any], session_id: UUID, links: LinkSigner) -> ComparisonReport:
        """Build it from its stored JSON. A report of an earlier release counts as stale."""
        return cls(
            session_id=session_id,
            fingerprint=stored.get("fingerprint", "unknown"),
            format=ComparisonReportFormat(stored["format"]),
            name=stored["name"],
            size=stored["size"],
            created_at=datetime.fromisoformat(stored["created_at"]),
            url=links.download_url(stored["key"], stored["name"], stored["mime_type"]),
        )


@output
class OverlayTiles:
    """Deep-zoom tiles of an overlay (DZI). The tiles have no overlap and lie flush left and top."""

    descriptor: str
    """DZI descriptor, an XML document."""

    url_template: str
    """Signed, expiring URL of a tile. Replace `{level}`, `{column}` and `{row}`. Level 0 is one pixel, and
    each level has twice the size of the one below.
    """

    width: int
    """Width of the overlay in pixels."""

    height: int
    """Height of the overlay in pixels."""

    tile_size: int
    """Side of a tile in pixels."""

    max_level: int
    """Level that shows the overlay in full size."""

    @classmethod
    def of(cls, stored: dict[str, Any], links: LinkSigner) -> OverlayTiles:
        """Build it from its stored JSON."""
        pyramid = TilePyramid(stored["width"], stored["height"], stored["tile_size"])
        return cls(
            descriptor=pyramid.descriptor,
            url_template=f"{links.tiles_url(stored['key'], pyramid)}/{{level}}/{{column}}_{{row}}.png",
            width=pyramid.width,
            height=pyramid.height,
            tile_size=pyramid.tile_size,
            max_level=pyramid.max_level,
        )
