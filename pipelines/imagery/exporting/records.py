"""What is packed: an image's bytes, and what is known of it in values that every format can hold."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from db.models import Image

IMAGE_COLUMNS = (
    Image.id,
    Image.storage_url,
    Image.original_url,
    Image.page_url,
    Image.width,
    Image.height,
    Image.file_size,
    Image.format,
    Image.hash,
    Image.perceptual_hash,
    Image.licence,
    Image.attribution,
    Image.caption,
    Image.is_valid,
    Image.is_duplicate,
    Image.issues,
    Image.created_at,
)
"""What `described` reads."""

TEXT_FIELDS = (
    "file_name",
    "id",
    "original_url",
    "page_url",
    "format",
    "sha256",
    "perceptual_hash",
    "licence",
    "attribution",
    "caption",
    "verdict",
    "issues",
    "found_at",
)
NUMBER_FIELDS, BOOLEAN_FIELDS = ("width", "height", "file_size"), ("is_duplicate",)
URL_FIELDS = ("original_url", "page_url")
EXTENSIONS = {"jpeg": "jpg", "tif": "tiff"}
VERDICTS = {True: "valid", False: "invalid", None: "unchecked"}
UNKNOWN = "unknown"


@dataclass(frozen=True)
class ImageRecord:
    """One image to pack, `content` being its file. What is not known of it is an empty text, or 0.

    Readers infer the type of a column from its first values: a null there would make it a column of nulls.
    """

    index: int
    metadata: Mapping[str, Any]
    content: bytes

    @property
    def filename(self) -> str:
        """What the file is called in the package, alike in every package of the same images."""
        return str(self.metadata["file_name"])


@dataclass
class ExportTotals:
    """What was packed so far; `missing` are images whose stored file was gone."""

    packed: int = 0
    missing: int = 0
    content_bytes: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)

    def add(self, record: ImageRecord) -> None:
        """One more."""
        self.packed += 1
        self.content_bytes += record.metadata["file_size"]
        self.formats[record.metadata["format"] or UNKNOWN] += 1
        self.licences[record.metadata["licence"] or UNKNOWN] += 1

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**vars(self), "formats": dict(self.formats), "licences": dict(self.licences)}

    @classmethod
    def from_json(cls, to_json: Mapping[str, Any]) -> Self:
        """From the form that `saved` gives."""
        counted = {filename: Counter(to_json[filename]) for filename in ("formats", "licences")}
        return cls(**{**to_json, **counted})


def extension(format: str | None) -> str:
    """Of a file in this format; `bin` for one that is not known."""
    known = (format or "").lower()
    return EXTENSIONS.get(known, known) if re.fullmatch("[a-z0-9]{1,5}", known) else "bin"


def image_metadata(index: int, row: Any, *, urls: bool) -> dict[str, Any]:
    """What is known of an image, in one order and without nulls; without its addresses unless `urls`."""
    found: datetime = row.created_at
    number = row.perceptual_hash
    values = {
        "file_name": f"{index:06d}.{extension(row.format)}",
        "id": str(row.id),
        "original_url": row.original_url,
        "page_url": row.page_url or "",
        "width": row.width or 0,
        "height": row.height or 0,
        "file_size": row.file_size or 0,
        "format": extension(row.format) if row.format else "",
        "sha256": row.hash or "",
        "perceptual_hash": "" if number is None else f"{number % 2**64:016x}",
        "licence": row.licence or "",
        "attribution": row.attribution or "",
        "caption": row.caption or "",
        "verdict": VERDICTS[row.is_valid],
        "issues": " ".join(row.issues),
        "is_duplicate": row.is_duplicate,
        "found_at": found.isoformat(),
    }
    return values if urls else {filename: value for filename, value in values.items() if filename not in URL_FIELDS}
