"""Import jobs: read meter readings from an upload, store them, and summarize them for profile and chat."""

import hashlib
from pathlib import Path
from typing import Any

from core.errors import Conflict
from core.working_folders import working_folder
from db.ids import id_derived_from
from db.models import ReadingPeriod
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.insights.consumption_summary import read_and_summarize, render_markdown
from pipelines.insights.meter_readings import Consumption, PeriodConsumption
from pipelines.runtime.handlers import Run, handles
from resolvers.insights import generated_documents, imports
from resolvers.insights.imports import ImportHistoricalData

READ_TIMEOUT_SECONDS = 300.0
FETCHED_PROGRESS, READ_PROGRESS = 0.1, 0.8
"""Progress after each stage."""


@handles(ImportHistoricalData)
async def import_historical_data(job: ImportHistoricalData, run: Run) -> CompletionHook | None:
    """Read, aggregate and store. Safe to repeat: all readings of the import are replaced."""
    async with run.read() as uow:
        started = await imports.load(uow, job.import_id)
    if started is None:
        raise Conflict("The file of this import no longer exists.")
    row, layout, upload = started
    with working_folder() as folder:
        path = await run.services.store.fetch(upload.storage_key, Path(folder) / "readings")
        await run.report(FETCHED_PROGRESS)
        consumption, summary = await run.cpu_within(
            READ_TIMEOUT_SECONDS, read_and_summarize, path, upload.mime_type, layout
        )
    await run.report(READ_PROGRESS)
    text = render_markdown(summary, row.filename).encode()
    upload_id = id_derived_from(run.id, "text")
    await run.put(generated_documents.text_key(run.company_id, upload_id), text)
    digest = hashlib.sha256(text).hexdigest()

    async def finish(uow: UnitOfWork) -> None:
        readings = reading_rows(consumption)
        await imports.complete(uow, row, readings, summary, upload_id, size=len(text), sha256=digest)

    return finish


def reading_rows(consumption: Consumption) -> list[dict[str, Any]]:
    """The columns of all days and months."""
    return [
        *(reading_columns(ReadingPeriod.DAY, day) for day in consumption.days),
        *(reading_columns(ReadingPeriod.MONTH, month) for month in consumption.months),
    ]


def reading_columns(period: ReadingPeriod, reading: PeriodConsumption) -> dict[str, Any]:
    """The columns of a period's reading."""
    return {
        "period": period,
        "starts_on": reading.starts_on,
        "kwh": reading.kwh,
        "renewable_kwh": reading.renewable_kwh,
        "coverage": reading.coverage,
    }
