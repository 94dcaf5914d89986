"""Publishing of saved reports: renders their files and a document for chat."""

import hashlib
from typing import Any

from db.ids import id_derived_from
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.insights.report_renderers import File, render_files
from pipelines.runtime.handlers import Run, handles
from resolvers.insights import generated_documents, saved_reports
from resolvers.insights.saved_reports import PublishReport
from resolvers.object_removal import enqueue_removal

RENDER_TIMEOUT_SECONDS = 120.0
RENDERED_PROGRESS, STORED_PROGRESS = 0.6, 0.9


@handles(PublishReport)
async def publish_report(job: PublishReport, run: Run) -> CompletionHook | None:
    """Render and store the files of a revision. Safe to repeat: the files are the same every time."""
    async with run.read() as uow:
        row = await saved_reports.find_revision(uow, job.saved_report_id, job.revision)
    folder = f"{saved_reports.files_prefix(run.company_id, job.saved_report_id)}/{job.revision}"
    if row is None or not saved_reports.is_exportable(row):

        async def remove(uow: UnitOfWork) -> None:  # what an attempt that was killed has stored
            await enqueue_removal(uow, None, f"{folder}/")

        return remove
    date_line = f"Made on {row.generated_at:%d %B %Y}".replace(" 0", " ")
    text = row.edited_text or row.generated_text
    title = row.title or "Report"
    made = await run.cpu_within(
        RENDER_TIMEOUT_SECONDS, render_files, title, date_line, row.report_data or {}, text
    )
    await run.report(RENDERED_PROGRESS)
    for file in made:
        await run.put(f"{folder}/{file.name}", file.content)
    (markdown,) = [file.content for file in made if file.format == "MARKDOWN"]
    upload_id = id_derived_from(run.id, "text")
    await run.put(generated_documents.text_key(run.company_id, upload_id), markdown)
    await run.report(STORED_PROGRESS)
    digest = hashlib.sha256(markdown).hexdigest()
    entries = [file_entry(folder, file) for file in made]

    async def finish(uow: UnitOfWork) -> None:
        await saved_reports.save_files(uow, row, entries, upload_id, size=len(markdown), sha256=digest)

    return finish


def file_entry(folder: str, file: File) -> dict[str, Any]:
    """A file as JSON in the report's row."""
    return {
        "name": file.name,
        "format": file.format,
        "mime_type": file.mime_type,
        "size": len(file.content),
        "key": f"{folder}/{file.name}",
    }
