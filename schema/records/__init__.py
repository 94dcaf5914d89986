"""Fields of stored types, which read the records of a whole level at once."""
