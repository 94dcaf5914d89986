"""Automatic persisted queries, and the allow list of trusted documents."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from core.errors import ErrorCode
from server.graphql.refusals import Refusal


class PersistedDocuments:
    """Replaces the hash of a document by its text."""

    def __init__(self, characters: int, trusted: Mapping[str, str] | None = None) -> None:
        self.characters = characters
        self.trusted = trusted
        self.known: OrderedDict[str, str] = OrderedDict()
        self.total_length = 0

    def resolve(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The operation with its document. Raises `Refusal` if the hash is unknown, wrong or not trusted."""
        document, digest = operation.get("query"), requested_hash(operation)
        if self.trusted is not None:
            known = digest or (sha256(document.encode()).hexdigest() if document else "")
            if known not in self.trusted:
                raise Refusal(
                    400,
                    ErrorCode.DOCUMENT_NOT_TRUSTED,
                    "The document is not on the allow list of this server.",
                )
            return {**operation, "query": self.trusted[known]}
        if digest is None:
            return operation
        if document is None:
            return {**operation, "query": self.find(digest)}
        if sha256(document.encode()).hexdigest() != digest:
            raise Refusal(400, ErrorCode.BAD_REQUEST, "The hash does not match the document.")
        self.store(digest, document)
        return operation

    def find(self, digest: str) -> str:
        """The document of a hash. Clients expect status 200 and this message if it is unknown."""
        if digest not in self.known:
            raise Refusal(200, ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        self.known.move_to_end(digest)
        return self.known[digest]

    def store(self, digest: str, document: str) -> None:
        """Stores a document, and evicts the least recently used ones."""
        if digest in self.known or len(document) > self.characters:
            return
        self.known[digest] = document
        self.total_length += len(document)
        while self.total_length > self.characters:
            self.total_length -= len(self.known.popitem(last=False)[1])


def requested_hash(operation: dict[str, Any]) -> str | None:
    """The hash in `extensions.persistedQuery`, or None."""
    persisted = (operation.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1:
        raise Refusal(400, ErrorCode.BAD_REQUEST, "`persistedQuery` must have version 1 and a `sha256Hash`.")
    return digest
