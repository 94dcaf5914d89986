"""Embedding models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")

Vector = list[float]


class Embed(Protocol):
    """Embeds texts as vectors of length 1, in order."""

    async def __call__(
        self, texts: Sequence[str], kind: Literal["query", "passage"]
    ) -> Sequence[Sequence[float]]: ...


class EmbeddingResult(list[T]):
    """Embeddings in the order of the texts; `tokens` is the number of input tokens."""

    def __init__(self, items: Iterable[T], tokens: int) -> None:
        super().__init__(items)
        self.tokens = tokens


@dataclass(frozen=True)
class SimilarityScale:
    """The cosines of a model that count as 0 and as 1, so that thresholds hold for every model."""

    zero: float = 0.0
    one: float = 1.0

    def of(self, cosine: float | None) -> float:
        """The similarity from 0 to 1; 0 without a cosine."""
        if cosine is None:
            return 0.0
        return min(1.0, max(0.0, (cosine - self.zero) / (self.one - self.zero)))


class Embedder(Protocol):
    """An embedding model with vectors of length 1. Both methods raise `ModelFailure`."""

    provider: str
    model: str
    """Name of the model. Vectors of different models are not comparable."""
    dimension: int
    max_tokens: int
    """Maximum number of tokens per vector."""
    passage_prefix: str
    """Text that the model is given before each passage, if any; vectors depend on it."""

    similarity_scale: SimilarityScale

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> EmbeddingResult[Vector]:
        """One vector for each text, of its first `max_tokens` tokens."""

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """For each text, the vectors of its overlapping windows of `max_tokens` tokens."""

    async def close(self) -> None: ...


class UnknownEmbedder(LookupError):
    """The installation is not configured to run the model; the message, which is for users, says how to."""


class Embedders(Protocol):
    """The embedding models that the installation can run."""

    default: Embedder
    """The model that the settings configure."""
    sentences: Embedder
    """The model that compares the sentences of answers; it need not be the one of the vectors."""
    fallback_reason: str | None
    """Why `default` is not the configured model, for operators."""

    def of(self, provider: str, model: str, dimension: int, max_tokens: int) -> Embedder:
        """The provider's model with this name and these sizes. Raises `UnknownEmbedder`."""

    async def close(self) -> None: ...
