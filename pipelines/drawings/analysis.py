"""Analysis job: descriptions of the changes on the sheets of a drawing session."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from core.ports import Analysis, DrawingImages, Evidence
from core.working_folders import working_folder
from db.models import Comparison, Drawing, DrawingSession, SheetState, TokenUsage
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.drawings.change_values import to_evidence
from pipelines.drawings.crops import MAX_CROPS, crop_regions
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.drawings import comparison_results, sessions
from resolvers.drawings.sessions import AnalyseSheets

CROP_SECONDS = 60.0
OPERATION = "drawing_analysis"


@handles(AnalyseSheets)
async def analyse_sheets(job: AnalyseSheets, run: Run) -> CompletionHook:
    """Describe the changes of each pair. Idempotent: the latest descriptions replace earlier ones."""
    async with run.read() as uow:
        sheets = {sheet.id: sheet for sheet in await comparison_results.list_pages(uow, job.session_id)}
        comparisons = await comparison_results.list_comparisons(uow, job.session_id)
    for done, pair in enumerate(comparisons, 1):
        values, analysis = await analysis_values(run, pair, sheets[pair.new_drawing_id])
        async with run.write() as uow:
            await run.mark_progress(uow)
            await store_analysis(uow, run, pair, values, analysis)
        await run.report(done / len(comparisons))

    async def finish(uow: UnitOfWork) -> None:
        await sessions.complete(uow, job.session_id)

    return finish


async def store_analysis(
    uow: UnitOfWork, run: Run, pair: Comparison, values: dict[str, Any], analysis: Analysis | None
) -> None:
    """Store the columns of an analysis, the descriptions of the changes, and the tokens used."""
    await comparison_results.save_analysis(uow, pair, values, analysis.descriptions if analysis else ())
    if analysis is not None and analysis.language_model is not None:
        await record_token_usage(uow, run, pair, analysis)


async def analysis_values(
    run: Run, pair: Comparison, sheet: Drawing
) -> tuple[dict[str, Any], Analysis | None]:
    """Columns of an analysis, and the analyser's result; None for a pair whose comparison failed."""
    if pair.state is SheetState.FAILED:
        failed: dict[str, Any] = {"success": False, "error_message": pair.error_message, "changes_found": []}
        model = {"ai_model_used": run.services.analyser.model, "critical_change": None}
        return failed | model | {"analysis_summary": None, "recommendations": []}, None
    evidence = [to_evidence(change) for change in pair.changes]
    metadata = sheet.drawing_metadata or {}
    measures = {
        "score": pair.alignment_score,
        "confident": not pair.low_confidence,
        "change_ratio": pair.change_ratio,
        "width": metadata["width"],
        "height": metadata["height"],
        "size_note": (pair.alignment or {}).get("size_note"),
    }
    analysis = await run.services.analyser.analyse(
        pair.drawing_name, evidence, measures, await drawing_images(run, pair, evidence)
    )
    values = {
        "success": True,
        "error_message": None,
        "changes_found": list(analysis.changes),
        "critical_change": analysis.critical_change,
        "analysis_summary": analysis.summary,
        "recommendations": list(analysis.recommendations),
        "ai_model_used": analysis.model,
    }
    return values, analysis


async def drawing_images(run: Run, pair: Comparison, evidence: Sequence[Evidence]) -> DrawingImages | None:
    """Overlay and crops of the largest regions; None if there are none or the analyser uses no images."""
    if not run.services.analyser.uses_images or not evidence or pair.low_confidence or not pair.overlay_path:
        return None
    largest = sorted(range(len(evidence)), key=lambda index: -evidence[index].area)[:MAX_CROPS]
    with working_folder() as name:
        overlay = await run.services.store.fetch(pair.overlay_path, Path(name) / "overlay.png")
        preview = await run.services.store.fetch(str(pair.overlay_preview_path), Path(name) / "preview.png")
        boxes = {index: evidence[index].box for index in largest}
        return await run.cpu_within(CROP_SECONDS, crop_regions, overlay, preview, boxes)


async def record_token_usage(uow: UnitOfWork, run: Run, pair: Comparison, analysis: Analysis) -> None:
    """Record the model's token usage for the session's user."""
    user_id = await uow.scalar(select(DrawingSession.user_id).where(DrawingSession.id == pair.session_id))
    tokens = analysis.prompt_tokens, analysis.completion_tokens
    usage = token_usage.usage_columns(
        run.services.prices, OPERATION, analysis.language_model, *tokens, operation_id=str(pair.id)
    )
    await uow.execute(insert(TokenUsage).values(user_id=user_id, **usage))
