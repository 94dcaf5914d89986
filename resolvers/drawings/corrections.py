"""Corrections by people: sheets are aligned by points or compared again by a job, and changes decided on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from core.errors import Conflict, Invalid, NotFound
from db.arrays import any_id
from db.events import publish
from db.ids import new_id as new_key
from db.models import (
    Comparison,
    Drawing,
    DrawingSession,
    DrawingType,
    JobStatus,
    PairReason,
    ProcessingJobType,
    SessionStatus,
    SheetState,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log, projects, validators
from resolvers.access import Viewer
from resolvers.drawings import comparison_results
from resolvers.drawings.change_reviews import ChangeDecision, change_key, decision_of
from resolvers.drawings.sessions import topic
from resolvers.jobs import start_processing

POINT_PAIRS = range(2, 5)
"""How many pairs of points align two sheets."""

MIN_POINT_DISTANCE = 0.02
"""Minimum distance between two points of a sheet, as a share of its diagonal."""

MAX_RESIDUAL = 0.02
"""Greatest distance of a new point from where the others expect it, as a share of the sheet's diagonal."""

MAX_NOTE_LENGTH = 2_000

MAX_SCALE = 5.0
"""How many times larger one sheet may be drawn than the other."""

PointPairs = Sequence[Mapping[str, Mapping[str, float]]]
"""Pairs of points: `old` and `new`, each with `x` and `y` in pixels."""


@dataclass(frozen=True)
class CompareSheet(Job):
    """Compare one pair of sheets again, and describe its changes. Earlier results stay until then."""

    session_id: UUID
    comparison_id: UUID
    queue: ClassVar[str] = "drawings"

    def topics(self) -> Sequence[str]:
        return (topic(self.session_id),)

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        await comparison_results.fail_comparison(uow, self.comparison_id, reason)

    async def restarted(self, uow: UnitOfWork) -> None:
        pending = {"state": SheetState.PENDING, "error_message": None}
        mine = Comparison.id == self.comparison_id
        await uow.execute(sa.update(Comparison).where(mine).values(pending))


async def realign(uow: UnitOfWork, viewer: Viewer, id: UUID, points: PointPairs | None) -> Comparison:
    """Compare two sheets again, aligned by these pairs of points; None aligns them by their content again."""
    access.require(viewer, "drawings:update")
    access.require(viewer, "jobs:run")
    comparison = await find_for_correction(uow, viewer, id)
    if points is not None:
        await _validate_points(uow, comparison, points)
    stored = None if points is None else list(points)
    metadata = {} if stored is None else {"points": len(stored)}
    return await _compare_again(uow, viewer, comparison, "COMPARISON_REALIGN", {"points": stored}, **metadata)


