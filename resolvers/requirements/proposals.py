"""Proposals of requirements on their way: asked for, made, told as they come."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, Select, func, insert, select

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
"""Of a picture, in bytes."""
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
"""How much is done when a stage begins, in percent; of a failed one, nothing is left to do."""
FINAL_STAGES = frozenset({ProposalStage.COMPLETE, ProposalStage.FAILED})

KEY_SEPARATOR = re.compile(r"[^a-z0-9]+")
CAMEL_CASE_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class RequirementDraft:
    """A requirement as it is proposed; `confidence` is from 0 to 1, `citation` where a document says so."""

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

    @property
    def key(self) -> str:
        """What tells it from the others of its category."""
        return normalize_key(self.name)


def normalize_key(name: str) -> str:
    """The same for names that differ in nothing but case, hyphens and spaces."""
    return KEY_SEPARATOR.sub("-", CAMEL_CASE_BOUNDARY.sub("-", name).lower()).strip("-") or name.lower()


@dataclass(frozen=True)
class ProposeRequirements(Job):
    """Propose the requirements of a component. The job has the proposal's id."""

    proposal_id: UUID
    user_id: UUID
    queue: ClassVar[str] = "requirements"

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Whoever watches learns that nothing more comes."""
        await set_stage(uow, self.proposal_id, ProposalStage.FAILED, error_message=reason)

    async def restarted(self, uow: UnitOfWork) -> None:
        """It goes on where it was: what was proposed stays."""
        await set_stage(uow, self.proposal_id, ProposalStage.STARTING, error_message=None)


def topic(proposal_id: UUID) -> str:
    """What is told of a proposal's stages and requirements."""
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
) -> Row[Any]:
    """A proposal from a design, a description, documents, or several of them, and the job that makes it.

    The documents are known to be in the viewer's sight. Raises `Unsupported` for a picture that is too large
    or of another kind than PNG and JPEG.
    """
    access.require(viewer, "requirements:create")
    told = validators.text((description or "").strip(), "input", "description", limit=MAX_DESCRIPTION_LENGTH)
    if upload_id is None and not told and not document_ids:
        raise Invalid("Give a description, a design (`uploadId`) or documents (`documentIds`).", "input")
    if len(document_ids) > MAX_DOCUMENTS:
        raise Invalid(f"At most {MAX_DOCUMENTS} documents.", "input", "documentIds")
    if upload_id is not None:
        await _validate_design(uow, viewer, upload_id)
    given = component_type is not None
    values = {
        "id": new_id(),
        "user_id": viewer.user_id,
        "upload_id": upload_id,
        "description": told or None,
        "document_ids": [str(id) for id in document_ids],
        "component_type": component_type,
        "classification_confidence": 1.0 if given else None,
        "classification_rationale": "The component was named when this was asked for." if given else None,
    }
    made = await uow.one(insert(RequirementProposal).values(values).returning(RequirementProposal))
    job, kind = ProposeRequirements(made.id, viewer.user_id), ProcessingJobType.REQUIREMENT_PROPOSAL
    await start_processing(uow, job, kind, SUBJECT, viewer.user_id, id=made.id, start=start)
    await activity_log.record(
        uow, viewer.user_id, "REQUIREMENT_PROPOSAL_CREATE", "RequirementProposal", made.id
    )
    return made


