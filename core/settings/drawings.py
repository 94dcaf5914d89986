"""Settings of how drawings are rendered and compared."""

import re

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from core.settings.types import CommaSeparated


class DrawingSettings(BaseSettings):
    """Resolution and limits of rendered pages, and the colours of overlays."""

    drawing_dpi: int = Field(
        default=300, ge=36, le=1200, description="Resolution at which pages are rendered, in dots per inch."
    )
    drawing_max_pixels: int = Field(
        default=150_000_000,
        ge=1,
        description="Maximum number of pixels of a rendered page; larger pages are rendered at a lower "
        "resolution.",
    )
    drawing_max_pages: int = Field(default=500, ge=1, description="Maximum number of pages in a drawing set.")
    overlay_colours: CommaSeparated = Field(
        default=("#d62728", "#2ca02c", "#808080"),
        description="Hexadecimal colours of removed, added and unchanged content.",
    )

    @field_validator("overlay_colours")
    @classmethod
    def _three_colours(cls, colours: tuple[str, ...]) -> tuple[str, ...]:
        if len(colours) != 3 or not all(re.fullmatch("#[0-9a-fA-F]{6}", colour) for colour in colours):
            raise ValueError("must be three colours such as #d62728, separated by commas")
        return colours
