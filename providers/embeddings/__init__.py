"""Turning texts into vectors: by a small model that comes along, or by an OpenAI-compatible endpoint."""

from core.ports import Embedder, UnknownEmbedder
from core.settings import Settings
from providers.embeddings.onnx import MiniLM
from providers.embeddings.openai_compatible import RemoteEmbedder

__all__ = ["ConfiguredEmbedders", "MiniLM", "RemoteEmbedder"]

SIZES = "The embedding model that comes along is {model}, of {dimension} numbers and {max_tokens} tokens."
NOWHERE = "Nothing here runs {model}: set EMBEDDING_URL to an endpoint that does."
UNHEARD = "Nothing here runs models of the provider {provider}: there are {known}."


class ConfiguredEmbedders:
    """The model that comes along, and every model of the endpoint at `EMBEDDING_URL`; once per process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedded = MiniLM()
        self._remote: dict[tuple[str, int, int], RemoteEmbedder] = {}
        self.default: Embedder = self._embedded
        if settings.embedding_url is not None:
            self.default = self._at_endpoint(
                settings.embedding_model, settings.embedding_dimension, settings.embedding_max_tokens
            )

    def of(self, provider: str, model: str, dimension: int, max_tokens: int) -> Embedder:
        """The model of that name. The endpoint is taken to have every model that is asked of it."""
        if provider == MiniLM.provider:
            if (model, dimension) != (MiniLM.model, MiniLM.dimension):
                raise UnknownEmbedder(
                    SIZES.format(model=MiniLM.model, dimension=MiniLM.dimension, max_tokens=MiniLM.max_tokens)
                )
            return self._embedded
        if provider != RemoteEmbedder.provider:
            known = f"{MiniLM.provider} and {RemoteEmbedder.provider}"
            raise UnknownEmbedder(UNHEARD.format(provider=provider, known=known))
        if self._settings.embedding_url is None:
            raise UnknownEmbedder(NOWHERE.format(model=model))
        return self._at_endpoint(model, dimension, max_tokens)

    def warm_up(self) -> None:
        """Load what the usual model needs, in the background; an endpoint needs nothing."""
        if self.default is self._embedded:
            self._embedded.warm_up()

    async def close(self) -> None:
        """Close them all."""
        embedders: list[Embedder] = [self._embedded, *self._remote.values()]
        for embedder in embedders:
            await embedder.close()

    def _at_endpoint(self, model: str, dimension: int, max_tokens: int) -> RemoteEmbedder:
        known = self._remote.get((model, dimension, max_tokens))
        if known is not None:
            return known
        settings = self._settings
        assert settings.embedding_url is not None
        key = settings.embedding_api_key
        made = RemoteEmbedder(
            settings.embedding_url,
            model,
            dimension=dimension,
            max_tokens=max_tokens,
            key=key.get_secret_value() if key else None,
            timeout=settings.embedding_timeout,
            retries=settings.embedding_retries,
        )
        return self._remote.setdefault((model, dimension, max_tokens), made)
