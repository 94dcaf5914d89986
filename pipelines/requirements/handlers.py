"""Requirement proposal jobs: analyze the design, classify the component, propose each category."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.errors import Conflict
from core.ports import ModelFailure, Passage
from core.working_folders import working_folder
from db.models import LlmProvider, ProposalStage, RequirementCategory
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.requirements import llm_proposals, proposers
from pipelines.requirements.classification import MIN_CONFIDENCE, Classification, classify
from pipelines.requirements.design_analysis import Design, analyze_design
from pipelines.requirements.evidence import Sentence, description_sentences, document_sentences
from pipelines.requirements.llm_proposals import MalformedResponse
from pipelines.requirements.pattern_library import LIBRARY_NAME, Pattern, load_patterns
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.access import Viewer
from resolvers.identity import accounts
from resolvers.knowledge import model_rollout, retrieval
from resolvers.requirements import proposals
from resolvers.requirements.proposals import STAGE_PROGRESS, ProposeRequirements, RequirementDraft

ANALYSIS_TIMEOUT_SECONDS = 120.0
RETRIEVAL_LIMIT = 10
"""Passages per query."""
COMPONENT_QUERY = "component: button, card, input, select, checkbox, radio, switch, tabs, badge, alert"
CATEGORY_QUERIES = {
    RequirementCategory.PROPS: "properties, variants, sizes, options",
    RequirementCategory.EVENTS: "events, callbacks, what happens when it is used",
    RequirementCategory.STATES: "states: hover, focus, disabled, error, loading",
    RequirementCategory.ACCESSIBILITY: "accessibility, keyboard, screen reader, role, contrast",
}
"""Search queries for documents, by category."""


@dataclass
class CategoryResults:
    """Notes on the model's part, by completed category."""

    notes: dict[str, str]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@handles(ProposeRequirements)
async def propose_requirements(job: ProposeRequirements, run: Run) -> CompletionHook | None:
    """Propose requirements from a proposal's sources. Resumes after the categories that are complete."""
    async with run.write() as uow:
        proposal = await proposals.load(uow, job.proposal_id)
    if proposal is None:
        return None
    viewer = await accounts.load_viewer(run.services.database, job.user_id, None)
    await enter_stage(run, job.proposal_id, ProposalStage.CLASSIFYING)
    design = await load_design(run, proposal)
    description = description_sentences(proposal.description or "")
    pattern, certainty = await determine_pattern(run, viewer, proposal, description, design)
    await enter_stage(run, job.proposal_id, ProposalStage.ANALYZING)
    queries = [f"{pattern.names[0]} {about}" for about in CATEGORY_QUERIES.values()]
    passages = await retrieve_passages(run, viewer, proposal, queries)
    sentences = [*description, *document_sentences(passages, pattern, list(load_patterns().values()))]
    sentences += proposers.design_sentences(design) if design else []
    results = CategoryResults(dict((run.checkpoint or {}).get("notes", {})))
    await gather_or_cancel(
        [
            propose_category(run, job, category, pattern, certainty, sentences, design, results)
            for category in RequirementCategory
            if category.value not in results.notes
        ]
    )
    await enter_stage(run, job.proposal_id, ProposalStage.FINALIZING)

    async def finish(uow: UnitOfWork) -> None:
        await proposals.complete(uow, job.proposal_id, proposer_names(results.notes))

    return finish


async def enter_stage(run: Run, id: UUID, stage: ProposalStage, **values: Any) -> None:
    """Start a stage."""
    await run.report(STAGE_PROGRESS[stage] / 100)
    async with run.write() as uow:
        await proposals.set_stage(uow, id, stage, **values)


async def load_design(run: Run, proposal: Row[Any]) -> Design | None:
    """The analysis of the uploaded design, computed once; None without a design."""
    if proposal.design is not None:
        return Design.deserialize(proposal.design)
    if proposal.storage_key is None:
        return None
    with working_folder() as folder:
        path = await run.services.store.fetch(proposal.storage_key, Path(folder) / "design")
        design = await run.cpu_within(ANALYSIS_TIMEOUT_SECONDS, analyze_design, path)
    await enter_stage(run, proposal.id, ProposalStage.CLASSIFYING, design=design.serialize())
    return design


