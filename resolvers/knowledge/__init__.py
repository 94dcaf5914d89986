"""Documents, retrieval, and the embedding models they use."""
