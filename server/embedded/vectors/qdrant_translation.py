"""Qdrant's REST requests, as qdrant-edge takes them. What is not understood is refused, never left out."""

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
"""Points that Qdrant answers with where a request does not say how many."""


class Unsupported(ValueError):
    """The request is wrong, or asks for what only a server can do."""


def config(body: Mapping[str, Json]) -> edge.EdgeConfig:
    """How a collection is kept. Whatever graph is asked for, none is built: a search looks at all that its
    filter lets through.
    """
    known(body, "vectors", "sparse_vectors", "hnsw_config", "optimizers_config", "on_disk_payload")
    given = body.get("vectors") or {}
    vectors = {"": given} if "size" in given else given
    sparse = body.get("sparse_vectors") or {}
    return edge.EdgeConfig(
        vectors={name: dense_params(each) for name, each in vectors.items()},
        sparse_vectors={name: sparse_params(each) for name, each in sparse.items()},
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10_000),
    )


def dense_params(given: Mapping[str, Json]) -> edge.EdgeVectorParams:
    known(given, "size", "distance", "multivector_config", "hnsw_config")
    rows = None
    match given.get("multivector_config"):
        case None:
            pass
        case {"comparator": "max_sim"}:
            rows = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
        case other:
            raise Unsupported(f"rows of vectors are not compared by {other}")
    if given.get("distance") not in DISTANCES:
        raise Unsupported(f"there is no distance {given.get('distance')}")
    return edge.EdgeVectorParams(
        size=given["size"], distance=DISTANCES[given["distance"]], multivector_config=rows
    )


def sparse_params(given: Mapping[str, Json]) -> edge.EdgeSparseVectorParams:
    known(given, "modifier")
    if given.get("modifier") not in (None, "none", "idf"):
        raise Unsupported(f"there is no modifier {given['modifier']}")
    return edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if given.get("modifier") == "idf" else None)


