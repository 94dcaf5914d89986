"""The models that turn text into vectors, as the platform manages them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict, Invalid
from core.ports import Embedders, UnknownEmbedder
from db.ids import new_id
from db.models import Company, EmbeddingModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.knowledge import model_rollout, vector_sync
from resolvers.knowledge.vector_sync import ForgetModel

LIMITS = {"name": 100, "provider": 50}
SIZES = {"dimension": "dimension", "max_tokens": "maxTokens"}
LARGEST = {"dimension": 65_536, "max_tokens": 10_000_000}
FIXED = ("name", "provider", "dimension")
"""What the vectors of a model in use depend on."""


async def seed(uow: UnitOfWork, *, name: str, provider: str, dimension: int, max_tokens: int) -> None:
    """Make the row of the model that this installation embeds with; it is active where none is."""
    none = ~select(EmbeddingModel.id).where(EmbeddingModel.is_active).exists()
    first = await uow.scalar(select(none))
    values = {
        "id": new_id(),
        "name": name,
        "provider": provider,
        "dimension": dimension,
        "max_tokens": max_tokens,
        "is_active": first,
        "activated_at": func.now() if first else None,
    }
    await uow.execute(upsert(EmbeddingModel).values(values).on_conflict_do_nothing())


async def create(uow: UnitOfWork, viewer: Viewer, given: Mapping[str, Any]) -> Row[Any]:
    """A model that is not active yet."""
    access.require(viewer, "embeddings:manage")
    values = _checked(given)
    await _refuse_taken(uow, values["name"])
    model = await uow.one(insert(EmbeddingModel).values(**values, is_active=False).returning(EmbeddingModel))
    await activity_log.record(uow, viewer.user_id, "EMBEDDING_MODEL_CREATE", "EmbeddingModel", model.id)
    return model


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Change what was given; of a model that companies are searched by only its limit of tokens."""
    access.require(viewer, "embeddings:manage")
    model = await access.find(uow, viewer, EmbeddingModel, id, lock=True)
    values = _checked(given)
    fixed = next((name for name in FIXED if name in values and values[name] != getattr(model, name)), None)
    if fixed and (model.is_active or await _serves(uow, id)):
        raise Conflict("Vectors that are searched depend on this.", "input", fixed)
    if values.get("name", model.name) != model.name:
        await _refuse_taken(uow, values["name"])
    if not values:
        return model
    statement = update(EmbeddingModel).where(EmbeddingModel.id == id).values(values)
    changed = await uow.one(statement.returning(EmbeddingModel))
    await activity_log.record(
        uow, viewer.user_id, "EMBEDDING_MODEL_UPDATE", "EmbeddingModel", id, fields=sorted(given)
    )
    return changed


async def activate(uow: UnitOfWork, viewer: Viewer, id: UUID, embedders: Embedders) -> Row[Any]:
    """Make it the one that every company is to be searched by; activating the active one changes nothing.

    The unit is in the platform's own company, whose documents a job embeds first; `serving` tells the rest.
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
    await uow.execute(update(EmbeddingModel).where(EmbeddingModel.is_active).values(is_active=False))
    values = {"is_active": True, "activated_at": func.now()}
    statement = update(EmbeddingModel).where(EmbeddingModel.id == id).values(values)
    active = await uow.one(statement.returning(EmbeddingModel))
    await model_rollout.queue(uow, id, viewer)
    await activity_log.record(uow, viewer.user_id, "EMBEDDING_MODEL_ACTIVATE", "EmbeddingModel", id)
    return active


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Forget a model that is not active and that no company is searched by; its vectors go by a job."""
    access.require(viewer, "embeddings:manage")
    model = await access.find(uow, viewer, EmbeddingModel, id, lock=True)
    if model.is_active:
        raise Conflict("This is the active model; activate another one first.", "id")
    if await _serves(uow, id):
        raise Conflict("Companies are searched by this model until their documents are embedded anew.", "id")
    await uow.execute(delete(EmbeddingModel).where(EmbeddingModel.id == id))
    await vector_sync.queue(uow, viewer, ForgetModel(model.name, model.dimension))
    await activity_log.record(uow, viewer.user_id, "EMBEDDING_MODEL_DELETE", "EmbeddingModel", id)
    return id


async def _serves(uow: UnitOfWork, id: UUID) -> bool:
    """Whether a company is searched by the model."""
    company = select(Company.id).where(Company.embedding_model_id == id).limit(1)
    return await uow.scalar(company) is not None


async def _refuse_taken(uow: UnitOfWork, name: str) -> None:
    if await uow.scalar(select(EmbeddingModel.id).where(EmbeddingModel.name == name)):
        raise Conflict("An embedding model has this name already.", "input", "name")


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for name, limit in LIMITS.items():
        if name in values:
            values[name] = validators.name(values[name] or "", "input", name, limit=limit)
    for name, shown in SIZES.items():
        if name in values and (values[name] is None or not 0 < values[name] <= LARGEST[name]):
            raise Invalid(f"This is from 1 to {LARGEST[name]}.", "input", shown)
    return values
