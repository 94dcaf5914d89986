"""Imports of historical consumption: preview, import job, and the company profile."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict, UnsupportedContent
from core.imports import load as load_module
from core.ports import ObjectStore
from core.working_folders import working_folder
from db.ids import new_id
from db.models import (
    CompanyProfile,
    ConsumptionReading,
    HistoricalDataImport,
    ProcessingJobType,
    Upload,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log, files
from resolvers.access import Viewer
from resolvers.insights import energy_sources, generated_documents
from resolvers.insights.consumption_files.layout import Layout, LayoutOverrides
from resolvers.insights.profile import sustainability_score
from resolvers.insights.workbooks import XLSX_TYPE
from resolvers.jobs import start_processing

if TYPE_CHECKING:
    from resolvers.insights.consumption_files.decisions import FileReading

SUBJECT = "historical data"
MAX_REQUEST_BYTES = 32 * 1024 * 1024
"""Size of a file that is understood within a request."""
FILE_LOST = "The stored file of this upload is missing. Upload it again."
INFERENCE = "resolvers.insights.consumption_files.inference:understand"
INSERT_BATCH_SIZE = 1000
LAYOUT_ADAPTER: TypeAdapter[Layout] = TypeAdapter(Layout)


@dataclass(frozen=True)
class ImportHistoricalData(Job):
    """Import a file of historical consumption. The job has the import's id."""

    import_id: UUID
    queue: ClassVar[str] = "imports"


async def understand_upload(
    store: ObjectStore, upload: Upload, overrides: LayoutOverrides, expected_kwh: float | None
) -> "FileReading":
    """How an upload can be read. Do not hold a unit of work meanwhile.

    Raises `UnsupportedContent` or `Invalid` if it contains no table, and `Conflict` if the file is lost.
    `expected_kwh` is a year's consumption.
    """
    if upload.mime_type != XLSX_TYPE and not upload.mime_type.startswith("text/"):
        raise UnsupportedContent("The file must be CSV or XLSX.", "input", "uploadId")
    if upload.size > MAX_REQUEST_BYTES:
        message = (
            f"The file must be at most {MAX_REQUEST_BYTES >> 20} MB. Divide it, or save it as daily values."
        )
        raise UnsupportedContent(message, "input", "uploadId")
    with working_folder() as folder:
        try:
            path = await store.fetch(upload.storage_key, Path(folder) / "readings")
        except FileNotFoundError:
            raise Conflict(FILE_LOST, "input", "uploadId") from None
        return await asyncio.to_thread(understand_file, path, upload.mime_type, overrides, expected_kwh)


def understand_file(
    path: Path, mime_type: str, overrides: LayoutOverrides, expected_kwh: float | None
) -> "FileReading":
    """How a file can be read. Loads its libraries on the first call."""
    reading: FileReading = load_module(INFERENCE)(path, mime_type, overrides, expected_kwh)
    return reading


async def expected_consumption(uow: UnitOfWork) -> float | None:
    """A year's consumption in kWh as the company's profile says it."""
    kwh: float | None = await uow.scalar(select(CompanyProfile.total_consumption_kwh))
    return kwh


async def find_upload(uow: UnitOfWork, viewer: Viewer, upload_id: UUID) -> Upload:
    """The viewer's stored upload."""
    access.require(viewer, "reports:configure")
    return await files.find_stored(uow, viewer, upload_id, "input", "uploadId")


async def latest_id(uow: UnitOfWork, viewer: Viewer) -> UUID | None:
    """Id of the latest completed import, if the viewer can see it."""
    model = HistoricalDataImport
    completed = access.visible(viewer, model, model.id).where(model.completed_at.is_not(None))
    latest: UUID | None = await uow.scalar(
        completed.order_by(model.completed_at.desc(), model.id.desc()).limit(1)
    )
    return latest