async def _validate_design(uow: UnitOfWork, viewer: Viewer, upload_id: UUID) -> None:
    path = "input", "uploadId"
    upload = await files.stored(uow, viewer, upload_id, *path)
    if upload.mime_type not in DESIGN_TYPES:
        raise UnsupportedContent("A design is a PNG or JPEG picture.", *path)
    if upload.size > MAX_DESIGN_BYTES:
        raise UnsupportedContent(f"A design has at most {MAX_DESIGN_BYTES:,} bytes.", *path)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a proposal that is not under way, with its requirements; exports stay."""
    access.require(viewer, "requirements:create")
    await access.find(uow, viewer, RequirementProposal, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(sa.delete(RequirementProposal).where(RequirementProposal.id == id))
    await uow.execute(sa.delete(ProcessingJob).where(ProcessingJob.id == id))
    await activity_log.record(uow, viewer.user_id, "REQUIREMENT_PROPOSAL_DELETE", "RequirementProposal", id)


async def load(uow: UnitOfWork, id: UUID) -> Row[Any] | None:
    """The proposal, with the `storage_key` of its design; none where it is gone."""
    proposal, upload = RequirementProposal, Upload
    statement = (
        select(proposal, upload.storage_key)
        .outerjoin(upload, upload.id == proposal.upload_id)
        .where(proposal.id == id)
    )
    return await uow.first(statement)


async def set_stage(uow: UnitOfWork, id: UUID, stage: ProposalStage, **news: Any) -> None:
    """Say how far a proposal has come, and what is known of it now."""
    values = {"stage": stage, **news}
    await uow.execute(sa.update(RequirementProposal).where(RequirementProposal.id == id).values(values))
    await publish(uow, topic(id))


async def add_requirements(uow: UnitOfWork, id: UUID, proposed: Sequence[RequirementDraft]) -> None:
    """Add requirements, numbered in the order in which they are told; what is there already stays."""
    keys = {(each.category, each.key): each for each in reversed(proposed)}
    mine = ProposedRequirement.proposal_id == id
    columns = ProposedRequirement.category, ProposedRequirement.key
    own = select(RequirementProposal.id).where(RequirementProposal.id == id)
    if await uow.scalar(own.with_for_update()) is None:  # its owner is gone
        return
    named = ProposedRequirement.key == any_text([key for _, key in keys])
    there = {(row.category, row.key) for row in await uow.all(select(*columns).where(mine, named))}
    new = [each for key, each in reversed(keys.items()) if key not in there]
    if not new:
        return
    last = await _reserve_sequence(uow, id, len(new))
    rows = [
        {**asdict(each), "values": list(each.values), "key": each.key, "proposal_id": id, "sequence": number}
        for number, each in enumerate(new, last - len(new) + 1)
    ]
    await uow.execute(insert(ProposedRequirement), rows)
    await publish(uow, topic(id))


async def add_requirement(uow: UnitOfWork, id: UUID, values: Mapping[str, Any]) -> Row[Any]:
    """One requirement more, with these columns; its `key` is not taken."""
    row = {**values, "proposal_id": id, "sequence": await _reserve_sequence(uow, id, 1)}
    made = await uow.one(insert(ProposedRequirement).values(row).returning(ProposedRequirement))
    await publish(uow, topic(id))
    return made


async def _reserve_sequence(uow: UnitOfWork, id: UUID, more: int) -> int:
    """The number of the last of so many new requirements; locks the proposal, so that it follows commits."""
    counted = sa.update(RequirementProposal).where(RequirementProposal.id == id)
    counted = counted.values(item_count=RequirementProposal.item_count + more)
    number: int = await uow.scalar(counted.returning(RequirementProposal.item_count))
    return number


async def record_usage(uow: UnitOfWork, user_id: UUID, id: UUID, usage: Mapping[str, Any]) -> None:
    """Put on record what a model took."""
    whose = {"user_id": user_id, "operation_id": str(id)}
    await uow.execute(insert(TokenUsage).values({**whose, **usage}))


async def complete(uow: UnitOfWork, id: UUID, model: str) -> None:
    """The proposal is there; its latency runs from the job's first beginning."""
    taken = func.extract("epoch", func.clock_timestamp() - ProcessingJob.started_at) * 1000
    latency = await uow.scalar(select(taken).where(ProcessingJob.id == id))
    news = {"model": model, "proposal_latency_ms": max(0, round(latency or 0)), "completed_at": func.now()}
    await set_stage(uow, id, ProposalStage.COMPLETE, **news)


def requirements_after(
    viewer: Viewer, columns: Sequence[str], id: UUID, after: int, limit: int
) -> Select[Any]:
    """The requirements of a proposal numbered above `after`, in order, as far as the viewer sees them."""
    wanted = [getattr(ProposedRequirement, name) for name in columns]
    seen = access.visible(viewer, ProposedRequirement, *wanted)
    later = seen.where(ProposedRequirement.proposal_id == id, ProposedRequirement.sequence > after)
    return later.order_by(ProposedRequirement.sequence).limit(limit)
