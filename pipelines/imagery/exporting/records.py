"""Records of exported images: content and metadata, in values that every format supports."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

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
    "split",
    "original_sha256",
)
NUMBER_FIELDS, BOOLEAN_FIELDS = ("width", "height", "file_size", "group"), ("is_duplicate",)
URL_FIELDS = ("original_url", "page_url")
EXTENSIONS = {"jpeg": "jpg", "tif": "tiff"}
VERDICTS = {True: "valid", False: "invalid", None: "unchecked"}
UNKNOWN = "unknown"


class MetadataPlan(Protocol):
    """What the metadata of images contain."""

    @property
    def includes_urls(self) -> bool:
        """Whether source URLs are included."""

    @property
    def is_split(self) -> bool:
        """Whether images have a split, a group and labels."""

    @property
    def is_single_label(self) -> bool:
        """Whether every image has exactly one label."""


@dataclass(frozen=True)
class ImageRecord:
    """An image to export, with the `content` of its file. Missing values are empty strings or 0.

    Loaders infer a column's type from its first values, so nulls would make it a column of nulls.
    """

    index: int
    metadata: Mapping[str, Any]
    content: bytes
    host: str = ""

    @property
    def filename(self) -> str:
        """File name in the package; deterministic for the same images."""
        return str(self.metadata["file_name"])


@dataclass
class ExportTotals:
    """Totals of the exported images.

    `missing` counts images whose stored file no longer exists, `unreadable` those that could not be resized.
    `sources` are hosts.
    """

    packed: int = 0
    missing: int = 0
    unreadable: int = 0
    content_bytes: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, record: ImageRecord) -> None:
        """Count an image."""
        self.packed += 1
        self.content_bytes += record.metadata["file_size"]
        self.formats[record.metadata["format"] or UNKNOWN] += 1
        self.licences[record.metadata["licence"] or UNKNOWN] += 1
        self.sources[record.host or UNKNOWN] += 1
        self.labels.update(record.metadata.get("labels", ()))
        if split := record.metadata.get("split"):
            self.splits[split] += 1

    def to_json(self) -> dict[str, Any]:
        """The JSON form stored in a checkpoint. Pairs keep the order, on which files depend."""
        counted = {name: list(getattr(self, name).items()) for name in COUNTERS}
        return {**vars(self), **counted}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """From the stored JSON form."""
        counted = {name: Counter(dict(saved[name])) for name in COUNTERS}
        return cls(**{**saved, **counted})


COUNTERS = ("formats", "licences", "sources", "splits", "labels")
"""Fields of `ExportTotals` that count by name."""


def extension(format: str | None) -> str:
    """File extension of a format; `bin` if it is unknown."""
    known = (format or "").lower()
    return EXTENSIONS.get(known, known) if re.fullmatch("[a-z0-9]{1,5}", known) else "bin"


def image_metadata(index: int, image: Any, plan: MetadataPlan) -> dict[str, Any]:
    """Metadata of an image, in a fixed order and without nulls; what is in it depends on the plan only."""
    found: datetime = image.created_at
    number = image.perceptual_hash
    values = {
        "file_name": f"{index:06d}.{extension(image.format)}",
        "id": str(image.id),
        "original_url": image.original_url,
        "page_url": image.page_url or "",
        "width": image.width or 0,
        "height": image.height or 0,
        "file_size": image.file_size or 0,
        "format": extension(image.format) if image.format else "",
        "sha256": image.hash or "",
        "perceptual_hash": "" if number is None else f"{number % 2**64:016x}",
        "licence": image.licence or "",
        "attribution": image.attribution or "",
        "caption": image.caption or "",
        "verdict": VERDICTS[image.is_valid],
        "issues": " ".join(image.issues),
        "is_duplicate": image.is_duplicate,
        "found_at": found.isoformat(),
    }
    if not plan.includes_urls:
        values = {name: value for name, value in values.items() if name not in URL_FIELDS}
    if plan.is_split:
        single = {"label": image.labels[0]} if plan.is_single_label else {}
        values |= {"split": image.split.value, "group": image.group_number, **single, "labels": image.labels}
    return values
