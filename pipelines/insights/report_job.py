"""Report jobs: steps are checkpointed one by one, so that a later attempt resumes."""

import time
from typing import Any

from sqlalchemy import select

from core.errors import Conflict
from core.ports import ModelFailure
from db.models import Report, ReportEventKind
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.insights import narrative
from pipelines.insights.report_steps import STEPS, run_step
from pipelines.runtime.handlers import Run, handles
from resolvers.insights import reports
from resolvers.insights.reports import GenerateReport

STEP_TIMEOUT_SECONDS = 120.0
NARRATIVE = "narrative"


@handles(GenerateReport)
async def generate_report(job: GenerateReport, run: Run) -> CompletionHook | None:
    """Run the steps that are not complete. The inputs are those of the first attempt."""
    async with run.read() as uow:
        report = await uow.first(select(Report).where(Report.id == job.report_id))
    if report is None:
        raise Conflict("This report no longer exists.")
    done: dict[str, Any] = dict(run.checkpoint or {})
    if "inputs" not in done:
        async with run.write() as uow:
            done["inputs"] = await reports.plan_inputs(uow, report)
            await run.save(done, uow)
    for number, name in enumerate(STEPS):
        if name not in done:
            await generate_step(run, report, name, done)
        await run.report((number + 1) / (len(STEPS) + 1))
    has_narrative = report.config["narrative"]
    if has_narrative and NARRATIVE not in done:
        await write_narrative(run, report, done)
    data = {"inputs": done["inputs"], **{name: done[name] for name in STEPS}}
    text = done[NARRATIVE]["text"] if has_narrative else None
    usage = done[NARRATIVE]["usage"] if has_narrative else None

    async def finish(uow: UnitOfWork) -> None:
        await reports.complete(uow, report, data, done["confidence"]["total"], text, usage)

    return finish


async def generate_step(run: Run, report: Report, name: str, done: dict[str, Any]) -> None:
    """Run a step and save its result."""
    await publish_step_started(run, report, name)
    start = time.monotonic()
    previous = {step: found for step, found in done.items() if step in STEPS}
    done[name] = await run.cpu_within(STEP_TIMEOUT_SECONDS, run_step, name, done["inputs"], previous)
    await save_step(run, report, name, done, time.monotonic() - start)


async def write_narrative(run: Run, report: Report, done: dict[str, Any]) -> None:
    """Write the narrative by the language model, or by the template without one or if it fails for good."""
    await publish_step_started(run, report, NARRATIVE)
    start, data = time.monotonic(), {name: done[name] for name in STEPS}
    text, usage, summary = narrative.render_template(done["inputs"], data), None, "Written by a template."
    if run.services.settings.chat_url is not None:
        try:
            written, end = await narrative.write_narrative(run.services.chat, done["inputs"], data)
        except ModelFailure as failure:
            if failure.is_transient and not run.is_last:
                raise
            summary = f"{failure.message} A template was used instead."
        else:
            if written:
                text, summary = written, f"Written by {end.model}."
            usage = {
                "prompt_tokens": end.prompt_tokens,
                "completion_tokens": end.completion_tokens,
                "total_tokens": end.prompt_tokens + end.completion_tokens,
                "model_name": end.model[:100],
            }
    done[NARRATIVE] = {"summary": summary, "text": text, "usage": usage}
    await save_step(run, report, NARRATIVE, done, time.monotonic() - start)


async def publish_step_started(run: Run, report: Report, name: str) -> None:
    """Publish that a step has started."""
    async with run.write() as uow:
        await reports.append_event(uow, report.id, ReportEventKind.STEP_STARTED, name)


async def save_step(run: Run, report: Report, name: str, done: dict[str, Any], seconds: float) -> None:
    """Save a step's result, log and event in one transaction."""
    async with run.write() as uow:
        await reports.log_step(uow, report, name, done[name], seconds)
        await run.save(done, uow)
