"""From a design, a description or documents to proposed requirements."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.errors import Conflict
from core.ports import Hit, ModelFailure, Passage, UnknownEmbedder, VectorsUnavailable
from db.models import LlmProvider, ProposalStage, RequirementCategory
from db.queue import Finish
from db.uow import UnitOfWork
from pipelines.knowledge.indexing import outcome
from pipelines.requirements import llm_proposals, proposers
from pipelines.requirements.classification import Classified, classified
from pipelines.requirements.design_analysis import Design, measured
from pipelines.requirements.evidence import Sentence, described, documented
from pipelines.requirements.llm_proposals import Malformed
from pipelines.requirements.pattern_library import NAME, Pattern, library
from pipelines.runtime.handlers import Run, handles
from pipelines.runtime.workdirs import working_folder
from resolvers import token_usage
from resolvers.access import Viewer
from resolvers.identity import accounts
from resolvers.knowledge import model_rollout, retrieval
from resolvers.requirements import proposals
from resolvers.requirements.proposals import STAGE_PROGRESS, RequirementDraft, ProposeRequirements

MEASURING_SECONDS = 120.0
RETRIEVED = 10
"""Passages for each question that documents are asked."""
GENERAL = "component: button, card, input, select, checkbox, radio, switch, tabs, badge, alert"
ABOUT = {
    RequirementCategory.PROPS: "properties, variants, sizes, options",
    RequirementCategory.EVENTS: "events, callbacks, what happens when it is used",
    RequirementCategory.STATES: "states: hover, focus, disabled, error, loading",
    RequirementCategory.ACCESSIBILITY: "accessibility, keyboard, screen reader, role, contrast",
}
"""What documents are asked for each category."""


@dataclass
class Made:
    """Which categories are proposed, and what models had to do with it, by category."""

    notes: dict[str, str]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@handles(ProposeRequirements)
async def propose_requirements(job: ProposeRequirements, run: Run) -> Finish | None:
    """Measure, classify, propose each category once, whatever happens in between."""
    async with run.write() as uow:
        proposal = await proposals.load(uow, job.proposal_id)
    if proposal is None:
        return None
    viewer = await accounts.viewer_of(run.services.database, job.user_id, None)
    await enter(run, job.proposal_id, ProposalStage.CLASSIFYING)
    design = await measured_design(run, proposal)
    told = described(proposal.description or "")
    pattern = await recognised(run, viewer, proposal, told, design)
    await enter(run, job.proposal_id, ProposalStage.ANALYZING)
    asked = [f"{pattern.names[0]} {about}" for about in ABOUT.values()]
    passages = await passages_of(run, viewer, proposal, asked)
    said = [*told, *documented(passages, pattern, list(library().values()))]
    said += proposers.shown(design) if design else []
    made = Made(dict((run.checkpoint or {}).get("notes", {})))
    await all_of(
        [
            category_proposed(run, job, category, pattern, said, design, made)
            for category in RequirementCategory
            if category.value not in made.notes
        ]
    )
    await enter(run, job.proposal_id, ProposalStage.FINALIZING)

    async def finish(uow: UnitOfWork) -> None:
        await proposals.complete(uow, job.proposal_id, by_whom(made.notes))

    return finish


async def enter(run: Run, id: UUID, stage: ProposalStage, **news: Any) -> None:
    """Begin a stage."""
    await run.report(STAGE_PROGRESS[stage] / 100)
    async with run.write() as uow:
        await proposals.set_stage(uow, id, stage, **news)


async def measured_design(run: Run, proposal: Row[Any]) -> Design | None:
    """What the uploaded design shows, measured once; none where there is no design."""
    if proposal.design is not None:
        return Design.of(proposal.design)
    if proposal.storage_key is None:
        return None
    with working_folder() as folder:
        path = await run.services.store.fetch(proposal.storage_key, Path(folder) / "design")
        design = await run.cpu_within(MEASURING_SECONDS, measured, path)
    await enter(run, proposal.id, ProposalStage.CLASSIFYING, design=design.stored())
    return design


async def recognised(
    run: Run, viewer: Viewer, proposal: Row[Any], told: Sequence[Sentence], design: Design | None
) -> Pattern:
    """The pattern of the component's type; what is found out about that is kept. Raises `Conflict`."""
    if proposal.component_type is not None:
        return library()[proposal.component_type]
    if not told and design is None and not proposal.document_ids:
        raise Conflict("The design of this proposal is gone.")
    passages = await passages_of(run, viewer, proposal, [GENERAL]) if not told and design is None else []
    found: Classified = await classified(run.services.embedders.default.embed, told, design, heard(passages))
    await enter(
        run,
        proposal.id,
        ProposalStage.CLASSIFYING,
        component_type=found.type,
        classification_confidence=found.confidence,
        classification_rationale=found.rationale,
    )
    return library()[found.type]


