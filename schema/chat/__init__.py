"""Conversations, what was said in them, and what that cost, as clients see them."""
