"""Rules that images must satisfy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, Self

from core.images import IMAGE_FORMATS

FORMAT_NAMES = {name.lower(): extension for name, extension in IMAGE_FORMATS.items()} | {
    **{extension: extension for extension in IMAGE_FORMATS.values()},
    "tif": "tiff",
}
"""Accepted format names and their canonical names."""


class DuplicateAction(Enum):
    """Handling of near duplicates within a crawl."""

    REPORT = "report"
    """Duplicates are reported only."""
    QUARANTINE = "quarantine"
    """Duplicates are moved to the quarantine, from which they can be restored."""
    REMOVE = "remove"
    """The same as QUARANTINE."""


class ValidationPreset(Enum):
    """Named set of validation rules. Every preset requires that the image can be decoded."""

    BASIC = "basic"
    """No further rules."""
    STANDARD = "standard"
    """1 KiB to 10 MiB, any supported format. Near duplicates are reported."""
    LENIENT = "lenient"
    """At least 25 x 25 pixels and 512 bytes. Near duplicates are reported."""
    STRICT = "strict"
    """At least 100 x 100 pixels, 2 KiB to 10 MiB, any supported format. Near duplicates are quarantined."""


@dataclass(frozen=True)
class ValidationRules:
    """Rules for images; None is not checked. Sizes are of files, in bytes or megabytes of 1024² bytes.

    `min_sharpness` is the variance of the Laplacian at 512 pixels, brightness is from 0 to 255, an aspect
    ratio is width / height, and `duplicate_distance` counts bits.
    """

    preset: str | None = None
    min_width: int | None = None
    min_height: int | None = None
    max_side: int | None = None
    min_aspect_ratio: float | None = None
    max_aspect_ratio: float | None = None
    formats: tuple[str, ...] | None = None
    max_size_mb: float | None = None
    min_bytes: int | None = None
    duplicates: str | None = None
    duplicate_distance: int | None = None
    refuse_blank: bool | None = None
    refuse_cut: bool | None = None
    min_sharpness: float | None = None
    min_brightness: float | None = None
    max_brightness: float | None = None
    max_clipped_share: float | None = None
    quarantine_invalid: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """The rules that are set, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From the stored JSON form."""
        values = {field.name: stored.get(field.name) for field in fields(cls)}
        return cls(**values | {"formats": tuple(values["formats"]) if values["formats"] else None})


ALL_FORMATS = tuple(dict.fromkeys(FORMAT_NAMES.values()))
PRESETS = {
    ValidationPreset.BASIC: ValidationRules(),
    ValidationPreset.STANDARD: ValidationRules(
        min_bytes=1024, max_size_mb=10, formats=ALL_FORMATS, duplicates=DuplicateAction.REPORT.value
    ),
    ValidationPreset.LENIENT: ValidationRules(
        min_width=25, min_height=25, min_bytes=512, duplicates=DuplicateAction.REPORT.value
    ),
    ValidationPreset.STRICT: ValidationRules(
        min_width=100,
        min_height=100,
        min_bytes=2048,
        max_size_mb=10,
        formats=ALL_FORMATS,
        duplicates=DuplicateAction.QUARANTINE.value,
    ),
}
"""Rules of each preset. Images that cannot be decoded are always invalid."""
