"""Chat models: extractive answers, and OpenAI-compatible endpoints.

`openai_compatible` is imported if an endpoint is configured.
"""

from providers.chat.endpoints import Endpoints
from providers.chat.extractive import NOTHING_FOUND, ExtractiveAnswerer

__all__ = ["NOTHING_FOUND", "Endpoints", "ExtractiveAnswerer"]