def heard(passages: Sequence[Passage]) -> list[Sentence]:
    """All that passages say."""
    return [sentence for passage in passages for sentence in described(passage.text)]


async def passages_of(
    run: Run, viewer: Viewer, proposal: Row[Any], questions: Sequence[str]
) -> list[Passage]:
    """What the chosen documents say to these questions, as the viewer sees them."""
    if not proposal.document_ids:
        return []
    chosen = [UUID(id) for id in proposal.document_ids]
    hits: dict[UUID, Hit] = {}
    try:
        async with run.read() as uow:
            embedder = await model_rollout.searching(uow, run.services.embedders)
        for question in questions:
            found = await retrieval.search(
                viewer, embedder, run.services.vectors, question, document_ids=chosen, limit=RETRIEVED
            )
            hits |= {hit.chunk_id: hit for hit in reversed(found.hits)}
            async with run.write() as uow:
                usage = token_usage.embedded(run.services.prices, embedder, found.tokens)
                await proposals.record_usage(uow, viewer.user_id, proposal.id, usage)
    except (VectorsUnavailable, ModelFailure, UnknownEmbedder) as error:
        raise outcome(error) from error
    return await retrieval.passages(run.services.database, viewer, list(hits.values()))


async def category_proposed(
    run: Run,
    job: ProposeRequirements,
    category: RequirementCategory,
    pattern: Pattern,
    said: Sequence[Sentence],
    design: Design | None,
    made: Made,
) -> None:
    """Propose one category, and keep it with the mark that it is done."""
    found = await proposers.propose(category, pattern, said, design, run.services.embedders.default.embed)
    more, note, usage = await by_model(run, category, pattern, said)
    async with made.turn:
        made.notes[category.value] = note
        async with run.write() as uow:
            await proposals.add_requirements(uow, job.proposal_id, [*found, *more])
            if usage is not None:
                await proposals.record_usage(uow, job.user_id, job.proposal_id, usage)
            await run.save({"notes": made.notes}, uow)
        share = len(made.notes) / len(RequirementCategory)
        await run.report((STAGE_PROGRESS[ProposalStage.ANALYZING] + 40 * share) / 100)


async def by_model(
    run: Run, category: RequirementCategory, pattern: Pattern, said: Sequence[Sentence]
) -> tuple[list[RequirementDraft], str, Mapping[str, Any] | None]:
    """What the configured model proposes beside, what became of asking it, and what that took."""
    if run.services.settings.chat_url is None:
        return [], "", None
    try:
        text, end = await llm_proposals.suggested(run.services.chat, category, pattern, said)
    except ModelFailure as failure:
        return [], f"without {run.services.chat.model}: {failure.message}", None
    usage = token_usage.used(
        run.services.prices,
        "requirements",
        end.model,
        end.prompt_tokens,
        end.completion_tokens,
        llm_provider=LlmProvider.CUSTOM,
    )
    try:
        return llm_proposals.parsed(text, end.model, category), f"with {end.model}", usage
    except Malformed:
        return [], f"without {end.model}: it did not answer in the form that was asked for", usage


def by_whom(notes: Mapping[str, str]) -> str:
    """Who proposed, in words: the embedded proposer, and what models had to do with it."""
    said: dict[str, list[str]] = {}
    for category, note in notes.items():
        if note:
            said.setdefault(note, []).append(category)
    parts = [f"{note} ({', '.join(sorted(categories))})" for note, categories in sorted(said.items())]
    return "; ".join([NAME, *parts])


async def all_of(work: Sequence[Any]) -> None:
    """Do these at the same time; the first failure ends the others, and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
