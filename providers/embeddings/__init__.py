"""Turning texts into vectors: by a small model that comes along, or by an OpenAI-compatible endpoint."""

from core.ports import Embedder
from core.settings import Settings
from providers.embeddings.embedded import MiniLM
from providers.embeddings.remote import RemoteEmbedder

__all__ = ["MiniLM", "RemoteEmbedder", "embedder_of"]


def embedder_of(settings: Settings) -> Embedder:
    """The embedder that is configured; to be made once per process."""
    if settings.embedding_url is None:
        return MiniLM()
    key = settings.embedding_api_key
    return RemoteEmbedder(
        settings.embedding_url,
        settings.embedding_model,
        dimension=settings.embedding_dimension,
        max_tokens=settings.embedding_max_tokens,
        key=key.get_secret_value() if key else None,
        timeout=settings.embedding_timeout,
        retries=settings.embedding_retries,
    )