async def rerun(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Comparison:
    """Compare two sheets again, with the options of their session as they are now."""
    access.require(viewer, "jobs:run")
    comparison = await find_for_correction(uow, viewer, id)
    return await _compare_again(uow, viewer, comparison, "COMPARISON_RERUN", {})


async def pair(uow: UnitOfWork, viewer: Viewer, old_id: UUID, new_id: UUID) -> Comparison:
    """Pair two sheets of a session by hand; a job compares them. A pair that exists is only confirmed."""
    access.require(viewer, "drawings:update")
    access.require(viewer, "jobs:run")
    old_path, new_path = ("input", "oldDrawingId"), ("input", "newDrawingId")
    session_id = (await access.find(uow, viewer, Drawing, old_id, *old_path)).session_id
    await access.find(uow, viewer, Drawing, new_id, *new_path)
    await lock_session(uow, viewer, session_id, *old_path)
    old = await access.find(uow, viewer, Drawing, old_id, *old_path, lock=True)
    new = await access.find(uow, viewer, Drawing, new_id, *new_path, lock=True)
    for sheet, revision, path in ((old, DrawingType.OLD, old_path), (new, DrawingType.NEW, new_path)):
        if sheet.drawing_type is not revision:
            raise Invalid(f"{path[-1]} must be a sheet of the {revision.value} file.", *path)
        if sheet.storage_path is None or sheet.state is SheetState.FAILED:
            raise Conflict("This sheet could not be read, so it cannot be compared.", *path)
    if new.session_id != session_id:
        raise Invalid("The sheets must be of the same session.", *new_path)
    existing = await comparison_results.comparison_of(uow, old_id, new_id)
    for sheet, path in ((old, old_path), (new, new_path)):
        other = await comparison_results.comparison_with(uow, sheet.id)
        if other is not None and (existing is None or other.id != existing.id):
            message = f"{sheet.drawing_name} is already compared, as {other.drawing_name}. Unpair it first."
            raise Conflict(message, *path)
    await comparison_results.pin(uow, old_id, new_id)
    await comparison_results.pin(uow, new_id, old_id)
    metadata = {"old": old.drawing_name, "new": new.drawing_name}
    if existing is not None:
        confirm = sa.update(Comparison).where(Comparison.id == existing.id)
        stored = await uow.one(confirm.values(pair_reason=PairReason.MANUAL).returning(Comparison))
        await publish(uow, topic(session_id))
        await activity_log.record(uow, viewer.user_id, "COMPARISON_PAIR", "Comparison", stored.id, **metadata)
        return stored
    row = {
        "session_id": session_id,
        "drawing_name": new.drawing_name,
        "old_drawing_id": old_id,
        "new_drawing_id": new_id,
        "old_image_path": old.storage_path,
        "new_image_path": new.storage_path,
        "pair_reason": PairReason.MANUAL,
        "state": SheetState.COMPLETED,
    }
    added = await uow.one(sa.insert(Comparison).values(id=new_key(), **row).returning(Comparison))
    return await _compare_again(uow, viewer, added, "COMPARISON_PAIR", {}, **metadata)


async def unpair(uow: UnitOfWork, viewer: Viewer, id: UUID) -> DrawingSession:
    """Delete a comparison. Its sheets stand alone, in later runs too, until a person pairs them."""
    access.require(viewer, "drawings:update")
    comparison = await find_for_correction(uow, viewer, id)
    sheets = select(Drawing).where(
        Drawing.id == any_id([comparison.old_drawing_id, comparison.new_drawing_id])
    )
    names = {sheet.id: sheet.drawing_name for sheet in await uow.all(sheets)}
    for sheet_id, other_id in (
        (comparison.old_drawing_id, comparison.new_drawing_id),
        (comparison.new_drawing_id, comparison.old_drawing_id),
    ):
        await comparison_results.pin(
            uow, sheet_id, None, f"A person has separated it from {names[other_id]}."
        )
    await uow.execute(sa.delete(Comparison).where(Comparison.id == id))
    await publish(uow, topic(comparison.session_id))
    made = [*comparison.changes, *comparison.vanished_reviews]
    metadata = {
        "old": names[comparison.old_drawing_id],
        "new": names[comparison.new_drawing_id],
        "decisions": sum(decision_of(change) is not ChangeDecision.OPEN for change in made),
    }
    await activity_log.record(uow, viewer.user_id, "COMPARISON_UNPAIR", "Comparison", id, **metadata)
    return await access.find(uow, viewer, DrawingSession, comparison.session_id)


async def review_change(
    uow: UnitOfWork,
    viewer: Viewer,
    comparison_id: UUID,
    key: str,
    decision: ChangeDecision,
    note: str | None,
) -> tuple[Comparison, int]:
    """Store a decision on a change; returns the comparison, and the position of the change or -1."""
    access.require(viewer, "drawings:update")
    if note is not None:
        note = validators.text(note.strip(), "note", limit=MAX_NOTE_LENGTH) or None
    found = await uow.first(access.visible(viewer, Comparison).where(Comparison.id == comparison_id))
    if found is None:
        raise no_such_change()
    session = await access.find(uow, viewer, DrawingSession, found.session_id)
    if session.project_id is not None:
        await projects.find_open(uow, viewer, session.project_id, "id")
    comparison = await access.find(uow, viewer, Comparison, comparison_id, lock=True)
    changes = [
        {**change, "id": change_key(comparison_id, position, change)}
        for position, change in enumerate(comparison.changes)
    ]
    vanished = list(comparison.vanished_reviews)
    position = next((at for at, change in enumerate(changes) if change["id"] == key), -1)
    if position >= 0:
        changes[position]["review"] = stored_review(viewer, decision, note)
    elif any(change["id"] == key for change in vanished):
        if decision is not ChangeDecision.OPEN:
            raise Conflict("This change no longer exists. Its decision can only be taken back.", "id")
        vanished = [change for change in vanished if change["id"] != key]
    else:
        raise no_such_change()
    values = {"changes": changes, "vanished_reviews": vanished}
    update = sa.update(Comparison).where(Comparison.id == comparison_id).values(values)
    stored = await uow.one(update.returning(Comparison))
    await publish(uow, topic(comparison.session_id))
    metadata = {"change": key, "decision": decision.value}
    await activity_log.record(uow, viewer.user_id, "CHANGE_REVIEW", "Comparison", comparison_id, **metadata)
    return stored, position


def no_such_change() -> NotFound:
    """The error for a change that does not exist or is not visible."""
    return NotFound("There is no such change.", "id")


def stored_review(viewer: Viewer, decision: ChangeDecision, note: str | None) -> dict[str, Any] | None:
    """A decision as it is stored with its change."""
    if decision is ChangeDecision.OPEN:
        return None
    at = datetime.now(UTC).isoformat()
    return {"decision": decision.value, "note": note, "user_id": str(viewer.user_id), "at": at}


async def find_for_correction(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Comparison:
    """The locked comparison, of a session that is complete and whose project is not archived."""
    found = await access.find(uow, viewer, Comparison, id)
    await lock_session(uow, viewer, found.session_id, "id")
    return await access.find(uow, viewer, Comparison, id, lock=True)


async def lock_session(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> DrawingSession:
    """The locked session. Raises `Conflict` unless it is complete and its project is not archived."""
    session = await access.find(uow, viewer, DrawingSession, id, *path)
    if session.project_id is not None:
        await projects.find_open(uow, viewer, session.project_id, *path)
    session = await access.find(uow, viewer, DrawingSession, id, *path, lock=True)
    if session.status is SessionStatus.PROCESSING:
        raise Conflict("The session is being processed. Wait until it has ended, or cancel its jobs.", *path)
    if session.status is not SessionStatus.COMPLETED:
        raise Conflict("The session has no results yet. Start it first.", *path)
    return session


async def _compare_again(
    uow: UnitOfWork,
    viewer: Viewer,
    comparison: Comparison,
    action: str,
    values: Mapping[str, Any],
    **metadata: Any,
) -> Comparison:
    """Store the values and start a job, unless one is under way: that one notices what it was not told."""
    pending = {**values, "state": SheetState.PENDING, "error_message": None}
    if comparison.state is not SheetState.PENDING:
        job = CompareSheet(comparison.session_id, comparison.id)
        pending["job_id"] = await start_processing(
            uow, job, ProcessingJobType.SHEET_COMPARISON, "sheet comparison", viewer.user_id
        )
    changed = sa.update(Comparison).where(Comparison.id == comparison.id).values(pending)
    stored = await uow.one(changed.returning(Comparison))
    await publish(uow, topic(comparison.session_id))
    await activity_log.record(uow, viewer.user_id, action, "Comparison", comparison.id, **metadata)
    return stored


async def _validate_points(uow: UnitOfWork, comparison: Comparison, points: PointPairs) -> None:
    """Raises `Invalid` unless the points lie on the sheets, apart from one another, and fit a scale."""
    path = ("input", "points")
    if len(points) not in POINT_PAIRS:
        raise Invalid(f"points must have 2 to 4 items (got {len(points)}).", *path)
    for side, sheet_id in (("old", comparison.old_drawing_id), ("new", comparison.new_drawing_id)):
        sheet = await uow.one(select(Drawing.drawing_metadata).where(Drawing.id == sheet_id))
        size = sheet.drawing_metadata or {}
        if "width" not in size or "height" not in size:
            raise Conflict(f"The {side} sheet has no image.", "id")
        limits = {"x": size["width"], "y": size["height"]}
        for position, pair in enumerate(points):
            for axis, limit in limits.items():
                value = pair[side][axis]
                if not 0 <= value <= limit:  # neither is NaN
                    name = f"points[{position}].{side}.{axis}"
                    message = f"{name} must be between 0 and {limit}, the size of the {side} image in pixels."
                    raise Invalid(message, *path, str(position), side, axis)
        least = MIN_POINT_DISTANCE * math.hypot(*limits.values())
        for (first, one), (second, other) in combinations(enumerate(points), 2):
            if _distance(one[side], other[side]) < least:
                message = (
                    f"points[{first}].{side} and points[{second}].{side} are too close to each other. "
                    f"They must be at least {least:.0f} pixels apart."
                )
                raise Invalid(message, *path, str(second), side)
    _validate_fit(points, MAX_RESIDUAL * math.hypot(*limits.values()), *path)


def _validate_fit(points: PointPairs, limit: float, *path: str) -> None:
    """Raises `Invalid` if no similarity transform moves each old point close to its new one."""
    old, new = ([complex(pair[side]["x"], pair[side]["y"]) for pair in points] for side in ("old", "new"))
    from_centre, to_centre = sum(old) / len(old), sum(new) / len(new)
    spread = sum(abs(at - from_centre) ** 2 for at in old)
    turn = sum((at - from_centre).conjugate() * (to - to_centre) for at, to in zip(old, new, strict=True))
    errors = [
        abs(turn / spread * (at - from_centre) + to_centre - to) for at, to in zip(old, new, strict=True)
    ]
    worst = max(range(len(points)), key=errors.__getitem__)
    if errors[worst] > limit:
        message = f"points[{worst}] does not fit the others: it is {errors[worst]:.0f} pixels off."
        raise Invalid(f"{message} Check that each pair marks the same place.", *path, str(worst))
    scale = abs(turn) / spread
    if not 1 / MAX_SCALE < scale < MAX_SCALE:
        message = f"The points imply that the new sheet is {scale:.2g} times as large as the old one."
        raise Invalid(f"{message} The maximum is {MAX_SCALE:.0f}, the minimum {1 / MAX_SCALE}.", *path)


def _distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return math.hypot(one["x"] - other["x"], one["y"] - other["y"])
