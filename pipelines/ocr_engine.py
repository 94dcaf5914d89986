"""The OCR engine of a process."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapidocr import RapidOCR


@cache
def ocr_engine() -> "RapidOCR":
    """The OCR engine of this process, single-threaded, with its bundled models. Loaded on first use."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
