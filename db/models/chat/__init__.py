"""Conversations and the logs of their answers."""
