"""Vector stores in Qdrant, on a server or embedded."""

from core.ports import VectorStores
from core.settings import Settings, SettingsError
from providers.vectors.store import QdrantStores, connect

__all__ = ["QdrantStores", "connect", "vector_stores"]


def vector_stores(settings: Settings) -> VectorStores:
    """The stores at `QDRANT_URL`, created once per process. Raises `SettingsError` if it is not set."""
    if settings.qdrant_url is None:
        raise SettingsError("QDRANT_URL: must be set")
    key = settings.qdrant_api_key
    return QdrantStores(connect(settings.qdrant_url, key.get_secret_value() if key else None))