def field_index(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """An index on a keyword field."""
    known(body, "field_name", "field_schema")
    schema = body["field_schema"]
    params: Mapping[str, Json] = {"type": schema} if isinstance(schema, str) else schema
    known(params, "type", "is_tenant")
    if params["type"] != "keyword":
        raise Unsupported(f"no index of {params['type']} is kept")
    index = edge.KeywordIndexParams(is_tenant=params.get("is_tenant"))
    return edge.UpdateOperation.create_field_index(body["field_name"], index)


def upsert(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """Points with their vectors and payload."""
    known(body, "points")
    return edge.UpdateOperation.upsert_points([point(each) for each in body["points"]])


def point(given: Mapping[str, Json]) -> edge.Point:
    known(given, "id", "vector", "payload")
    vector = given["vector"]
    if isinstance(vector, Mapping):
        vector = {name: stored(each) for name, each in vector.items()}
    return edge.Point(point_id(given["id"]), vector, given.get("payload") or {})


def delete(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """Points by their ids, or by a filter, which must not be empty."""
    known(body, "points", "filter")
    if body.get("points") is not None:
        return edge.UpdateOperation.delete_points([point_id(each) for each in body["points"]])
    return edge.UpdateOperation.delete_points_by_filter(wanted_filter(body))


def set_payload(body: Mapping[str, Json]) -> edge.UpdateOperation:
    """New values of some payload fields, by filter."""
    known(body, "payload", "filter")
    return edge.UpdateOperation.set_payload_by_filter(wanted_filter(body), body["payload"])


def count(body: Mapping[str, Json]) -> edge.CountRequest:
    """How many points pass a filter, exactly."""
    known(body, "filter", "exact")
    return edge.CountRequest(filter=filter_of(body.get("filter")), exact=True)


def query(body: Mapping[str, Json]) -> edge.QueryRequest:
    """A search: of one vector, or of several lists that are fused."""
    known(body, "prefetch", "query", "using", "filter", "params", "limit", "offset", "with_payload",
          "with_vector", "score_threshold")  # fmt: skip
    if body.get("with_vector"):
        raise Unsupported("vectors are not given back")
    return edge.QueryRequest(
        limit=body.get("limit") or LIMIT,
        offset=body.get("offset"),
        query=scoring(body.get("query"), body.get("using")),
        prefetches=prefetches(body.get("prefetch")),
        filter=filter_of(body.get("filter")),
        params=search_params(body.get("params")),
        score_threshold=body.get("score_threshold"),
        with_payload=body.get("with_payload") or False,
    )


def prefetches(given: Json) -> list[edge.Prefetch] | None:
    return [prefetch(each) for each in listed(given)] or None


def prefetch(given: Mapping[str, Json]) -> edge.Prefetch:
    known(given, "prefetch", "query", "using", "filter", "params", "limit", "score_threshold")
    return edge.Prefetch(
        limit=given.get("limit") or LIMIT,
        query=scoring(given.get("query"), given.get("using")),
        prefetches=prefetches(given.get("prefetch")),
        filter=filter_of(given.get("filter")),
        params=search_params(given.get("params")),
        score_threshold=given.get("score_threshold"),
    )


def scoring(given: Json, using: str | None) -> Any:
    match given:
        case {"rrf": rrf}:
            known(rrf, "k", "weights")
            return edge.Fusion.Rrf(rrf.get("k") or 2, rrf.get("weights"))
        case {"nearest": nearest}:
            known(given, "nearest")
            return edge.Query.Nearest(stored(nearest), using=using)
        case list() | {"indices": _}:
            return edge.Query.Nearest(stored(given), using=using)
    raise Unsupported("a query is a vector, or the fusion of several by rank")


def stored(given: Json) -> Any:
    """A vector: numbers, rows of numbers, or the indices and values of a sparse one."""
    match given:
        case {"indices": indices, "values": values}:
            return edge.SparseVector(indices, values)
        case list() if given and isinstance(given[0], list | float | int):
            return given
    raise Unsupported("that is not a vector")


def search_params(given: Json) -> edge.SearchParams:
    known(given or {}, "exact", "idf", "hnsw_ef", "indexed_only")
    match (given or {}).get("idf"):
        case None | "global":
            corpus = None
        case {"corpus": counted}:
            corpus = edge.IdfParams(corpus=filter_of(counted))
        case other:
            raise Unsupported(f"rareness is not counted over {other}")
    return edge.SearchParams(exact=True, idf=corpus)


def wanted_filter(body: Mapping[str, Json]) -> edge.Filter:
    """The request's filter. Raises `Unsupported` without one: it would mean everything."""
    found = filter_of(body.get("filter"))
    if found is None:
        raise Unsupported("a filter is needed here")
    return found


def filter_of(given: Mapping[str, Json] | None) -> edge.Filter | None:
    """A filter; none where no condition is given."""
    if not given:
        return None
    known(given, "must", "should", "must_not")
    must, should, must_not = (
        [condition(each) for each in listed(given.get(name))] or None
        for name in ("must", "should", "must_not")
    )
    return edge.Filter(must=must, should=should, must_not=must_not) if must or should or must_not else None


def condition(given: Mapping[str, Json]) -> Any:
    match {name: each for name, each in given.items() if each is not None}:
        case {"key": str(key), "match": {"value": value, **more}, **rest} if not more and not rest:
            return edge.FieldCondition(key=key, match=edge.MatchValue(value))
        case {"key": str(key), "match": {"any": [*values], **more}, **rest} if not more and not rest:
            return edge.FieldCondition(key=key, match=edge.MatchAny(values))
        case {"has_id": [*ids], **rest} if not rest:
            return edge.HasIdCondition({point_id(each) for each in ids})
        case {"must": _} | {"should": _} | {"must_not": _}:
            return filter_of(given)
    raise Unsupported(f"a condition on {', '.join(given)} is not understood")


def point_id(given: Json) -> UUID | int:
    return given if isinstance(given, int) else UUID(given)


def known(given: Mapping[str, Json], *names: str) -> None:
    """Raises `Unsupported` where anything else than `names` is asked for."""
    others = [name for name, value in given.items() if value is not None and name not in names]
    if others:
        raise Unsupported(f"{', '.join(others)}: not understood here")


def listed(given: Json) -> Iterable[Any]:
    """Qdrant takes one thing for a list of one."""
    return [] if given is None else given if isinstance(given, list) else [given]
