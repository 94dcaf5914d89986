"""The chunks of all companies in Qdrant. Every request made here names the company it is for."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
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
from providers.vectors.rank_fusion import MEANING, MIN_DEPTH, WORDS, fusion_query, ranked_lists

T = TypeVar("T")

BATCH = 128
"""Chunks in one request: about 2 MB."""

NOT_FOUND, CONFLICT, TOO_MANY, SERVER_ERROR = 404, 409, 429, 500

NAMED = "seshat-"
TIMEOUT, READY_SECONDS = 60, 2
CONNECT_RETRIES = 4
"""Within about 4 seconds: what the embedded store needs to start again."""
CUT = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""What a connection says that ended before its answer."""
PAUSES = (0.0, 0.1, 0.4)
"""Seconds before a request is made again whose connection was cut."""
POOL = httpx.Limits(max_connections=64, max_keepalive_connections=16)


def connect(url: str, key: str | None = None) -> AsyncQdrantClient:
    """A client of the server at `url`: `http://`, `https://`, or `unix:` and the path of a socket."""
    socket = url.removeprefix("unix:") if url.startswith("unix:") else None
    return AsyncQdrantClient(
        url="http://localhost" if socket else url,
        port=None,
        headers={"api-key": key} if key else None,
        timeout=TIMEOUT,
        check_compatibility=False,  # it would ask the server before there is a loop to wait in
        trust_env=socket is None,  # no proxy knows the socket
        transport=httpx.AsyncHTTPTransport(uds=socket, retries=CONNECT_RETRIES, limits=POOL),
    )


class QdrantStores:
    """A collection for each embedding model, named after it."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self._stores: dict[str, QdrantStore] = {}

    def of(self, model: str, dimension: int) -> VectorStore:
        """The store of a model's vectors."""
        return self._of(collection_name(model, dimension), dimension)

    def _of(self, name: str, dimension: int) -> "QdrantStore":
        return self._stores.setdefault(name, QdrantStore(self._client, name, dimension))

    async def delete(self, company_id: UUID, document_id: UUID | None = None) -> None:
        """Remove a document's chunks, or all of a company, from every collection of ours."""
        chosen = within(company_id, document_id)
        for name in await self._ours():
            with suppress(CollectionMissing):
                await answer(partial(self._client.delete, name, chosen))

    async def update_scope(self, company_id: UUID, document_id: UUID, scope: str) -> None:
        """Change who may find a document's chunks, in every collection of ours."""
        chosen = within(company_id, document_id)
        for name in await self._ours():
            with suppress(CollectionMissing):
                await answer(partial(self._client.set_payload, name, {"scope": scope}, points=chosen))

    async def drop(self, model: str, dimension: int) -> None:
        """Remove a model's collection."""
        name = collection_name(model, dimension)
        await answer(partial(self._client.delete_collection, name))
        self._stores.pop(name, None)

    async def ready(self) -> bool:
        """Whether the server answers."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await answer(self._client.get_collections)
        except (VectorsUnavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ours(self) -> list[str]:
        found = (await answer(self._client.get_collections)).collections
        return [each.name for each in found if each.name.startswith(NAMED)]


class QdrantStore:
    """One collection: a point for each chunk, with a row for each window, fenced by `company_id`."""

    def __init__(self, client: AsyncQdrantClient, name: str, dimension: int) -> None:
        self.name = name
        self._client, self._dimension = client, dimension
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def upsert(self, company_id: UUID, chunks: Sequence[VectorChunk]) -> None:
        """Store the chunks, making the collection with the first."""
        for start in range(0, len(chunks), BATCH):
            points = [point(company_id, chunk) for chunk in chunks[start : start + BATCH]]
            try:
                await self._upsert(points)
            except CollectionMissing:  # it was dropped since
                self._prepared = False
                await self._upsert(points)

    async def _upsert(self, points: list[PointStruct]) -> None:
        await self._prepare()
        await answer(partial(self._client.upsert, self.name, points))

    async def search(
        self, scope: SearchScope, *, vector: Vector | None, text: str | None, limit: int = 10
    ) -> list[Hit]:
        """The best chunks of both lists, fused by the server; then how similar each of them is."""
        if vector is None and text is None:
            raise ValueError("neither a vector nor a text to search by")
        depth = max(MIN_DEPTH, 2 * limit)
        ranked = dict(ranked_lists(searchable_by(scope), visible_to(scope), vector, text, depth))
        if not ranked:
            return []  # a text without words
        found = await self._query(
            prefetch=list(ranked.values()),
            query=fusion_query(ranked),
            limit=limit,
            with_payload=["document_id", "company_id"],
        )
        similarity = {}
        if vector is not None and found:
            chosen = Filter(must=[searchable_by(scope), HasIdCondition(has_id=[each.id for each in found])])
            near = await self._query(query=[vector], using=MEANING, query_filter=chosen, limit=len(found))
            similarity = {each.id: each.score for each in near}
        return [hit(each, similarity.get(each.id)) for each in found]

    async def delete(self, company_id: UUID, document_id: UUID, *, keep: Collection[UUID] = ()) -> None:
        """Remove a document's chunks, but for those to keep."""
        chosen = within(company_id, document_id)
        if keep:
            chosen.must_not = [HasIdCondition(has_id=[str(each) for each in keep])]
        with suppress(CollectionMissing):
            await answer(partial(self._client.delete, self.name, chosen))

    async def count(self, company_id: UUID, document_id: UUID | None = None) -> int:
        """How many chunks of the company, or of one of its documents, are stored."""
        with suppress(CollectionMissing):
            chosen = within(company_id, document_id)
            return (await answer(partial(self._client.count, self.name, count_filter=chosen))).count
        return 0

    async def _query(self, **wanted: Any) -> list[ScoredPoint]:
        with suppress(CollectionMissing):
            return (await answer(partial(self._client.query_points, self.name, **wanted))).points
        return []

    async def _prepare(self) -> None:
        """Make the collection and its indexes, once for each process; all of it may be there already."""
        async with self._preparing:
            if self._prepared:
                return
            await answer(self._create)
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
                hnsw_config=HnswConfigDiff(payload_m=16),  # also links the chunks of each company
            )
        except UnexpectedResponse as error:
            if error.status_code != CONFLICT:  # somebody else made it meanwhile
                raise


