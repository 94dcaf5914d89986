"""Chunk vectors in Qdrant. Every request is filtered by company."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID
from zlib import crc32

import httpx
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from qdrant_client.http.models import (
    Condition,
    Distance,
    FieldCondition,
    Filter,
    HasIdCondition,
    HnswConfigDiff,
    KeywordIndexParams,
    KeywordIndexType,
    MatchAny,
    MatchValue,
    Modifier,
    MultiVectorComparator,
    MultiVectorConfig,
    PointStruct,
    ScoredPoint,
    SparseVector,
    SparseVectorParams,
    VectorParams,
)

from core.ports import Hit, SearchScope, Vector, VectorChunk, VectorStore, VectorsUnavailable
from providers.vectors import bm25
from providers.vectors.score_fusion import (
    DEPTH,
    KNOWING,
    MEANING,
    WORDS,
    frequencies,
    fuse,
    known_share,
    words_query,
)

T = TypeVar("T")
PointId = Any
"""The client's type of IDs, a union that differs from release to release."""

BATCH_SIZE = 128
"""Chunks per request (about 2 MB)."""

NOT_FOUND, CONFLICT, TOO_MANY, SERVER_ERROR = 404, 409, 429, 500

COLLECTION_PREFIX = "seshat-"
TIMEOUT_SECONDS, READY_SECONDS = 60, 2
CONNECT_RETRIES = 4
"""Retries within about 4 seconds, the time in which the embedded store restarts."""
CONNECTION_CLOSED = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""Errors of a connection that was closed before the response."""
RETRY_DELAYS = (0.0, 0.1, 0.4)
"""Seconds before each retry of a request whose connection was closed."""
SHOWN = ["document_id", "company_id"]
"""Payload fields of a hit."""
POOL = httpx.Limits(max_connections=64, max_keepalive_connections=16)


def connect(url: str, key: str | None = None) -> AsyncQdrantClient:
    """A client of the server at `url`: `http://`, `https://`, or `unix:` with the path of a socket."""
    socket = url.removeprefix("unix:") if url.startswith("unix:") else None
    return AsyncQdrantClient(
        url="http://localhost" if socket else url,
        port=None,
        headers={"api-key": key} if key else None,
        timeout=TIMEOUT_SECONDS,
        check_compatibility=False,  # the check would block before the event loop runs
        trust_env=socket is None,  # a proxy cannot scope the socket
        transport=httpx.AsyncHTTPTransport(uds=socket, retries=CONNECT_RETRIES, limits=POOL),
    )


class QdrantStores:
    """Vector stores: one collection per embedding model, named after it."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self._stores: dict[str, QdrantStore] = {}

    def of(self, model: str, dimension: int) -> VectorStore:
        """The vector store of a model."""
        return self._of(collection_name(model, dimension), dimension)

    def _of(self, name: str, dimension: int) -> "QdrantStore":
        return self._stores.setdefault(name, QdrantStore(self._client, name, dimension))

    async def delete(
        self, company_id: UUID, document_id: UUID | None = None, *, keep: Collection[UUID] = ()
    ) -> None:
        """Deletes the chunks of a document, or of a company, from all collections, except those of `keep`."""
        selection = all_but(keep, within(company_id, document_id))
        for name in await self._collection_names():
            with suppress(CollectionMissing):
                await send(partial(self._client.delete, name, selection))

    async def update_scope(self, company_id: UUID, document_id: UUID, scope: str) -> None:
        """Updates the visibility of a document's chunks in all collections."""
        selection = within(company_id, document_id)
        for name in await self._collection_names():
            with suppress(CollectionMissing):
                await send(partial(self._client.set_payload, name, {"scope": scope}, points=selection))

    async def drop(self, model: str, dimension: int) -> None:
        """Deletes the collection of a model."""
        name = collection_name(model, dimension)
        await send(partial(self._client.delete_collection, name))
        self._stores.pop(name, None)

    async def incomplete(self) -> Mapping[str, datetime]:
        """Damaged collections of the embedded store. A Qdrant server has no such list."""
        request = partial(self._client.http.client.request, type_=Any, method="GET", url="/incomplete")
        with suppress(CollectionMissing):
            found = (await send(request))["result"]["collections"]
            return {name: datetime.fromtimestamp(since, UTC) for name, since in found.items()}
        return {}

    async def mark_complete(self, name: str) -> None:
        """Allows searches of a damaged collection again."""
        path = f"/incomplete/{name}"
        with suppress(CollectionMissing):
            await send(partial(self._client.http.client.request, type_=Any, method="DELETE", url=path))

    async def ready(self) -> bool:
        """Whether the server responds."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await send(self._client.get_collections)
        except (VectorsUnavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _collection_names(self) -> list[str]:
        found = (await send(self._client.get_collections)).collections
        return [collection.name for collection in found if collection.name.startswith(COLLECTION_PREFIX)]


class QdrantStore:
    """A collection with one point per chunk, as a multivector of its windows, partitioned by `company_id`."""

    def __init__(self, client: AsyncQdrantClient, name: str, dimension: int) -> None:
        self.name = name
        self._client, self._dimension = client, dimension
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def upsert(self, company_id: UUID, chunks: Sequence[VectorChunk]) -> None:
        """Stores the chunks. Creates the collection if it is missing."""
        for start in range(0, len(chunks), BATCH_SIZE):
            points = [point(company_id, chunk) for chunk in chunks[start : start + BATCH_SIZE]]
            try:
                await self._upsert(points)
            except CollectionMissing:  # it was deleted concurrently
                self._prepared = False
                await self._upsert(points)

    async def _upsert(self, points: list[PointStruct]) -> None:
        await self._prepare()
        await send(partial(self._client.upsert, self.name, points))

    async def search(
        self, scope: SearchScope, *, vector: Vector | None, text: str | None, limit: int = 10
    ) -> list[Hit]:
        """The best chunks by the fusion of their scores, with their similarity to the vector."""
        if vector is None and text is None:
            raise ValueError("a vector or a text is required")
        searchable, query = searchable_by(scope), words_query(text or "")
        by_words = partial(
            self._query, query=query, using=WORDS, search_params=frequencies(visible_to(scope))
        )
        by_meaning = partial(self._query, query=[vector] if vector else None, using=MEANING)
        near, named, best = await asyncio.gather(
            by_meaning(query_filter=searchable, limit=max(DEPTH, 2 * limit), with_payload=SHOWN)
            if vector
            else nothing(),
            by_words(query_filter=searchable, limit=max(DEPTH, 2 * limit), with_payload=SHOWN)
            if query
            else nothing(),
            by_words(query_filter=searchable, limit=KNOWING, with_vectors=[WORDS])
            if query and vector
            else nothing(),
        )
        points = {point.id: point for point in (*near, *named)}
        similarity, words = scores(near), scores(named)
        if query and vector and (others := [id for id in similarity if id not in words]):
            among = Filter(must=[searchable, HasIdCondition(has_id=others)])
            words |= scores(await by_words(query_filter=among, limit=len(others)))
        known = known_share(query, best) if query and vector else 1.0
        fused = dict(islice(fuse(similarity, words, known).items(), limit))
        if vector and (others := [id for id in fused if id not in similarity]):
            among = Filter(must=[searchable, HasIdCondition(has_id=others)])
            similarity |= scores(await by_meaning(query_filter=among, limit=len(others)))
        return [hit(points[id], score, similarity.get(id)) for id, score in fused.items()]

    async def delete(self, company_id: UUID, document_id: UUID, *, keep: Collection[UUID] = ()) -> None:
        """Deletes the chunks of a document, except those of `keep`."""
        selection = all_but(keep, within(company_id, document_id))
        with suppress(CollectionMissing):
            await send(partial(self._client.delete, self.name, selection))

    async def count(self, company_id: UUID, document_id: UUID | None = None) -> int:
        """Number of chunks of a company, or of one of its documents."""
        with suppress(CollectionMissing):
            selection = within(company_id, document_id)
            return (await send(partial(self._client.count, self.name, count_filter=selection))).count
        return 0

    async def _query(self, **arguments: Any) -> list[ScoredPoint]:
        with suppress(CollectionMissing):
            return (await send(partial(self._client.query_points, self.name, **arguments))).points
        return []

    async def _prepare(self) -> None:
        """Creates the collection and its indexes if they are missing; runs once per process."""
        async with self._preparing:
            if self._prepared:
                return
            await send(self._create)
            self._prepared = True

    async def _create(self) -> None:
        if not await self._client.collection_exists(self.name):
            await self._create_collection()
        for field, tenant in (("company_id", True), ("document_id", None), ("user_id", None)):
            index = KeywordIndexParams(type=KeywordIndexType.KEYWORD, is_tenant=tenant)
            await self._client.create_payload_index(self.name, field, index)

    async def _create_collection(self) -> None:
        rows = MultiVectorConfig(comparator=MultiVectorComparator.MAX_SIM)
        meaning = VectorParams(size=self._dimension, distance=Distance.COSINE, multivector_config=rows)
        try:
            await self._client.create_collection(
                self.name,
                vectors_config={MEANING: meaning},
                sparse_vectors_config={WORDS: SparseVectorParams(modifier=Modifier.IDF)},
                hnsw_config=HnswConfigDiff(payload_m=16),  # builds a graph per company too
            )
        except UnexpectedResponse as error:
            if error.status_code != CONFLICT:  # created concurrently
                raise


def collection_name(model: str, dimension: int) -> str:
    """The name of a model's collection: the URL-safe model name with a checksum."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", model)[:80]
    return f"{COLLECTION_PREFIX}{plain}-{crc32(model.encode()):08x}-{dimension}"