async def determine_pattern(
    run: Run, viewer: Viewer, proposal: Row[Any], description: Sequence[Sentence], design: Design | None
) -> tuple[Pattern, float]:
    """The pattern of the component's type, and its confidence; stores the classification.

    Raises `Conflict`, with the guess, if it is unclear.
    """
    if proposal.component_type is not None:
        confidence = proposal.classification_confidence
        return load_patterns()[proposal.component_type], 1.0 if confidence is None else confidence
    if not description and design is None and not proposal.document_ids:
        raise Conflict("The design of this proposal no longer exists.")
    passages = (
        await retrieve_passages(run, viewer, proposal, [COMPONENT_QUERY])
        if not description and design is None
        else []
    )
    classification: Classification = await classify(
        run.services.embedders.sentences.embed, description, design, passage_sentences(passages)
    )
    is_clear = classification.confidence >= MIN_CONFIDENCE
    await enter_stage(
        run,
        proposal.id,
        ProposalStage.CLASSIFYING,
        component_type=classification.type if is_clear else None,
        classification_confidence=classification.confidence,
        classification_rationale=classification.rationale,
    )
    if not is_clear:
        raise Conflict(classification.question)
    return load_patterns()[classification.type], classification.confidence


def passage_sentences(passages: Sequence[Passage]) -> list[Sentence]:
    """The sentences of passages."""
    return [sentence for passage in passages for sentence in description_sentences(passage.text)]


async def retrieve_passages(
    run: Run, viewer: Viewer, proposal: Row[Any], questions: Sequence[str]
) -> list[Passage]:
    """The passages of the selected documents for these queries, visible to the viewer."""
    if not proposal.document_ids:
        return []
    document_ids = [UUID(id) for id in proposal.document_ids]
    passages: dict[UUID | None, Passage] = {}
    async with run.read() as uow:
        embedder = await model_rollout.search_embedder(uow, run.services.embedders)
    for question in questions:
        result = await retrieval.search(
            run.services.database,
            viewer,
            embedder,
            run.services.vectors,
            question,
            document_ids=document_ids,
            limit=RETRIEVAL_LIMIT,
        )
        passages |= {passage.chunk_id: passage for passage in result.passages}
        async with run.write() as uow:
            usage = token_usage.embedding_usage_columns(run.services.prices, embedder, result.tokens)
            await proposals.record_usage(uow, viewer.user_id, proposal.id, usage)
    return list(passages.values())


async def propose_category(
    run: Run,
    job: ProposeRequirements,
    category: RequirementCategory,
    pattern: Pattern,
    certainty: float,
    sentences: Sequence[Sentence],
    design: Design | None,
    results: CategoryResults,
) -> None:
    """Propose the requirements of one category, and store them with the checkpoint.

    What rests on the component's type is as doubtful as that: `certainty` is its confidence.
    """
    proposed = await proposers.propose(
        category, pattern, sentences, design, run.services.embedders.sentences.embed
    )
    suggested, note, usage = await propose_by_model(run, category, pattern, sentences)
    async with results.lock:
        results.notes[category.value] = note
        async with run.write() as uow:
            drafts = [proposers.with_doubt(draft, certainty) for draft in (*proposed, *suggested)]
            await proposals.add_requirements(uow, job.proposal_id, drafts)
            if usage is not None:
                await proposals.record_usage(uow, job.user_id, job.proposal_id, usage)
            await run.save({"notes": results.notes}, uow)
        share = len(results.notes) / len(RequirementCategory)
        await run.report((STAGE_PROGRESS[ProposalStage.ANALYZING] + 40 * share) / 100)


async def propose_by_model(
    run: Run, category: RequirementCategory, pattern: Pattern, sentences: Sequence[Sentence]
) -> tuple[list[RequirementDraft], str, Mapping[str, Any] | None]:
    """The configured model's proposals, a note on the outcome, and its token usage."""
    if run.services.settings.chat_url is None:
        return [], "", None
    try:
        text, end = await llm_proposals.request_suggestions(run.services.chat, category, pattern, sentences)
    except ModelFailure as failure:
        if failure.is_transient and not run.is_last:
            raise
        return [], f"without {run.services.chat.model}: {failure.message}", None
    usage = token_usage.usage_columns(
        run.services.prices,
        "requirements",
        end.model,
        end.prompt_tokens,
        end.completion_tokens,
        llm_provider=LlmProvider.CUSTOM,
    )
    try:
        return llm_proposals.parse_suggestions(text, end.model, category), f"with {end.model}", usage
    except MalformedResponse:
        return [], f"without {end.model}: its response is malformed", usage


def proposer_names(notes: Mapping[str, str]) -> str:
    """The names of the proposers: the pattern library, and models with their categories."""
    categories_by_note: dict[str, list[str]] = {}
    for category, note in notes.items():
        if note:
            categories_by_note.setdefault(note, []).append(category)
    parts = [
        f"{note} ({', '.join(sorted(categories))})" for note, categories in sorted(categories_by_note.items())
    ]
    return "; ".join([LIBRARY_NAME, *parts])


async def gather_or_cancel(awaitables: Sequence[Any]) -> None:
    """Await all concurrently. The first failure cancels the others and is raised."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
