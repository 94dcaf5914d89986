"""Documents known by their SHA-256: automatic persisted queries, and running trusted documents only."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from server.graphql.refusals import Refusal


class PersistedDocuments:
    """Puts the text of a document where a client sent its hash."""

    def __init__(self, characters: int, trusted: Mapping[str, str] | None = None) -> None:
        self.characters = characters
        self.trusted = trusted
        self.known: OrderedDict[str, str] = OrderedDict()
        self.held = 0

    def resolve(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The operation with its document; raises Refusal when the hash is unknown, wrong or not trusted."""
        document, digest = operation.get("query"), requested_hash(operation)
        if self.trusted is not None:
            known = digest or (sha256(document.encode()).hexdigest() if document else "")
            if known not in self.trusted:
                raise Refusal(400, "DOCUMENT_NOT_TRUSTED", "This server runs only documents that it knows.")
            return {**operation, "query": self.trusted[known]}
        if digest is None:
            return operation
        if document is None:
            return {**operation, "query": self.recall(digest)}
        if sha256(document.encode()).hexdigest() != digest:
            raise Refusal(400, "BAD_REQUEST", "The document does not have the hash that was sent.")
        self.remember(digest, document)
        return operation

    def recall(self, digest: str) -> str:
        """The document of a hash; clients expect status 200 and these words when it is unknown."""
        if digest not in self.known:
            raise Refusal(200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        self.known.move_to_end(digest)
        return self.known[digest]

    def remember(self, digest: str, document: str) -> None:
        """Keep a document, forgetting those used longest ago."""
        if digest in self.known or len(document) > self.characters:
            return
        self.known[digest] = document
        self.held += len(document)
        while self.held > self.characters:
            self.held -= len(self.known.popitem(last=False)[1])


def requested_hash(operation: dict[str, Any]) -> str | None:
    """The hash in `extensions.persistedQuery`, if there is one."""
    persisted = (operation.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1:
        raise Refusal(400, "BAD_REQUEST", "`persistedQuery` needs version 1 and a `sha256Hash`.")
    return digest
