"""Who embeds, who keeps vectors and who answers, as the settings say; to be opened once per process."""

from contextlib import AsyncExitStack

from core.ports import ChatModel, Embedder, Embedders, ObjectStore, VectorStores
from core.settings import Settings
from db.uow import Database
from pipelines.registry import Services
from providers.chat import CompatibleModel, ExtractiveAnswerer
from providers.embeddings import ConfiguredEmbedders
from providers.vectors import vector_stores
from providers.vision import MeasuredAnalyser
from server.vectors import socket_path


def open_embedders(settings: Settings, stack: AsyncExitStack) -> Embedders:
    """The embedders, open until the stack's end."""
    embedders = ConfiguredEmbedders(settings)
    stack.push_async_callback(embedders.close)
    return embedders


def open_vectors(settings: Settings, stack: AsyncExitStack) -> VectorStores:
    """The vector stores, open until the stack's end: at `QDRANT_URL`, or the data folder's embedded one."""
    url = settings.qdrant_url or f"unix:{socket_path(settings.data)}"
    stores = vector_stores(settings.model_copy(update={"qdrant_url": url}))
    stack.push_async_callback(stores.close)
    return stores


def chat_of(settings: Settings, embedder: Embedder) -> ChatModel:
    """The language model that is configured, or the one that quotes."""
    if settings.chat_url is None:
        return ExtractiveAnswerer(embedder.embed)
    key = settings.chat_api_key
    return CompatibleModel(
        settings.chat_url,
        settings.chat_model,
        key=key.get_secret_value() if key else None,
        retries=settings.chat_retries,
        silence=settings.chat_silence,
        timeout=settings.chat_timeout,
    )


def working(
    database: Database, settings: Settings, store: ObjectStore, embedders: Embedders, vectors: VectorStores
) -> Services:
    """What a worker works with."""
    return Services(
        database=database,
        settings=settings,
        store=store,
        analyser=MeasuredAnalyser(),
        embedders=embedders,
        vectors=vectors,
        chat=chat_of(settings, embedders.usual),
        prices=settings.prices,
    )
