"""Conversations, their messages and answers, and their token usage."""

from resolvers.chat.messages import append

__all__ = ["append"]
