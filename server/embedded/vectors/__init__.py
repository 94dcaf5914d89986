"""The embedded vector store: one process that owns the data and speaks a part of Qdrant's REST API."""

from server.embedded.vectors.sidecar import EmbeddedVectors, VectorStoreUnavailable, socket_path, vectors_of

__all__ = ["EmbeddedVectors", "VectorStoreUnavailable", "socket_path", "vectors_of"]
