"""Exports of the activity log."""

from __future__ import annotations

from resolvers import activity_exports
from resolvers.activity_exports import ActivityFormat
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, output
from schema.framework.payloads import Payload, mutation
from schema.identity.types import ActivityFilter

enumeration(ActivityFormat)


@input
class ActivityExportInput:
    """Input of `activityExport`."""

    format: ActivityFormat
    """File format."""

    filter: ActivityFilter | None = None
    """Exports activities that match all conditions."""


@output
class ActivityExportPayload(Payload):
    url: str | None = None
    """Signed, expiring URL of the file, for the viewer. The file is written while it is read."""


@output
class ActivityExportMutations:
    @mutation
    async def activity_export(self, info: Info, input: ActivityExportInput) -> ActivityExportPayload:
        """Export activities of the company up to now, oldest first. Requires `activity:read`."""
        viewer = info.context.viewer
        conditions = (input.filter or ActivityFilter()).conditions("input", "filter")
        async with info.context.write() as uow:
            bounded = await activity_exports.create(uow, viewer, conditions, input.format)
        url = info.context.links.activity_url(viewer.company_id, bounded.serialize(), input.format.value)
        return ActivityExportPayload(url=url)
