"""The bounds on documents, and the cost that is announced."""

from functools import partial
from typing import Any

import pytest
from graphql import get_introspection_query
from httpx import AsyncClient

from schema.framework.introspection_cache import EncodedData, IntrospectionCache
from schema.framework.metered_executor import ITEM, LIST, STATEMENT, MeteredExecutor
from schema.framework.operation_limits import OperationLimits
from schema.framework.operation_size import Limits
from tests.server.graphql.toy_schema import schema

LIMITS = Limits()


async def outcome(query: str, variables: dict[str, Any] | None = None) -> Any:
    """The result of an operation that is run without a transport."""
    return await schema.execute(query, variables)


def nested_query(levels: int, spread: int = 2) -> str:
    """A small document whose fragments, spread out, select `spread ** levels` fields."""
    spreads = [f"...F{level} " * spread for level in range(1, levels + 1)]
    fragments = [f"fragment F{level} on Box {{ boxes {{ {spreads[level]} }} }}" for level in range(levels)]
    return f"{{ box {{ ...F0 }} }} {' '.join(fragments)} fragment F{levels} on Box {{ id }}"


REFUSED = {
    "depth": "{ box " + "{ boxes " * 15 + "{ id }" + "}" * 16,
    "nesting": "{ " + "... { " * 60 + "hello" + " }" * 61,
    "fields": "{ " + "hello " * 1501 + "}",
    "repeats": "{ " + "hello " * 51 + "}",
    "selections": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(20))
    + " fragment F20 on Query { ...F0 }",
    "aliases": "{ " + " ".join(f"a{n}: hello" for n in range(61)) + " }",
    "directives": "{ hello " + "@skip(if: false) " * 61 + "}",
    "operations": " ".join(f"query Q{n} {{ hello }}" for n in range(21)),
    "fragments": "{ hello } " + " ".join(f"fragment F{n} on Query {{ hello }}" for n in range(101)),
    "variables": "query(" + " ".join(f"$v{n}: Int" for n in range(101)) + ") { hello }",
    "cost": "{ box { " + "page(first: 100) { nodes { " * 3 + "id" + " }" * 8,
}


@pytest.mark.parametrize("limit", REFUSED)
async def test_each_limit_refuses_by_name(limit: str) -> None:
    query = REFUSED[limit]
    result = await schema.execute(query, operation_name="Q1" if limit == "operations" else None)

    assert result.errors is not None
    (error,) = result.errors
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}
    assert error.message.startswith(f"Query {limit} ")
    assert result.data is None


@pytest.mark.parametrize(
    "query",
    [
        "{ hello " + "#" * 50_001 + "\n}",
        "{ " + "a " * 10_001 + "}",
        "{ a" * 1000,
        "{ hello(name: " + "[" * 5000,
    ],
    ids=["text", "tokens", "braces", "lists"],
)
async def test_a_document_too_large_to_parse_is_not_parsed(query: str) -> None:
    (error,) = (await outcome(query)).errors
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}


async def test_fragments_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (error,) = (await outcome(nested_query(13, spread=50))).errors
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}

    (error,) = (await outcome(nested_query(40))).errors
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}


async def test_what_repeats_is_counted_where_it_answers() -> None:
    split = " ".join("box { boxes { id } }" for _ in range(51))
    (error,) = (await outcome(f"{{ {split} }}")).errors
    assert error.message == "Query repeats 51 exceeds the limit of 50."

    apart = " ".join(f"b{n}: box {{ boxes {{ id id }} }}" for n in range(30))
    assert (await outcome(f"{{ {apart} }}")).errors is None


async def test_fragments_that_spread_themselves_are_invalid() -> None:
    query = "{ box { ...A } } fragment A on Box { boxes { ...B } } fragment B on Box { boxes { ...A } }"
    (error,) = (await outcome(query)).errors
    assert error.extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}


