"""Documents, document chunks and embedding models."""
