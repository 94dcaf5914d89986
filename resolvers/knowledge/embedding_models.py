"""Embedding models: adding, updating, activating and deleting them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict
from core.ports import Embedders, UnknownEmbedder
from db.ids import new_id
from db.models import Company, EmbeddingModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.knowledge import model_rollout, vector_sync
from resolvers.knowledge.vector_sync import ForgetModel
from resolvers.rows import update_row

MAXIMA = {"dimension": 65_536, "max_tokens": 10_000_000}
FIXED = ("name", "provider", "dimension")
"""Columns that the stored vectors of a model depend on."""


async def seed(uow: UnitOfWork, *, name: str, provider: str, dimension: int, max_tokens: int) -> None:
    """Insert the installation's own model if it is missing; it becomes active if no model is."""
    is_active = await uow.scalar(select(~select(EmbeddingModel.id).where(EmbeddingModel.is_active).exists()))
    values = {
        "id": new_id(),
        "name": name,
        "provider": provider,
        "dimension": dimension,
        "max_tokens": max_tokens,
        "is_active": is_active,
        "activated_at": func.now() if is_active else None,
    }
    await uow.execute(upsert(EmbeddingModel).values(values).on_conflict_do_nothing())


async def create(uow: UnitOfWork, viewer: Viewer, values: Mapping[str, Any]) -> EmbeddingModel:
    """Add a model, not active yet."""
    access.require(viewer, "embeddings:manage")
    columns = _check(values)
    await _require_free_name(uow, columns["name"])
    statement = insert(EmbeddingModel).values(**columns, is_active=False)
    model = await uow.one(statement.returning(EmbeddingModel))
    await activity_log.record(uow, viewer.user_id, "EMBEDDING_MODEL_CREATE", "EmbeddingModel", model.id)
    return model


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, changes: Mapping[str, Any]) -> EmbeddingModel:
    """Update a model; of a model in use only `max_tokens`."""
    access.require(viewer, "embeddings:manage")
    model = await access.find(uow, viewer, EmbeddingModel, id, lock=True)
    values = _check(changes)
    fixed = next((name for name in FIXED if name in values and values[name] != getattr(model, name)), None)
    if fixed and (model.is_active or await _is_in_use(uow, id)):
        raise Conflict(f"{fixed} of a model in use cannot be changed.", "input", fixed)
    if values.get("name", model.name) != model.name:
        await _require_free_name(uow, values["name"])
    return await update_row(uow, viewer, EmbeddingModel, model, values, "EMBEDDING_MODEL_UPDATE")


async def activate(uow: UnitOfWork, viewer: Viewer, id: UUID, embedders: Embedders) -> EmbeddingModel:
    """Make it the model that every company is searched with. No effect on the active model.

    The unit is in the platform company, whose documents a job embeds first; `model_rollout` does the rest.
    """
    access.require(viewer, "embeddings:manage")
    await uow.execute(select(EmbeddingModel.id).order_by(EmbeddingModel.id).with_for_update())
    model = await access.find(uow, viewer, EmbeddingModel, id)
    if model.is_active:
        return model
    try:
        model_rollout.embedder_of(embedders, model)
    except UnknownEmbedder as error:
        raise Conflict(str(error), "id") from error
    await uow.execute(sa.update(EmbeddingModel).where(EmbeddingModel.is_active).values(is_active=False))
    values = {"is_active": True, "activated_at": func.now()}
    statement = sa.update(EmbeddingModel).where(EmbeddingModel.id == id).values(values)
    active = await uow.one(statement.returning(EmbeddingModel))
    await model_rollout.enqueue(uow, id, viewer)
    await activity_log.record(uow, viewer.user_id, "EMBEDDING_MODEL_ACTIVATE", "EmbeddingModel", id)
    return active


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete a model that is not in use. A job deletes its vectors."""
    access.require(viewer, "embeddings:manage")
    model = await access.find(uow, viewer, EmbeddingModel, id, lock=True)
    if model.is_active:
        raise Conflict("This model is active. Activate another one first.", "id")
    if await _is_in_use(uow, id):
        raise Conflict(
            "This model is in use until all documents are embedded with the active model.",
            "id",
        )
    await uow.execute(sa.delete(EmbeddingModel).where(EmbeddingModel.id == id))
    await vector_sync.enqueue(uow, viewer, ForgetModel(model.name, model.dimension))
    await activity_log.record(uow, viewer.user_id, "EMBEDDING_MODEL_DELETE", "EmbeddingModel", id)
    return id


async def _is_in_use(uow: UnitOfWork, id: UUID) -> bool:
    """Whether a company is searched with the model."""
    company = select(Company.id).where(Company.embedding_model_id == id).limit(1)
    return await uow.scalar(company) is not None


async def _require_free_name(uow: UnitOfWork, name: str) -> None:
    if await uow.scalar(select(EmbeddingModel.id).where(EmbeddingModel.name == name)):
        raise Conflict("An embedding model with this name already exists.", "input", "name")


def _check(values: Mapping[str, Any]) -> dict[str, Any]:
    checked = validators.values(EmbeddingModel, values, "input")
    for name, maximum in MAXIMA.items():
        if name in checked:
            validators.within(checked[name], 1, maximum, "input", validators.camel(name))
    return checked
