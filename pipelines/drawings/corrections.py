"""Job that compares one pair of sheets again after a correction, and describes its changes."""

from types import SimpleNamespace
from typing import Any

from db.models import SheetState
from pipelines.drawings.analysis import analysis_values, store_analysis
from pipelines.drawings.handlers import comparison_values
from pipelines.runtime.handlers import Run, handles
from resolvers.drawings import comparison_results
from resolvers.drawings.corrections import CompareSheet


@handles(CompareSheet)
async def compare_sheet(job: CompareSheet, run: Run) -> None:
    """Compare the pair, again if it is corrected meanwhile. Idempotent: does nothing unless it is pending.

    If the comparison fails, the results of the last one stay, with the reason.
    """
    while True:
        async with run.read() as uow:
            work = await comparison_results.find_pending(uow, job.comparison_id)
        if work is None:
            return
        values = await comparison_values(run, work.session, work.pair, work.old, work.new)
        has_failed = values["state"] is SheetState.FAILED
        await run.report(0.8)
        row: Any = work.pair
        pair: Any = SimpleNamespace(**{**row._asdict(), **values})
        described = None if has_failed else await analysis_values(run, pair, work.new)
        async with run.write() as uow:
            await run.mark_progress(uow)
            if not await comparison_results.is_current(uow, work):
                continue
            if described is None:
                await comparison_results.fail_comparison(uow, pair.id, values["error_message"])
            else:
                await comparison_results.update_comparison(uow, pair.id, values)
                await store_analysis(uow, run, pair, *described)
            return