def point(company_id: UUID, chunk: VectorChunk) -> PointStruct:
    """The point of a chunk. The text is not stored."""
    numbers, weights = bm25.document_vector(chunk.text)
    return PointStruct(
        id=str(chunk.id),
        vector={
            MEANING: [list(vector) for vector in chunk.vectors],
            WORDS: SparseVector(indices=numbers, values=weights),
        },
        payload={
            "company_id": str(company_id),
            "document_id": str(chunk.document_id),
            "user_id": str(chunk.user_id) if chunk.user_id else None,
            "scope": chunk.scope,
        },
    )


def scores(found: Sequence[ScoredPoint]) -> dict[PointId, float]:
    """The scores of the points, in order."""
    return {point.id: point.score for point in found}


async def nothing() -> list[ScoredPoint]:
    """The answer to a search that is not needed."""
    return []


def hit(found: ScoredPoint, score: float, similarity: float | None) -> Hit:
    payload = found.payload or {}
    return Hit(
        chunk_id=UUID(str(found.id)),
        document_id=UUID(payload["document_id"]),
        company_id=UUID(payload["company_id"]),
        score=score,
        similarity=similarity,
    )


def within(company_id: UUID, document_id: UUID | None) -> Filter:
    """Filter: the chunks of a company, or of one of its documents."""
    fence: list[Condition] = [equal("company_id", str(company_id))]
    if document_id is not None:
        fence.append(equal("document_id", str(document_id)))
    return Filter(must=fence)


