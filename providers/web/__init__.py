"""HTTP fetcher and image sources of crawls."""

from providers.web.fetcher import WebFetcher
from providers.web.sources import image_sources

__all__ = ["WebFetcher", "image_sources"]
