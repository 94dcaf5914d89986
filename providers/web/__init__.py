"""Fetching from the web, and the sources of images in it."""

from providers.web.fetching import WebFetcher

__all__ = ["WebFetcher"]
