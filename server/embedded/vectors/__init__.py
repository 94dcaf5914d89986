"""The embedded vector store: a process with a part of Qdrant's REST API."""

from server.embedded.vectors.sidecar import EmbeddedVectors, VectorStoreUnavailable, socket_path, vectors_of

__all__ = ["EmbeddedVectors", "VectorStoreUnavailable", "socket_path", "vectors_of"]