def collection_name(model: str, dimension: int) -> str:
    """The name of a model's collection: what may stand in an address, told apart by a checksum."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", model)[:80]
    return f"{NAMED}{plain}-{crc32(model.encode()):08x}-{dimension}"


def point(company_id: UUID, chunk: VectorChunk) -> PointStruct:
    """A chunk as it is stored; what it says is not."""
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


def hit(found: ScoredPoint, similarity: float | None) -> Hit:
    payload = found.payload or {}
    return Hit(
        chunk_id=UUID(str(found.id)),
        document_id=UUID(payload["document_id"]),
        company_id=UUID(payload["company_id"]),
        score=found.score,
        similarity=similarity,
    )


def within(company_id: UUID, document_id: UUID | None) -> Filter:
    """A company's chunks, or those of one of its documents."""
    fence: list[Condition] = [equal("company_id", str(company_id))]
    if document_id is not None:
        fence.append(equal("document_id", str(document_id)))
    return Filter(must=fence)


def visible_to(reach: SearchScope) -> Filter:
    """What the user may see of the company, and what the platform published."""
    own = Filter(must=[equal("company_id", str(reach.company_id))])
    if reach.user_id is not None:
        shared = FieldCondition(key="scope", match=MatchAny(any=["company", "global"]))
        own.should = [shared, equal("user_id", str(reach.user_id))]
    if reach.platform_id is None or reach.platform_id == reach.company_id:
        return own
    published = [equal("company_id", str(reach.platform_id)), equal("scope", "global")]
    return Filter(should=[own, Filter(must=[*published])])


def searchable_by(reach: SearchScope) -> Filter:
    """What is seen, narrowed to the documents that were chosen."""
    if reach.document_ids is None:
        return visible_to(reach)
    chosen = MatchAny(any=sorted(map(str, reach.document_ids)))
    return Filter(must=[visible_to(reach), FieldCondition(key="document_id", match=chosen)])


def equal(key: str, value: str) -> FieldCondition:
    return FieldCondition(key=key, match=MatchValue(value=value))


class CollectionMissing(Exception):
    """There is no such collection: nothing was ever stored there."""


async def answer(request: Callable[[], Awaitable[T]]) -> T:
    """What the server answers; it is asked again where the connection turns out to have ended.

    Every request of ours may be made more than once. A server that is being killed may cut several
    connections one after another: it takes new ones until its socket is gone. Raises `Missing` where there
    is no such collection, and `VectorsUnavailable` where there is no answer.
    """
    for pause in PAUSES:
        try:
            return await retry_cut_connections(request)
        except VectorsUnavailable as error:
            if not isinstance(getattr(error.__cause__, "source", None), CUT):
                raise
        await asyncio.sleep(pause)
    return await retry_cut_connections(request)


async def retry_cut_connections(request: Callable[[], Awaitable[T]]) -> T:
    """The answer, or what its absence means to us."""
    try:
        return await request()
    except UnexpectedResponse as error:
        if error.status_code == NOT_FOUND:
            raise CollectionMissing from error
        if error.status_code == TOO_MANY or (error.status_code or 0) >= SERVER_ERROR:
            raise VectorsUnavailable(f"the vector store answered {error.status_code}") from error
        raise
    except (ResponseHandlingException, ResourceExhaustedResponse) as error:
        raise VectorsUnavailable("the vector store does not answer") from error
