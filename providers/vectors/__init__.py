"""Storing and searching chunks in Qdrant: a server's, or the embedded one's. The client is the same."""

from core.ports import VectorStores
from core.settings import Settings, SettingsError
from providers.vectors.store import QdrantStores, connect

__all__ = ["QdrantStores", "connect", "vector_stores"]


def vector_stores(settings: Settings) -> VectorStores:
    """The stores at `QDRANT_URL`; to be made once per process. Raises `SettingsError` without an address."""
    if settings.qdrant_url is None:
        raise SettingsError("QDRANT_URL: is needed here")
    key = settings.qdrant_api_key
    return QdrantStores(connect(settings.qdrant_url, key.get_secret_value() if key else None))
