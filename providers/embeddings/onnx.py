"""Sentence embedding by a model in ONNX Runtime, on one core."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from core.ports import Vector
from providers.embeddings.errors import DamagedModel

TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"


class OnnxModel:
    """A model and its tokenizer. May be used by several threads."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(TOKENIZER))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def tokens(self, text: str) -> list[int]:
        """The token IDs of the text, with start and end tokens."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def vector(self, window: list[int]) -> Vector:
        """The normalized mean of the token embeddings."""
        numbers = np.array([window], dtype=np.int64)
        inputs = {"input_ids": numbers, "attention_mask": np.ones_like(numbers)}
        inputs["token_type_ids"] = np.zeros_like(numbers)
        mean = self._session.run(None, inputs)[0][0].mean(axis=0)
        return [float(number) for number in mean / np.linalg.norm(mean)]


@lru_cache(maxsize=1)
def load_model(path: Path, sha256: str) -> OnnxModel:
    """The model of the file, loaded once per process. Raises `DamagedModel`."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise DamagedModel(f"{path} is damaged: reinstall the package")
    return OnnxModel(path)
