"""Embedding models: the bundled MiniLM, and OpenAI-compatible endpoints."""

from core.ports import Embedder, UnknownEmbedder
from core.settings import Settings
from providers.embeddings.bundled import MiniLM
from providers.embeddings.prefixes import Prefixes, prefixes_of

__all__ = ["ConfiguredEmbedders", "MiniLM"]

WRONG_MODEL = "The bundled embedding model is {model}, with {dimension} dimensions and {max_tokens} tokens."
ENDPOINT = "openai"
"""Provider of the models of an OpenAI-compatible endpoint."""

NO_ENDPOINT = "{model} is not available: set EMBEDDING_URL to an endpoint that provides it."
UNKNOWN_PROVIDER = "Unknown provider {provider}: must be {known}."


class ConfiguredEmbedders:
    """The bundled model, and the models of the endpoint at `EMBEDDING_URL`; created once per process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bundled = MiniLM()
        self._remote: dict[tuple[str, int, int], Embedder] = {}
        self.default: Embedder = self._bundled
        if settings.embedding_url is not None:
            self.default = self._remote_embedder(
                settings.embedding_model, settings.embedding_dimension, settings.embedding_max_tokens
            )

    def of(self, provider: str, model: str, dimension: int, max_tokens: int) -> Embedder:
        """The embedder of a model; the endpoint may provide any model. Raises `UnknownEmbedder`."""
        if provider == MiniLM.provider:
            if (model, dimension) != (MiniLM.model, MiniLM.dimension):
                raise UnknownEmbedder(
                    WRONG_MODEL.format(
                        model=MiniLM.model, dimension=MiniLM.dimension, max_tokens=MiniLM.max_tokens
                    )
                )
            return self._bundled
        if provider != ENDPOINT:
            known = f"{MiniLM.provider} or {ENDPOINT}"
            raise UnknownEmbedder(UNKNOWN_PROVIDER.format(provider=provider, known=known))
        if self._settings.embedding_url is None:
            raise UnknownEmbedder(NO_ENDPOINT.format(model=model))
        return self._remote_embedder(model, dimension, max_tokens)

    def warm_up(self) -> None:
        """Loads the default model in the background, unless it is at the endpoint."""
        if self.default is self._bundled:
            self._bundled.warm_up()

    async def close(self) -> None:
        """Closes all embedders."""
        embedders: list[Embedder] = [self._bundled, *self._remote.values()]
        for embedder in embedders:
            await embedder.close()

    def _remote_embedder(self, model: str, dimension: int, max_tokens: int) -> Embedder:
        known = self._remote.get((model, dimension, max_tokens))
        if known is not None:
            return known
        from providers.embeddings.openai_compatible import RemoteEmbedder  # with the client of OpenAI

        settings = self._settings
        assert settings.embedding_url is not None
        key = settings.embedding_api_key
        embedder = RemoteEmbedder(
            settings.embedding_url,
            model,
            dimension=dimension,
            max_tokens=max_tokens,
            key=key.get_secret_value() if key else None,
            timeout=settings.embedding_timeout,
            retries=settings.embedding_retries,
            prefixes=self._prefixes(model),
        )
        return self._remote.setdefault((model, dimension, max_tokens), embedder)

    def _prefixes(self, model: str) -> Prefixes:
        """The prefixes of the settings, or those that the model is known for."""
        settings, known = self._settings, prefixes_of(model)
        query, passage = settings.embedding_query_prefix, settings.embedding_passage_prefix
        return Prefixes(
            known.query if query is None else query, known.passage if passage is None else passage
        )
