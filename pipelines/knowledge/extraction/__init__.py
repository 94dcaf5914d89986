"""Text out of files, with its pages."""

from pipelines.knowledge.extraction.pages import PAGE_BREAK, ExtractedText, Heading, Limits, Page
from pipelines.knowledge.extraction.runner import READERS, extract, extract_pages

__all__ = ["PAGE_BREAK", "READERS", "Extracted", "Heading", "Limits", "Page", "extract", "read"]