async def create(uow: UnitOfWork, viewer: Viewer, upload: Upload, layout: Layout) -> HistoricalDataImport:
    """Create an import of an upload, and its job."""
    access.require(viewer, "reports:configure")
    values = {
        "id": new_id(),
        "upload_id": upload.id,
        "filename": upload.filename,
        "mapping": to_json(asdict(layout)),
        "requested_by_id": viewer.user_id,
    }
    created = await uow.one(insert(HistoricalDataImport).values(values).returning(HistoricalDataImport))
    job, kind = ImportHistoricalData(created.id), ProcessingJobType.DATA_IMPORT
    await start_processing(uow, job, kind, SUBJECT, viewer.user_id, id=created.id)
    await activity_log.record(
        uow, viewer.user_id, "HISTORICAL_DATA_IMPORT", "HistoricalDataImport", created.id
    )
    return created


def to_json(value: Any) -> Any:
    """The value with enums replaced by their values."""
    if isinstance(value, Mapping):
        return {name: to_json(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [to_json(inner) for inner in value]
    return value.value if isinstance(value, Enum) else value


async def load(uow: UnitOfWork, import_id: UUID) -> tuple[HistoricalDataImport, Layout, Upload] | None:
    """The import, its layout and its upload, or None if one was deleted."""
    row = await uow.first(select(HistoricalDataImport).where(HistoricalDataImport.id == import_id))
    if row is None:
        return None
    upload = await uow.first(select(Upload).where(Upload.id == row.upload_id))
    if upload is None:
        return None
    return row, LAYOUT_ADAPTER.validate_python(row.mapping), upload


async def save_readings(uow: UnitOfWork, import_id: UUID, readings: Sequence[Mapping[str, Any]]) -> None:
    """Replace the readings of an import."""
    await uow.execute(delete(ConsumptionReading).where(ConsumptionReading.import_id == import_id))
    rows = [{"id": new_id(), "import_id": import_id, **reading} for reading in readings]
    for start in range(0, len(rows), INSERT_BATCH_SIZE):
        await uow.execute(insert(ConsumptionReading).values(rows[start : start + INSERT_BATCH_SIZE]))


async def complete(
    uow: UnitOfWork,
    row: HistoricalDataImport,
    readings: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    upload_id: UUID,
    *,
    size: int,
    sha256: str,
) -> None:
    """Complete an import: store its readings, update the profile, and store its summary as a document.

    Deletes the readings and documents of earlier imports; their summaries are kept.
    """
    profile = await lock_profile(uow)  # imports of a company complete one after the other
    await save_readings(uow, row.id, readings)
    others = HistoricalDataImport.id != row.id
    for earlier in await uow.all(
        select(HistoricalDataImport).where(others, HistoricalDataImport.document_id.is_not(None))
    ):
        await generated_documents.delete(uow, None, earlier.document_id)
    await uow.execute(update(HistoricalDataImport).where(others).values(document_id=None))
    await uow.execute(delete(ConsumptionReading).where(ConsumptionReading.import_id != row.id))
    title = f"Historical consumption, {row.filename}"
    document_id = await generated_documents.create(
        uow, row.requested_by_id, upload_id, title, size=size, sha256=sha256
    )
    values = {"summary": dict(summary), "document_id": document_id, "completed_at": func.now()}
    await uow.execute(update(HistoricalDataImport).where(HistoricalDataImport.id == row.id).values(values))
    await update_profile(uow, profile, summary)
    await energy_sources.seed(uow)


async def lock_profile(uow: UnitOfWork) -> CompanyProfile:
    """The company's profile, locked until the end of the unit. It is created if it is missing."""
    await uow.execute(upsert(CompanyProfile).values(id=new_id()).on_conflict_do_nothing())
    return await uow.one(select(CompanyProfile).with_for_update())


async def update_profile(uow: UnitOfWork, profile: CompanyProfile, summary: Mapping[str, Any]) -> None:
    """Update the profile from the summary of an import."""
    values: dict[str, Any] = {
        "historical_data_uploaded": True,
        "total_consumption_kwh": summary["annual_kwh"],
    }
    if summary["renewable_percentage"] is not None:
        values["current_renewable_percentage"] = summary["renewable_percentage"]
    renewable = values.get("current_renewable_percentage", profile.current_renewable_percentage)
    score = sustainability_score(renewable, profile.renewable_percentage_increase)
    if score is not None:
        values["sustainability_score"] = score
    await uow.execute(update(CompanyProfile).values(values))
