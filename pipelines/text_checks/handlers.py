"""Text check jobs: search for each sentence, judge it and store the finding."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from core.ports import Embed, Passage
from core.sentence_segmentation import Span, sentences
from db.models import SentenceVerdict, TextCheck, TextCheckState
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.chat.embedding_memory import embed_once
from pipelines.runtime.handlers import Run, handles
from pipelines.text_checks import verdicts
from pipelines.text_checks.statements import reason_not_to_check
from pipelines.text_checks.verdicts import SentenceFinding
from resolvers import token_usage
from resolvers.access import Viewer
from resolvers.chat import text_checks
from resolvers.chat.text_checks import CheckText
from resolvers.identity import accounts
from resolvers.knowledge import model_rollout, retrieval

RETRIEVAL_LIMIT = 6
"""Passages per sentence."""


@handles(CheckText)
async def check_text(job: CheckText, run: Run) -> CompletionHook | None:
    """Check the sentences of a text in order. Resumes after the sentences that are checked."""
    async with run.write() as uow:
        check = await text_checks.load(uow, job.check_id)
        if check is None:
            return None
        await text_checks.set_state(uow, check.id, TextCheckState.CHECKING)
    viewer = await accounts.load_viewer(run.services.database, job.user_id, None)
    embed = embed_once(run.services.embedders.sentences.embed)
    floor = await verdicts.similarity_floor(embed)
    spans = sentences(check.text)
    for number in range(text_checks.checked_count(check) + 1, len(spans) + 1):
        span = spans[number - 1]
        finding, usage = await check_sentence(run, viewer, check, span, embed, floor)
        async with run.write() as uow:
            await text_checks.add_sentence(uow, check.id, sentence_columns(number, check.text, span, finding))
            if usage is not None:
                await text_checks.record_usage(uow, job.user_id, check.id, usage)
            await run.mark_progress(uow)
        await run.report(number / len(spans))

    async def finish(uow: UnitOfWork) -> None:
        await text_checks.complete(uow, job.check_id)

    return finish


async def check_sentence(
    run: Run, viewer: Viewer, check: TextCheck, span: Span, embed: Embed, floor: float
) -> tuple[SentenceFinding, Mapping[str, Any] | None]:
    """The finding on a sentence, and the token usage of its search."""
    reason = reason_not_to_check(check.text, span)
    if reason is not None:
        return SentenceFinding(SentenceVerdict.NOT_CHECKED, reason=reason), None
    sentence = check.text[slice(*span)]
    passages, usage = await retrieve_passages(run, viewer, check, sentence)
    return await verdicts.judge(sentence, passages, embed, floor), usage


async def retrieve_passages(
    run: Run, viewer: Viewer, check: TextCheck, sentence: str
) -> tuple[Sequence[Passage], Mapping[str, Any]]:
    """The passages nearest to a sentence that the viewer can read, and the token usage of the search."""
    async with run.read() as uow:
        embedder = await model_rollout.search_embedder(uow, run.services.embedders)
    searched = await retrieval.search(
        run.services.database,
        viewer,
        embedder,
        run.services.vectors,
        sentence,
        document_ids=None if check.document_ids is None else [UUID(id) for id in check.document_ids],
        limit=RETRIEVAL_LIMIT,
    )
    usage = token_usage.embedding_usage_columns(run.services.prices, searched.embedder, searched.tokens)
    return searched.passages, usage


def sentence_columns(number: int, text: str, span: Span, finding: SentenceFinding) -> dict[str, Any]:
    """The columns of a checked sentence."""
    start, end = span
    return {
        "number": number,
        "text_start_index": start,
        "text_end_index": end,
        "text": text[start:end],
        "verdict": finding.verdict,
        "confidence": None if finding.confidence is None else round(finding.confidence, 4),
        "reason": finding.reason,
        "differences": [asdict(difference) for difference in finding.differences],
        "citation": citation_json(finding),
    }


def citation_json(finding: SentenceFinding) -> dict[str, Any] | None:
    """The part of the passage that a finding rests on, as JSON."""
    passage, (start, end) = finding.passage, finding.span
    if passage is None:
        return None
    return {
        "document_id": str(passage.document_id),
        "document_title": passage.source,
        "page": passage.page,
        "snippet": passage.text[start:end],
        "start": passage.start + start,
        "end": passage.start + end,
    }
