"""Text extraction from uploaded files, page by page."""

from pipelines.knowledge.extraction.pages import PAGE_BREAK, ExtractedText, Heading, Limits, Page
from pipelines.knowledge.extraction.runner import READERS, extract, extract_pages

__all__ = ["PAGE_BREAK", "READERS", "ExtractedText", "Heading", "Limits", "Page", "extract", "extract_pages"]
