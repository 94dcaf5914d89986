"""Versions of a project's sheets. One file is one version of a sheet, however often it is compared."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from db.arrays import any_id
from db.ids import new_id
from db.models import Drawing, DrawingSession, DrawingType, DrawingVersion, Project, SheetState, Upload
from db.uow import UnitOfWork


def file_of_sheet() -> ColumnElement[Any]:
    """The upload that a sheet of a session is a page of."""
    is_old = Drawing.drawing_type == DrawingType.OLD
    return case((is_old, DrawingSession.old_upload_id), else_=DrawingSession.new_upload_id)


def sheets_with_files(*columns: Any) -> Select[Any]:
    """A select of sheets with their sessions and files, as far as those still exist."""
    joined = select(*columns).join(DrawingSession, Drawing.session_id == DrawingSession.id)
    return joined.outerjoin(Upload, Upload.id == file_of_sheet())


async def create(uow: UnitOfWork, session_id: UUID) -> None:
    """Create missing versions of the session's readable sheets, the old file first, if it has a project."""
    project_id = await uow.scalar(select(DrawingSession.project_id).where(DrawingSession.id == session_id))
    if project_id is None:
        return
    # serializes version numbers per project
    await uow.execute(select(Project.id).where(Project.id == project_id).with_for_update())
    known: set[Any] = set()
    numbers: dict[str, int] = {}
    for row in await uow.all(_versions_with_files(project_id)):
        known |= {row.drawing_id, (row.drawing_name, row.sha256)}
        numbers[row.drawing_name] = max(row.version_number, numbers.get(row.drawing_name, 0))
    rows = []
    for sheet in await uow.all(_readable_sheets(session_id)):
        content = sheet.drawing_name, sheet.sha256
        if sheet.id in known or (sheet.sha256 and content in known):
            continue
        known.add(content)
        name = sheet.drawing_name
        numbers[name] = numbers.get(name, 0) + 1
        rows.append(
            {
                "id": new_id(),
                "project_id": project_id,
                "drawing_id": sheet.id,
                "drawing_name": name,
                "file_sha256": sheet.sha256,
                "version_number": numbers[name],
                "version_label": ((sheet.drawing_metadata or {}).get("titleBlock") or {}).get("label"),
            }
        )
    if rows:
        await uow.execute(insert(DrawingVersion).values(rows))


def _versions_with_files(project_id: UUID) -> Select[Any]:
    columns: list[Any] = [
        DrawingVersion.drawing_id,
        DrawingVersion.drawing_name,
        DrawingVersion.version_number,
        func.coalesce(DrawingVersion.file_sha256, Upload.sha256).label("sha256"),
    ]
    return (
        select(*columns)
        .outerjoin(Drawing, Drawing.id == DrawingVersion.drawing_id)
        .outerjoin(DrawingSession, DrawingSession.id == Drawing.session_id)
        .outerjoin(Upload, Upload.id == file_of_sheet())
        .where(DrawingVersion.project_id == project_id)
    )


def _readable_sheets(session_id: UUID) -> Select[Any]:
    return (
        sheets_with_files(Drawing.id, Drawing.drawing_name, Drawing.drawing_metadata, Upload.sha256)
        .where(Drawing.session_id == session_id)
        .where(or_(Drawing.state == SheetState.COMPLETED, Drawing.state == SheetState.UNMATCHED))
        .order_by(Drawing.drawing_type.desc(), Drawing.page_number)
    )


async def versions_of_sheets(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, UUID]:
    """The version that each sheet shows, if its session has a project."""
    same_content = and_(
        DrawingVersion.project_id == DrawingSession.project_id,
        DrawingVersion.drawing_name == Drawing.drawing_name,
        DrawingVersion.file_sha256 == Upload.sha256,
    )
    own = DrawingVersion.drawing_id == Drawing.id
    statement = (
        sheets_with_files(Drawing.id.label("sheet_id"), DrawingVersion.id)
        .join(DrawingVersion, or_(own, same_content))
        .where(Drawing.id == any_id(ids))
        .order_by(own.desc(), DrawingVersion.version_number)
    )
    found: dict[UUID, UUID] = {}
    for row in await uow.all(statement):
        found.setdefault(row.sheet_id, row.id)
    return found


async def adopt(uow: UnitOfWork, project_id: UUID) -> None:
    """Let versions whose sheet was deleted show a sheet of another session of the same file."""
    statement = (
        sheets_with_files(DrawingVersion.id, Drawing.id.label("sheet_id"))
        .join(
            DrawingVersion,
            and_(
                DrawingVersion.project_id == DrawingSession.project_id,
                DrawingVersion.drawing_name == Drawing.drawing_name,
                DrawingVersion.file_sha256 == Upload.sha256,
            ),
        )
        .where(DrawingVersion.project_id == project_id, DrawingVersion.drawing_id.is_(None))
        .order_by(Drawing.id)
    )
    sheets = {row.id: row.sheet_id for row in await uow.all(statement)}
    for id, sheet_id in sheets.items():
        orphan = update(DrawingVersion).where(DrawingVersion.id == id)
        await uow.execute(orphan.values(drawing_id=sheet_id))
