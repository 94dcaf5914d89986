"""Fetching from the web, and the sources of images in it."""

from providers.web.fetcher import WebFetcher
from providers.web.sources import image_sources

__all__ = ["WebFetcher", "image_sources"]
