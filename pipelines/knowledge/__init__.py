"""Documents: their text, the pieces that are searched, and what they are about."""
