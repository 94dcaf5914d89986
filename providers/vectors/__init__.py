"""Vector stores in Qdrant, on a server or embedded."""

from core.settings import Settings, SettingsError
from providers.vectors.deferred import DeferredStores

__all__ = ["DeferredStores", "vector_stores"]


def vector_stores(settings: Settings) -> DeferredStores:
    """The stores at `QDRANT_URL`, created once per process. Raises `SettingsError` if it is not set."""
    if settings.qdrant_url is None:
        raise SettingsError("QDRANT_URL: must be set")
    key = settings.qdrant_api_key
    return DeferredStores(settings.qdrant_url, key.get_secret_value() if key else None)
