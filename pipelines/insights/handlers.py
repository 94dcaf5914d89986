"""Imports of past consumption: from an uploaded file to what the profile and the chat know of it."""

import hashlib
from pathlib import Path
from typing import Any

from core.errors import Conflict
from db.ids import new_id
from db.models import ReadingPeriod
from db.queue import Finish
from db.uow import UnitOfWork
from pipelines.insights.consumption_summary import as_text, summary_of
from pipelines.insights.meter_readings import Consumption, Reading, consumption_of
from pipelines.runtime.handlers import Run, handles
from pipelines.runtime.workdirs import working_folder
from resolvers.insights import generated_documents, imports
from resolvers.insights.imports import ImportHistoricalData
from resolvers.insights.table_layout import Layout

READING_SECONDS = 300.0
FETCHED, READ, STORED = 0.1, 0.8, 0.95
"""How much is done once the file is here, is read, and its readings are stored."""


@handles(ImportHistoricalData)
async def import_historical_data(job: ImportHistoricalData, run: Run) -> Finish | None:
    """Read, add up, store. Safe to repeat: an import's readings are replaced as a whole."""
    async with run.read() as uow:
        begun = await imports.load(uow, job.import_id)
    if begun is None:
        raise Conflict("The file of this import is gone.")
    row, layout, upload = begun
    with working_folder() as folder:
        path = await run.services.store.fetch(upload.storage_key, Path(folder) / "readings")
        await run.report(FETCHED)
        found, summary = await run.cpu_within(READING_SECONDS, read_and_summarise, path, layout)
    await run.report(READ)
    async with run.write() as uow:
        await imports.save_readings(uow, row.id, readings(found))
    await run.report(STORED)
    text = as_text(summary, row.filename).encode()
    upload_id = new_id()
    await run.services.store.put(generated_documents.text_key(run.company_id, upload_id), text)
    digest = hashlib.sha256(text).hexdigest()

    async def finish(uow: UnitOfWork) -> None:
        await imports.complete(uow, row, summary, upload_id, size=len(text), sha256=digest)

    return finish


def read_and_summarise(path: Path, layout: Layout) -> tuple[Consumption, dict[str, Any]]:
    """The file's days and months, and what they say; runs in a child process."""
    found = consumption_of(path, layout)
    return found, summary_of(found)


def readings(found: Consumption) -> list[dict[str, Any]]:
    """The rows of all days and months."""
    return [
        *(columns(ReadingPeriod.DAY, day) for day in found.days),
        *(columns(ReadingPeriod.MONTH, month) for month in found.months),
    ]


def columns(period: ReadingPeriod, reading: Reading) -> dict[str, Any]:
    """The columns of a stored reading."""
    return {
        "period": period,
        "starts_on": reading.starts_on,
        "kwh": reading.kwh,
        "renewable_kwh": reading.renewable_kwh,
        "coverage": reading.coverage,
    }
