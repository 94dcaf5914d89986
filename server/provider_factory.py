"""Providers by the settings: embedding, vector stores, chat and image sources; opened once per process."""

from contextlib import AsyncExitStack
from functools import partial

from core.ports import ChatModel, Embedder, Embedders, ObjectStore, Sources, VectorStores
from core.settings import Settings
from core.settings.chat import ChatEndpoint
from db.crawl_rate_limits import reserve_slot
from db.uow import Database
from pipelines.runtime.handlers import Services
from providers.chat import CompatibleModel, Endpoints, ExtractiveAnswerer
from providers.embeddings import ConfiguredEmbedders
from providers.vectors import vector_stores
from providers.vision import analyser_of
from providers.web import WebFetcher, image_sources
from server.embedded.vectors import socket_path


def open_embedders(settings: Settings, stack: AsyncExitStack) -> Embedders:
    """Opens the embedders for the lifetime of the stack, and loads them in the background."""
    embedders = ConfiguredEmbedders(settings)
    embedders.warm_up()
    stack.push_async_callback(embedders.close)
    return embedders


def open_vectors(settings: Settings, stack: AsyncExitStack) -> VectorStores:
    """Opens the vector stores at `QDRANT_URL`, or the embedded ones, for the lifetime of the stack."""
    url = settings.qdrant_url or f"unix:{socket_path(settings.data)}"
    stores = vector_stores(settings.model_copy(update={"qdrant_url": url}))
    stack.push_async_callback(stores.close)
    return stores


def open_sources(database: Database, settings: Settings, stack: AsyncExitStack) -> Sources:
    """Opens the image sources for the lifetime of the stack. All processes share the crawl rate limits."""
    fetcher = WebFetcher(settings, reserve_slot=partial(reserve_slot, database))
    stack.push_async_callback(fetcher.close)
    return image_sources(fetcher, settings)


def chat_of(settings: Settings, embedder: Embedder) -> ChatModel:
    """The configured chat models; the default is extractive if none is configured."""
    default: ChatModel = ExtractiveAnswerer(embedder.embed)
    if settings.chat_url is not None:
        own = ChatEndpoint(url=settings.chat_url, model=settings.chat_model, key=settings.chat_api_key)
        default = openai_chat_model(own, settings)
    return Endpoints(default, named_chat_models(settings))


def named_chat_models(settings: Settings) -> dict[str, ChatModel]:
    """The chat models of `CHAT_PROVIDERS` by name."""
    return {name: openai_chat_model(endpoint, settings) for name, endpoint in settings.chat_providers.items()}


def openai_chat_model(endpoint: ChatEndpoint, settings: Settings) -> ChatModel:
    """The chat model of an OpenAI-compatible endpoint."""
    return CompatibleModel(
        endpoint.url,
        endpoint.model,
        key=endpoint.key.get_secret_value() if endpoint.key else None,
        retries=settings.chat_retries,
        silence=settings.chat_silence,
        timeout=settings.chat_timeout,
    )


def worker_services(
    database: Database,
    settings: Settings,
    store: ObjectStore,
    embedders: Embedders,
    vectors: VectorStores,
    sources: Sources,
) -> Services:
    """The services of a worker."""
    return Services(
        database=database,
        settings=settings,
        store=store,
        analyser=analyser_of(settings),
        embedders=embedders,
        vectors=vectors,
        chat=chat_of(settings, embedders.default),
        sources=sources,
        prices=settings.prices,
    )
