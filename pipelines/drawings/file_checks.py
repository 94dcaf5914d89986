"""Kinds of drawing files, by content."""

from functools import cache
from pathlib import Path

import filetype
from magika import Magika

from core.errors import Invalid, UnsupportedContent
from core.file_types import DWG_REFUSAL, DWG_START, DXF_START

IMAGE_FORMATS = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}


def detect_kind(path: Path) -> str:
    """`pdf`, `dxf`, `png`, `jpeg` or `tiff`, by content. Raises `UnsupportedContent` for other content."""
    if not path.stat().st_size:
        raise Invalid("The file is empty.")
    with path.open("rb") as file:
        head = file.read(1024)
    if b"%PDF-" in head:
        return "pdf"
    if DXF_START.match(head):
        return "dxf"
    if DWG_START.match(head):
        raise UnsupportedContent(DWG_REFUSAL)
    guess = filetype.guess_extension(head)
    if guess in IMAGE_FORMATS:
        return IMAGE_FORMATS[guess].lower()
    output = content_detector().identify_path(path).output
    raise UnsupportedContent(
        f"The file is {output.description or output.label}; drawings must be PDF, DXF, PNG, JPEG or TIFF."
    )


@cache
def content_detector() -> Magika:
    """Content type model, loaded once per process."""
    return Magika()
