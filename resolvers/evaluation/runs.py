"""Evaluation runs: a model, measured on a data set."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, update

from core.errors import Conflict
from db import queue
from db.models import EvaluationRun
from db.uow import UnitOfWork
from resolvers import access, activity, checks
from resolvers.access import Viewer


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Rename a run or describe it anew."""
    access.require(viewer, "evaluations:create")
    run = await access.find(uow, viewer, EvaluationRun, id, lock=True)
    values = dict(given)
    if "name" in values:
        values["name"] = checks.name(values["name"], "input", "name", limit=200)
    if values.get("description") is not None:
        values["description"] = checks.text(values["description"], "input", "description")
    if not values:
        return run
    values["version"] = EvaluationRun.version + 1
    statement = update(EvaluationRun).where(EvaluationRun.id == id).values(values)
    changed = await uow.one(statement.returning(EvaluationRun))
    await activity.record(
        uow, viewer.user_id, "EVALUATION_RUN_UPDATE", "EvaluationRun", id, fields=sorted(given)
    )
    return changed


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a run that is not under way."""
    access.require(viewer, "evaluations:delete")
    await access.find(uow, viewer, EvaluationRun, id, lock=True)
    if await queue.queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(delete(EvaluationRun).where(EvaluationRun.id == id))
    await activity.record(uow, viewer.user_id, "EVALUATION_RUN_DELETE", "EvaluationRun", id)
