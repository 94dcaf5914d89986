"""Proposals of component requirements: create, generate step by step, and stream."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Select, func, insert, select

from core.errors import Conflict, Invalid, UnsupportedContent
from db import queue
from db.arrays import any_text
from db.events import publish
from db.ids import new_id
from db.models import (
    ComponentType,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    ProposalStage,
    ProposedRequirement,
    RequirementCategory,
    RequirementOrigin,
    RequirementProposal,
    TokenUsage,
    Upload,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log, files, validators
from resolvers.access import Viewer
from resolvers.jobs import start_processing

SUBJECT = "component requirements"
MAX_DESCRIPTION_LENGTH = 8_000
MAX_DESIGN_BYTES = 10 * 1024 * 1024
"""Size of a design's image."""
DESIGN_TYPES = ("image/png", "image/jpeg")
MAX_DOCUMENTS = 20

STAGE_PROGRESS = {
    ProposalStage.STARTING: 0,
    ProposalStage.CLASSIFYING: 20,
    ProposalStage.ANALYZING: 40,
    ProposalStage.FINALIZING: 80,
    ProposalStage.COMPLETE: 100,
    ProposalStage.FAILED: 100,
}
"""Progress at the start of a stage, in percent."""
FINAL_STAGES = frozenset({ProposalStage.COMPLETE, ProposalStage.FAILED})

KEY_SEPARATOR = re.compile(r"[^a-z0-9]+")
CAMEL_CASE_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class RequirementDraft:
    """A proposed requirement; `confidence` is from 0 to 1, `citation` names the source document, if any."""

    category: RequirementCategory
    name: str
    confidence: float
    rationale: str
    origin: RequirementOrigin
    type: str | None = None
    requirement: str | None = None
    values: tuple[str, ...] = ()
    required: bool = False
    description: str | None = None
    source: str | None = None
    citation: Mapping[str, Any] | None = None
    is_independent: bool = False
    """Whether it holds for a component of any type: measured, or named outright."""

    @property
    def key(self) -> str:
        """Identifies it within its category."""
        return normalize_key(self.name)


def normalize_key(name: str) -> str:
    """A key that ignores case, hyphens and spaces."""
    return KEY_SEPARATOR.sub("-", CAMEL_CASE_BOUNDARY.sub("-", name).lower()).strip("-") or name.lower()


@dataclass(frozen=True)
class ProposeRequirements(Job):
    """Propose the requirements of a component. The job has the proposal's id."""

    proposal_id: UUID
    user_id: UUID
    queue: ClassVar[str] = "requirements"
    retry_deadline: ClassVar[timedelta] = timedelta(minutes=30)
    is_interactive: ClassVar[bool] = True

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Publish that the proposal failed."""
        await set_stage(uow, self.proposal_id, ProposalStage.FAILED, error_message=reason)

    async def restarted(self, uow: UnitOfWork) -> None:
        """Continue; requirements that were already proposed are kept."""
        await set_stage(uow, self.proposal_id, ProposalStage.STARTING, error_message=None)


def topic(proposal_id: UUID) -> str:
    """Topic on which a proposal's stages and requirements are published."""
    return f"requirements:{proposal_id}"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    upload_id: UUID | None,
    description: str | None,
    document_ids: Sequence[UUID],
    component_type: ComponentType | None,
    start: bool,
) -> RequirementProposal:
    """Create a proposal from a design, a description, documents, or several of them, and its job.

    The caller checks that the viewer can see the documents. Raises `UnsupportedContent` for a design that
    is too large or neither PNG nor JPEG.
    """
    access.require(viewer, "requirements:create")
    text = validators.text((description or "").strip(), "input", "description", limit=MAX_DESCRIPTION_LENGTH)
    if upload_id is None and not text and not document_ids:
        raise Invalid("One of description, uploadId and documentIds is required.", "input")
    if len(document_ids) > MAX_DOCUMENTS:
        raise Invalid(
            f"documentIds must have at most {MAX_DOCUMENTS} items (got {len(document_ids)}).",
            "input",
            "documentIds",
        )
    if upload_id is not None:
        await _validate_design(uow, viewer, upload_id)
    known = component_type is not None
    values = {
        "id": new_id(),
        "user_id": viewer.user_id,
        "upload_id": upload_id,
        "description": text or None,
        "document_ids": [str(id) for id in document_ids],
        "component_type": component_type,
        "classification_confidence": 1.0 if known else None,
        "classification_rationale": "The component type was set in the request." if known else None,
    }
    proposal = await uow.one(insert(RequirementProposal).values(values).returning(RequirementProposal))
    job, kind = ProposeRequirements(proposal.id, viewer.user_id), ProcessingJobType.REQUIREMENT_PROPOSAL
    await start_processing(uow, job, kind, SUBJECT, viewer.user_id, id=proposal.id, start=start)
    await activity_log.record(
        uow, viewer.user_id, "REQUIREMENT_PROPOSAL_CREATE", "RequirementProposal", proposal.id
    )
    return proposal


async def _validate_design(uow: UnitOfWork, viewer: Viewer, upload_id: UUID) -> None:
    path = "input", "uploadId"
    upload = await files.find_stored(uow, viewer, upload_id, *path)
    if upload.mime_type not in DESIGN_TYPES:
        raise UnsupportedContent("A design must be a PNG or JPEG image.", *path)
    if upload.size > MAX_DESIGN_BYTES:
        raise UnsupportedContent(
            f"A design must be at most {MAX_DESIGN_BYTES:,} bytes (got {upload.size:,}).", *path
        )


