"""Who turns texts into vectors."""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")

Vector = list[float]


class Embed(Protocol):
    """Turns texts into vectors of length 1, one for each, in their order."""

    async def __call__(
        self, texts: Sequence[str], kind: Literal["query", "passage"]
    ) -> Sequence[Sequence[float]]: ...


class EmbeddingResult(list[T]):
    """What was embedded, in the order of the texts; `tokens` is how many the model read for it."""

    def __init__(self, items: Iterable[T], tokens: int) -> None:
        super().__init__(items)
        self.tokens = tokens


class Embedder(Protocol):
    """Turns texts into vectors of length 1, `dimension` numbers each. An `Embed` is its `embed`.

    Both methods raise `ModelFailure`.
    """

    provider: str
    model: str
    """Its name; vectors of different names are never compared."""
    dimension: int
    max_tokens: int
    """What one vector can stand for, in tokens of the model."""

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> EmbeddingResult[Vector]:
        """One vector for each text; of a longer text than `max_tokens`, its beginning counts."""

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """For each passage, the vectors of its overlapping windows of `max_tokens`: one where it fits."""

    async def close(self) -> None: ...


class UnknownEmbedder(LookupError):
    """Nothing that is configured runs this model; the message says what would, for a person."""


class Embedders(Protocol):
    """The embedding models that this installation can run, side by side."""

    default: Embedder
    """The one that the settings say: what a new installation begins with."""

    def of(self, provider: str, model: str, dimension: int, max_tokens: int) -> Embedder:
        """The one of a provider that has this name and these sizes. Raises `UnknownEmbedder`."""

    async def close(self) -> None: ...