async def test_values_in_variables_are_counted() -> None:
    query = "query($n: String!) { hello(name: $n) }"
    for value in ({"n": "x", "more": [0] * 20_001}, {"n": "x", "more": [[0] * 100] * 201}):
        (error,) = (await outcome(query, value)).errors
        assert error.message.startswith("Query values in variables ")


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ hello }", None, 0),
        ("{ box { id } }", None, 1),
        ("{ box { boxes { id } } }", None, 1 + LIMITS.items),
        ("{ box { page(first: 7) { nodes { id } } } }", None, 1 + 7 * 2),
        ("{ box { page { nodes { id } } } }", None, 1 + LIMITS.page * 2),
        ("query($n: Int) { box { page(first: $n) { nodes { id } } } }", {"n": 3}, 1 + 3 * 2),
        ("query($n: Int = 4) { box { page(first: $n) { nodes { id } } } }", None, 1 + 4 * 2),
        ("{ box { page(first: 5000) { nodes { id } } } }", None, 1 + LIMITS.largest * 2),
        ("query($n: Int) { box { page(first: $n) { nodes { id } } } }", {"n": None}, 1 + LIMITS.page * 2),
        ("{ box { page(last: 7) { nodes { id } } } }", None, 1 + 7 * 2),
        ("query($n: Int = 4) { box { page(last: $n) { nodes { id } } } }", {"n": 9}, 1 + 9 * 2),
        ("query($n: Int = 4) { box { page(last: $n) { nodes { id } } } }", None, 1 + 4 * 2),
        ("{ box { several(ids: [1, 2, 3]) { id } } }", None, 1 + 3),
        ("query($ids: [Int!]!) { box { several(ids: $ids) { id } } }", {"ids": [1, 2]}, 1 + 2),
        ("{ box { few { id } } }", None, 1 + 1_000),
        ("{ box { few(limit: 5) { id } } }", None, 1 + 5),
        (
            "{ a: box { page(first: 7) { nodes { id } } } b: box { page(first: 2) { nodes { id } } } }",
            None,
            20,
        ),
        ("{ box { ... on Box { page(first: 7) { nodes { ... { id } } } } } }", None, 1 + 7 * 2),
        ("{ box { ...P } } fragment P on Box { page(first: 7) { nodes { id } } }", None, 1 + 7 * 2),
        (
            "{ box { ...P } } fragment P on Box { page(first: 7) { nodes { ...Q } } }"
            " fragment Q on Box { page(last: 3) { nodes { id } } }",
            None,
            1 + 7 * (2 + 3 * 2),
        ),
        (
            "{ a: box { ...P } b: box { ...P c: page(first: 1) { nodes { ...Q } } } }"
            " fragment P on Box { page(first: 7) { nodes { ...Q ...Q } } }"
            " fragment Q on Box { boxes { id } }",
            None,
            (1 + 7 * 22) + (1 + 7 * 22) + 1 * (2 + 10),
        ),
    ],
)
async def test_cost_counts_objects(query: str, variables: dict[str, Any] | None, cost: int) -> None:
    result = await outcome(query, variables)

    assert result.errors is None
    assert result.extensions == {"cost": {"requested": cost, "limit": LIMITS.cost}}


async def test_cost_is_announced_in_a_header_too(http: AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ box { boxes { id } } }"})
    assert response.headers["x-query-cost"] == "11"


async def test_introspection_passes() -> None:
    result = await outcome(get_introspection_query(input_value_deprecation=True))
    assert result.errors is None


async def test_fragments_cost_what_they_spread() -> None:
    pages = "page(first: 100) { nodes { ...P%d } }"
    fragments = " ".join(f"fragment P{n} on Box {{ {pages % (n + 1)} }}" for n in range(3))
    query = f"{{ box {{ ...P0 }} }} {fragments} fragment P3 on Box {{ id }}"

    (error,) = (await outcome(query)).errors

    assert error.message == "Query cost 2020201 exceeds the limit of 400000."
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}


async def test_passwords_are_hashed_a_few_times_only() -> None:
    def sign_in(times: int) -> str:
        fields = " ".join(f's{n}: signIn(input: {{password: "x"}}) {{ id }}' for n in range(times))
        return f"mutation {{ {fields} }}"

    assert (await outcome(sign_in(2))).errors is None
    (error,) = (await outcome(sign_in(3))).errors
    assert error.message == "Query passwords 3 exceeds the limit of 2."


async def test_a_result_that_grows_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ box { page(first: 10) { nodes { id boxes { id } } } } }"
    statements = 3 * STATEMENT
    exact = statements + 10 * (ITEM + 1 + LIST) + 20 * (ITEM + 1)

    monkeypatch.setattr(MeteredExecutor, "limits", Limits(result=exact))
    assert (await outcome(query)).errors is None

    monkeypatch.setattr(MeteredExecutor, "limits", Limits(result=exact - 1))
    error, *_ = (await outcome(query)).errors
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}
    assert error.path == ["box", "page", "nodes", 9, "boxes"]


async def test_a_repeated_introspection_is_answered_from_the_cache() -> None:
    query = get_introspection_query(input_value_deprecation=True)
    first, second = await outcome(query), await outcome(query.replace("    ", " "))

    assert isinstance(second.data, EncodedData)
    assert second.data.decoded == dict(first.data)
    other = await outcome(query.replace("description", "", 1))
    assert not isinstance(other.data, EncodedData)
    aliased = await outcome("{ __schema { types { a: name } } }")
    assert {"a": "Box"} in aliased.data["__schema"]["types"]


async def test_the_cache_keeps_few_answers() -> None:
    for n in range(30):
        await outcome(f"{{ a{n}: __schema {{ types {{ name }} }} }}")

    assert len(IntrospectionCache.answers[schema]) == 8


async def test_a_cached_answer_is_sent_as_any_other(http: AsyncClient) -> None:
    query = {"query": "{ __schema { queryType { name } } }"}
    first, second = [await http.post("/graphql", json=query) for _ in range(2)]

    assert first.content == second.content
    assert second.json()["data"] == {"__schema": {"queryType": {"name": "Query"}}}


async def test_limits_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits = partial(OperationLimits, Limits(depth=1))
    extensions = [set_limits if kind is OperationLimits else kind for kind in schema.extensions]
    monkeypatch.setattr(schema, "extensions", extensions)
    (error,) = (await outcome("{ box { id } }")).errors
    assert error.message == "Query depth 2 exceeds the limit of 1."