def all_but(keep: Collection[UUID], selection: Filter) -> Filter:
    """The filter without chunks of `keep`."""
    if keep:
        selection.must_not = [HasIdCondition(has_id=[str(chunk_id) for chunk_id in keep])]
    return selection


def visible_to(scope: SearchScope) -> Filter:
    """Filter: the company's chunks that the user may see, and global ones of the platform."""
    own = Filter(must=[equal("company_id", str(scope.company_id))])
    if scope.user_id is not None:
        shared = FieldCondition(key="scope", match=MatchAny(any=["company", "global"]))
        own.should = [shared, equal("user_id", str(scope.user_id))]
    if scope.platform_id is None or scope.platform_id == scope.company_id:
        return own
    published = [equal("company_id", str(scope.platform_id)), equal("scope", "global")]
    return Filter(should=[own, Filter(must=[*published])])


def searchable_by(scope: SearchScope) -> Filter:
    """Filter: visible chunks of the selected documents."""
    if scope.document_ids is None:
        return visible_to(scope)
    selection = MatchAny(any=sorted(map(str, scope.document_ids)))
    return Filter(must=[visible_to(scope), FieldCondition(key="document_id", match=selection)])


def equal(key: str, value: str) -> FieldCondition:
    return FieldCondition(key=key, match=MatchValue(value=value))


class CollectionMissing(Exception):
    """The collection does not exist: nothing was stored in it."""


async def send(request: Callable[[], Awaitable[T]]) -> T:
    """The response to a request, which is retried if the connection was closed.

    All requests are idempotent. A server that is being killed may close several connections in a row, as it
    accepts new ones until its socket is gone. Raises `CollectionMissing` and `VectorsUnavailable`.
    """
    for delay in RETRY_DELAYS:
        try:
            return await translate_errors(request)
        except VectorsUnavailable as error:
            if not isinstance(getattr(error.__cause__, "source", None), CONNECTION_CLOSED):
                raise
        await asyncio.sleep(delay)
    return await translate_errors(request)


async def translate_errors(request: Callable[[], Awaitable[T]]) -> T:
    """The response. Raises `CollectionMissing` or `VectorsUnavailable` for errors of the client."""
    try:
        return await request()
    except UnexpectedResponse as error:
        if error.status_code == NOT_FOUND:
            raise CollectionMissing from error
        if error.status_code == TOO_MANY or (error.status_code or 0) >= SERVER_ERROR:
            raise VectorsUnavailable(f"the vector store responded with status {error.status_code}") from error
        raise
    except (ResponseHandlingException, ResourceExhaustedResponse) as error:
        raise VectorsUnavailable("the vector store does not respond") from error
