"""Chat models: extractive answers, and OpenAI-compatible endpoints."""

from providers.chat.endpoints import Endpoints
from providers.chat.extractive import NOTHING_FOUND, ExtractiveAnswerer
from providers.chat.openai_compatible import CompatibleModel

__all__ = ["NOTHING_FOUND", "CompatibleModel", "Endpoints", "ExtractiveAnswerer"]
