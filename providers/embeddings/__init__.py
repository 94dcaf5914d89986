"""Embedding models: the bundled ones, and OpenAI-compatible endpoints."""

from typing import Any

from core.ports import Embedder, UnknownEmbedder
from core.settings import Settings
from providers.embeddings.bundled import BundledEmbedder, MiniLM
from providers.embeddings.e5 import MultilingualE5, has_vector_unit
from providers.embeddings.prefixes import Prefixes, prefixes_of

__all__ = ["ConfiguredEmbedders", "MiniLM", "MultilingualE5"]


MINILM = "minilm"
"""Of `EMBEDDING_MODEL`: the small model for English."""
WRONG_MODEL = "The bundled embedding models are {models}, with 384 dimensions."
NO_VECTOR_UNIT = "{model} needs a processor with AVX2."
ENDPOINT = "openai"
"""Provider of the models of an OpenAI-compatible endpoint."""

DEFAULT_REMOTE_MODEL = "text-embedding-3-small"
FALLBACK = f"Documents are embedded by {MiniLM.model}, which knows English only."
NO_ENDPOINT = "{model} is not available: set EMBEDDING_URL to an endpoint that provides it."
UNKNOWN_PROVIDER = "Unknown provider {provider}: must be {known}."


class ConfiguredEmbedders:
    """The bundled models, and those of the endpoint at `EMBEDDING_URL`; created once per process.

    Documents are searched by `default`. Answers compare sentences by `sentences`, which is smaller than the
    bundled `default`: a question has many, and the probability of an answer is fitted to it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._minilm = MiniLM()
        self._e5 = MultilingualE5()
        self._remote: dict[tuple[str, int, int], Embedder] = {}
        self.fallback_reason: str | None = None
        """Why another model than the configured one is the default."""
        self.default: Embedder = self._bundled_default()
        self.sentences: Embedder = self._minilm
        if settings.embedding_url is not None:
            self.default = self.sentences = self._remote_embedder(
                settings.embedding_model or DEFAULT_REMOTE_MODEL,
                settings.embedding_dimension,
                settings.embedding_max_tokens,
            )

    def of(self, provider: str, model: str, dimension: int, max_tokens: int) -> Embedder:
        """The embedder of a model; the endpoint may provide any model. Raises `UnknownEmbedder`."""
        if provider == BundledEmbedder.provider:
            return self._bundled(model, dimension)
        if provider != ENDPOINT:
            known = f"{BundledEmbedder.provider} or {ENDPOINT}"
            raise UnknownEmbedder(UNKNOWN_PROVIDER.format(provider=provider, known=known))
        if self._settings.embedding_url is None:
            raise UnknownEmbedder(NO_ENDPOINT.format(model=model))
        return self._remote_embedder(model, dimension, max_tokens)

    def warm_up(self) -> None:
        """Loads the bundled models in use in the background."""
        for embedder in {self.default, self.sentences}:
            if isinstance(embedder, BundledEmbedder):
                embedder.warm_up()

    async def close(self) -> None:
        """Closes all embedders."""
        embedders: list[Embedder] = [self._minilm, self._e5, *self._remote.values()]
        for embedder in embedders:
            await embedder.close()

    def _bundled_default(self) -> Embedder:
        if self._settings.embedding_model == MINILM:
            return self._minilm
        if has_vector_unit():
            return self._e5
        self.fallback_reason = f"{NO_VECTOR_UNIT.format(model=MultilingualE5.model)} {FALLBACK}"
        return self._minilm

    def _bundled(self, model: str, dimension: int) -> Embedder:
        bundled: tuple[BundledEmbedder[Any], ...] = (self._minilm, self._e5)
        for embedder in bundled:
            if (embedder.model, embedder.dimension) == (model, dimension):
                if embedder is self._e5 and not has_vector_unit():
                    raise UnknownEmbedder(NO_VECTOR_UNIT.format(model=model))
                return embedder
        raise UnknownEmbedder(WRONG_MODEL.format(models=" and ".join(known.model for known in bundled)))

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
