"""What people do in conversations, and what that costs."""

from resolvers.chat.messages import append

__all__ = ["append"]
