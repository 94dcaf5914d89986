"""Translation of Qdrant's REST requests for qdrant-edge. Unknown keys raise `UnsupportedRequest`."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import qdrant_edge as edge

Json = Any

DISTANCES = {
    "Cosine": edge.Distance.Cosine,
    "Dot": edge.Distance.Dot,
    "Euclid": edge.Distance.Euclid,
    "Manhattan": edge.Distance.Manhattan,
}
LIMIT = 10
"""Qdrant's default number of points."""


class UnsupportedRequest(ValueError):
    """The request is invalid, or is supported by Qdrant servers only."""


def config(body: Mapping[str, Json]) -> edge.EdgeConfig:
    """The configuration of a collection. There is no HNSW graph: a search scans all matching points."""
    refuse_unknown_keys(
        body, "vectors", "sparse_vectors", "hnsw_config", "optimizers_config", "on_disk_payload"
    )
    declared = body.get("vectors") or {}
    vectors = {"": declared} if "size" in declared else declared
    sparse = body.get("sparse_vectors") or {}
    return edge.EdgeConfig(
        vectors={name: dense_params(params) for name, params in vectors.items()},
        sparse_vectors={name: sparse_params(params) for name, params in sparse.items()},
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10_000),
    )


def dense_params(payload: Mapping[str, Json]) -> edge.EdgeVectorParams:
    refuse_unknown_keys(payload, "size", "distance", "multivector_config", "hnsw_config")
    rows = None
    match payload.get("multivector_config"):
        case None:
            pass
        case {"comparator": "max_sim"}:
            rows = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
        case other:
            raise UnsupportedRequest(f"multivector comparator {other} is not supported")
    if payload.get("distance") not in DISTANCES:
        raise UnsupportedRequest(f"unknown distance {payload.get('distance')}")
    return edge.EdgeVectorParams(
        size=payload["size"], distance=DISTANCES[payload["distance"]], multivector_config=rows
    )


def sparse_params(payload: Mapping[str, Json]) -> edge.EdgeSparseVectorParams:
    refuse_unknown_keys(payload, "modifier")
    if payload.get("modifier") not in (None, "none", "idf"):
        raise UnsupportedRequest(f"unknown modifier {payload['modifier']}")
    return edge.EdgeSparseVectorParams(
        modifier=edge.Modifier.Idf if payload.get("modifier") == "idf" else None
    )


