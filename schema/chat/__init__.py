"""Conversations, messages and token usage."""
