"""Download of exported activities by signed link."""

from uuid import UUID

from starlette.responses import Response, StreamingResponse

from core.errors import Forbidden, NotAuthenticated, ResourceExpired
from db.database import Database
from resolvers import access, activity_exports
from resolvers.access import Viewer
from resolvers.activity_exports import MEDIA_TYPES, ActivityConditions, ActivityFormat
from resolvers.files import ActivityLink
from resolvers.identity.credentials import Credential
from resolvers.identity.viewers import Viewers


async def export_response(database: Database, viewers: Viewers | None, link: ActivityLink) -> Response:
    """The activities of a link, for as long as its holder may read them."""
    viewer = await _holder(viewers, link.holder_id, link.company_id)
    format = ActivityFormat(link.format)
    conditions = ActivityConditions.deserialize(link.conditions)
    headers = {
        "Content-Disposition": f'attachment; filename="activity.{format.value}"',
        "Cache-Control": "private, no-store",
    }
    content = activity_exports.chunks(database, viewer, conditions, format)
    return StreamingResponse(content, headers=headers, media_type=MEDIA_TYPES[format])


async def _holder(viewers: Viewers | None, holder_id: UUID | None, company_id: UUID) -> Viewer:
    if viewers is not None and holder_id is not None:
        try:
            viewer = await viewers.load(Credential(holder_id), None)
            access.require(viewer, "activity:read")
        except (NotAuthenticated, Forbidden):
            pass
        else:
            if viewer.company_id == company_id:
                return viewer
    raise ResourceExpired("The link is no longer valid.")