async def classify(
    uow: UnitOfWork, viewer: Viewer, id: UUID, component_type: ComponentType
) -> RequirementProposal:
    """Set the component type of a proposal that failed because it is unclear, and restart it."""
    access.require(viewer, "requirements:create")
    await access.find(uow, viewer, RequirementProposal, id)
    await queue.lock_parts(uow, ProcessingJob, id)
    job = await uow.one(select(ProcessingJob).where(ProcessingJob.id == id).with_for_update())
    proposal = await access.find(uow, viewer, RequirementProposal, id, lock=True)
    if job.status is not JobStatus.FAILED or proposal.component_type is not None:
        raise Conflict("Only a failed proposal whose component type is unclear can be classified.", "id")
    values = {
        "component_type": component_type,
        "classification_confidence": 1.0,
        "classification_rationale": "The component type was set by a person.",
    }
    await uow.execute(sa.update(RequirementProposal).where(RequirementProposal.id == id).values(values))
    await queue.restart(uow, ProcessingJob, id)
    await activity_log.record(uow, viewer.user_id, "REQUIREMENT_PROPOSAL_CLASSIFY", "RequirementProposal", id)
    return await uow.one(select(RequirementProposal).where(RequirementProposal.id == id))


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a proposal that is not in progress, with its requirements; exports are kept."""
    access.require(viewer, "requirements:create")
    await access.find(uow, viewer, RequirementProposal, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("The proposal is in progress. Cancel it first.", "id")
    await uow.execute(sa.delete(RequirementProposal).where(RequirementProposal.id == id))
    await uow.execute(sa.delete(ProcessingJob).where(ProcessingJob.id == id))
    await activity_log.record(uow, viewer.user_id, "REQUIREMENT_PROPOSAL_DELETE", "RequirementProposal", id)


async def load(uow: UnitOfWork, id: UUID) -> Any:
    """The proposal, with the `storage_key` of its design, or None if it was deleted."""
    proposal, upload = RequirementProposal, Upload
    statement = (
        select(proposal, upload.storage_key)
        .outerjoin(upload, upload.id == proposal.upload_id)
        .where(proposal.id == id)
    )
    return await uow.first(statement)


async def set_stage(uow: UnitOfWork, id: UUID, stage: ProposalStage, **values: Any) -> None:
    """Set a proposal's stage and further columns, and publish it."""
    values["stage"] = stage
    await uow.execute(sa.update(RequirementProposal).where(RequirementProposal.id == id).values(values))
    await publish(uow, topic(id))


async def add_requirements(uow: UnitOfWork, id: UUID, proposed: Sequence[RequirementDraft]) -> None:
    """Add requirements in order; those that exist already are kept."""
    keys = {(draft.category, draft.key): draft for draft in reversed(proposed)}
    of_proposal = ProposedRequirement.proposal_id == id
    columns = ProposedRequirement.category, ProposedRequirement.key
    proposal = select(RequirementProposal.id).where(RequirementProposal.id == id)
    if await uow.scalar(proposal.with_for_update()) is None:  # deleted with its owner
        return
    same_key = ProposedRequirement.key == any_text([key for _, key in keys])
    existing = {
        (row.category, row.key) for row in await uow.all(select(*columns).where(of_proposal, same_key))
    }
    new = [draft for key, draft in reversed(keys.items()) if key not in existing]
    if not new:
        return
    last = await _reserve_sequence(uow, id, len(new))
    rows = [
        {
            **{name: value for name, value in asdict(draft).items() if name != "is_independent"},
            "values": list(draft.values),
            "key": draft.key,
            "proposal_id": id,
            "sequence": number,
        }
        for number, draft in enumerate(new, last - len(new) + 1)
    ]
    await uow.execute(insert(ProposedRequirement), rows)
    await publish(uow, topic(id))


async def add_requirement(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> ProposedRequirement:
    """Add one requirement with these columns, of which `key` must be unused."""
    row = {**values, "proposal_id": id, "sequence": await _reserve_sequence(uow, id, 1)}
    requirement = await uow.one(insert(ProposedRequirement).values(row).returning(ProposedRequirement))
    await publish(uow, topic(id))
    return requirement


async def _reserve_sequence(uow: UnitOfWork, id: UUID, count: int) -> int:
    """The last of `count` new sequence numbers. Locks the proposal, so that numbers follow commit order."""
    statement = sa.update(RequirementProposal).where(RequirementProposal.id == id)
    statement = statement.values(item_count=RequirementProposal.item_count + count)
    number: int = await uow.scalar(statement.returning(RequirementProposal.item_count))
    return number


async def record_usage(uow: UnitOfWork, user_id: UUID, id: UUID, usage: Mapping[str, Any]) -> None:
    """Record the token usage of a model call."""
    owner = {"user_id": user_id, "operation_id": str(id)}
    await uow.execute(insert(TokenUsage).values({**owner, **usage}))


async def complete(uow: UnitOfWork, id: UUID, model: str) -> None:
    """Complete the proposal; its latency counts from the job's first start."""
    elapsed = func.extract("epoch", func.clock_timestamp() - ProcessingJob.started_at) * 1000
    latency = await uow.scalar(select(elapsed).where(ProcessingJob.id == id))
    values = {"model": model, "proposal_latency_ms": max(0, round(latency or 0)), "completed_at": func.now()}
    await set_stage(uow, id, ProposalStage.COMPLETE, **values)


def requirements_after(
    viewer: Viewer, columns: Sequence[str], id: UUID, after: int, limit: int
) -> Select[Any]:
    """The visible requirements of a proposal after sequence number `after`, in order."""
    selected = [getattr(ProposedRequirement, name) for name in columns]
    visible = access.visible(viewer, ProposedRequirement, *selected)
    later = visible.where(ProposedRequirement.proposal_id == id, ProposedRequirement.sequence > after)
    return later.order_by(ProposedRequirement.sequence).limit(limit)
