"""Who embeds, who keeps vectors and who answers, as the settings say; to be opened once per process."""

from contextlib import AsyncExitStack

from core.ports import Embedder, ObjectStore, VectorStores
from core.settings import Settings
from db.uow import Database
from pipelines.registry import Services
from providers.chat import ExtractiveAnswerer
from providers.embeddings import embedder_of
from providers.vectors import vector_stores
from providers.vision import MeasuredAnalyser
from server.vectors import socket_path


def open_embedder(settings: Settings, stack: AsyncExitStack) -> Embedder:
    """The embedder, open until the stack's end."""
    embedder = embedder_of(settings)
    stack.push_async_callback(embedder.close)
    return embedder


def open_vectors(settings: Settings, stack: AsyncExitStack) -> VectorStores:
    """The vector stores, open until the stack's end: at `QDRANT_URL`, or the data folder's embedded one."""
    url = settings.qdrant_url or f"unix:{socket_path(settings.data)}"
    stores = vector_stores(settings.model_copy(update={"qdrant_url": url}))
    stack.push_async_callback(stores.close)
    return stores


def working(
    database: Database, settings: Settings, store: ObjectStore, embedder: Embedder, vectors: VectorStores
) -> Services:
    """What a worker works with."""
    return Services(
        database=database,
        settings=settings,
        store=store,
        analyser=MeasuredAnalyser(),
        embedder=embedder,
        vectors=vectors,
        chat=ExtractiveAnswerer(embedder.embed),
    )
