"""Answering questions from passages: by quoting them, or by a language model behind OpenAI's API."""

from providers.chat.compatible import CompatibleModel
from providers.chat.endpoints import Endpoints
from providers.chat.extractive import NOTHING_FOUND, ExtractiveAnswerer

__all__ = ["NOTHING_FOUND", "CompatibleModel", "Endpoints", "ExtractiveAnswerer"]
