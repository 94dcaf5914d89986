"""Providers by the settings: embedding, vector stores, chat and image sources; opened once per process."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from core.ports import ChatModel, Embedder, Embedders, ObjectStore, Sources, VectorStores
from core.settings import Settings
from core.settings.chat import ChatEndpoint
from db.crawl_rate_limits import reserve_slot
from db.database import Database
from pipelines.runtime.handlers import Services
from providers.chat import Endpoints, ExtractiveAnswerer
from providers.embeddings import ConfiguredEmbedders
from providers.mail import open_mailer
from providers.pushes import ConfiguredTargets
from providers.vectors import vector_stores
from providers.vision import analyser_of
from providers.web import WebFetcher, image_sources
from server.embedded.vectors import socket_path

PRELOAD_SECONDS = 1.0
"""Time from the start of a worker until it loads models and clients, so that the API is ready before."""


def open_embedders(settings: Settings, stack: AsyncExitStack, *, preload: bool = True) -> Embedders:
    """Opens the embedders for the lifetime of the stack.

    With `preload`, the default one is loaded soon in the background, otherwise on first use.
    """
    embedders = ConfiguredEmbedders(settings)
    stack.push_async_callback(embedders.close)
    if preload:
        preload_soon(embedders.warm_up, stack)
    return embedders


def open_vectors(settings: Settings, stack: AsyncExitStack, *, preload: bool = True) -> VectorStores:
    """Opens the vector stores at `QDRANT_URL`, or the embedded ones, for the lifetime of the stack.

    With `preload`, their client is imported soon in the background, otherwise on first use.
    """
    url = settings.qdrant_url or f"unix:{socket_path(settings.data)}"
    stores = vector_stores(settings.model_copy(update={"qdrant_url": url}))
    stack.push_async_callback(stores.close)
    if preload:
        preload_soon(stores.warm_up, stack)
    return stores


def preload_soon(warm_up: Callable[[], None], stack: AsyncExitStack) -> None:
    """Calls the function after `PRELOAD_SECONDS`, unless the stack is closed before."""
    call = asyncio.get_running_loop().call_later(PRELOAD_SECONDS, warm_up)
    stack.callback(call.cancel)


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
    from providers.chat.openai_compatible import CompatibleModel  # with the client of OpenAI

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
        chat=chat_of(settings, embedders.sentences),
        answer_probability=ExtractiveAnswerer(embedders.sentences.embed).probability,
        sources=sources,
        prices=settings.prices,
        mailer=open_mailer(settings),
        push_targets=ConfiguredTargets(settings),
    )