def field_index(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """An index of a keyword field."""
    refuse_unknown_keys(body, "field_name", "field_schema")
    schema = body["field_schema"]
    params: Mapping[str, Json] = {"type": schema} if isinstance(schema, str) else schema
    refuse_unknown_keys(params, "type", "is_tenant")
    if params["type"] != "keyword":
        raise UnsupportedRequest(f"index type {params['type']} is not supported")
    index = edge.KeywordIndexParams(is_tenant=params.get("is_tenant"))
    return edge.UpdateOperation.create_field_index(body["field_name"], index)


def upsert(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """Points with their vectors and payload."""
    refuse_unknown_keys(body, "points")
    return edge.UpdateOperation.upsert_points([point(item) for item in body["points"]])


def point(payload: Mapping[str, Json]) -> edge.Point:
    refuse_unknown_keys(payload, "id", "vector", "payload")
    vector = payload["vector"]
    if isinstance(vector, Mapping):
        vector = {name: translate_vector(item) for name, item in vector.items()}
    return edge.Point(point_id(payload["id"]), vector, payload.get("payload") or {})


def delete(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """Deletes points by ID, or by a filter that is not empty."""
    refuse_unknown_keys(body, "points", "filter")
    if body.get("points") is not None:
        return edge.UpdateOperation.delete_points([point_id(item) for item in body["points"]])
    return edge.UpdateOperation.delete_points_by_filter(required_filter(body))


def set_payload(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """Sets payload fields of the points that match a filter."""
    refuse_unknown_keys(body, "payload", "filter")
    return edge.UpdateOperation.set_payload_by_filter(required_filter(body), body["payload"])


def count(body: Mapping[str, Json]) -> edge.CountRequest:
    """The exact number of points that match a filter."""
    refuse_unknown_keys(body, "filter", "exact")
    return edge.CountRequest(filter=filter_of(body.get("filter")), exact=True)


QUERY_KEYS = (
    "prefetch",
    "query",
    "using",
    "filter",
    "params",
    "limit",
    "offset",
    "with_payload",
    "with_vector",
    "score_threshold",
)


def query(body: Mapping[str, Json]) -> edge.QueryRequest:
    """A search by one vector, or by rank fusion of several searches."""
    refuse_unknown_keys(body, *QUERY_KEYS)
    shown = body.get("with_vector") or False
    if not isinstance(shown, bool | list):
        raise UnsupportedRequest("with_vector must be true, false, or names")
    return edge.QueryRequest(
        limit=body.get("limit") or LIMIT,
        offset=body.get("offset"),
        query=translate_query(body.get("query"), body.get("using")),
        prefetches=prefetches(body.get("prefetch")),
        filter=filter_of(body.get("filter")),
        params=search_params(body.get("params")),
        score_threshold=body.get("score_threshold"),
        with_payload=body.get("with_payload") or False,
        with_vector=shown,
    )


def prefetches(payload: Json) -> list[edge.Prefetch] | None:
    return [prefetch(item) for item in as_list(payload)] or None


def prefetch(payload: Mapping[str, Json]) -> edge.Prefetch:
    refuse_unknown_keys(payload, "prefetch", "query", "using", "filter", "params", "limit", "score_threshold")
    return edge.Prefetch(
        limit=payload.get("limit") or LIMIT,
        query=translate_query(payload.get("query"), payload.get("using")),
        prefetches=prefetches(payload.get("prefetch")),
        filter=filter_of(payload.get("filter")),
        params=search_params(payload.get("params")),
        score_threshold=payload.get("score_threshold"),
    )


def translate_query(payload: Json, using: str | None) -> Any:
    match payload:
        case {"rrf": rrf}:
            refuse_unknown_keys(rrf, "k", "weights")
            return edge.Fusion.Rrf(rrf.get("k") or 2, rrf.get("weights"))
        case {"nearest": nearest}:
            refuse_unknown_keys(payload, "nearest")
            return edge.Query.Nearest(translate_vector(nearest), using=using)
        case list() | {"indices": _}:
            return edge.Query.Nearest(translate_vector(payload), using=using)
    raise UnsupportedRequest("query must be a vector or a rank fusion")


def translate_vector(payload: Json) -> Any:
    """A dense vector, a multivector, or a sparse vector."""
    match payload:
        case {"indices": indices, "values": values}:
            return edge.SparseVector(indices, values)
        case list() if payload and isinstance(payload[0], list | float | int):
            return payload
    raise UnsupportedRequest("invalid vector")


def search_params(payload: Json) -> edge.SearchParams:
    refuse_unknown_keys(payload or {}, "exact", "idf", "hnsw_ef", "indexed_only")
    match (payload or {}).get("idf"):
        case None | "global":
            corpus = None
        case {"corpus": counted}:
            corpus = edge.IdfParams(corpus=filter_of(counted))
        case other:
            raise UnsupportedRequest(f"idf over {other} is not supported")
    return edge.SearchParams(exact=True, idf=corpus)


def required_filter(body: Mapping[str, Json]) -> edge.Filter:
    """The filter of the request. Raises `UnsupportedRequest` without one, as it would match all points."""
    found = filter_of(body.get("filter"))
    if found is None:
        raise UnsupportedRequest("filter is required")
    return found


def filter_of(payload: Mapping[str, Json] | None) -> edge.Filter | None:
    """The filter, or None if it has no conditions."""
    if not payload:
        return None
    refuse_unknown_keys(payload, "must", "should", "must_not")
    must, should, must_not = (
        [condition(item) for item in as_list(payload.get(name))] or None
        for name in ("must", "should", "must_not")
    )
    return edge.Filter(must=must, should=should, must_not=must_not) if must or should or must_not else None


def condition(payload: Mapping[str, Json]) -> Any:
    match {name: item for name, item in payload.items() if item is not None}:
        case {"key": str(key), "match": {"value": value, **more}, **rest} if not more and not rest:
            return edge.FieldCondition(key=key, match=edge.MatchValue(value))
        case {"key": str(key), "match": {"any": [*values], **more}, **rest} if not more and not rest:
            return edge.FieldCondition(key=key, match=edge.MatchAny(values))
        case {"has_id": [*ids], **rest} if not rest:
            return edge.HasIdCondition({point_id(item) for item in ids})
        case {"must": _} | {"should": _} | {"must_not": _}:
            return filter_of(payload)
    raise UnsupportedRequest(f"a condition on {', '.join(payload)} is not supported")


def point_id(payload: Json) -> UUID | int:
    return payload if isinstance(payload, int) else UUID(payload)


def refuse_unknown_keys(payload: Mapping[str, Json], *names: str) -> None:
    """Raises `UnsupportedRequest` for keys other than `names`."""
    others = [name for name, value in payload.items() if value is not None and name not in names]
    if others:
        raise UnsupportedRequest(f"{', '.join(others)}: not supported")


def as_list(payload: Json) -> Iterable[Any]:
    """Qdrant accepts a single item in place of a list."""
    return [] if payload is None else payload if isinstance(payload, list) else [payload]
