"""Answers in several parts over HTTP: server-sent events, Apollo's multipart subscriptions, `@defer`."""

import json
from typing import Any

import httpx
import pytest
from httpx import AsyncClient, Response

from server.graphql.limits import TransportLimits
from tests.server.graphql.conftest import client_of, serve_app, until
from tests.server.graphql.toy_schema import Contexts, application

EVENTS = "text/event-stream"
URQL = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
APOLLO = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
COUNT = {"query": "subscription { count(to: 2) }"}


def events(response: Response) -> list[tuple[str, Any]]:
    """Names and values of the events of a stream."""
    assert "\r" not in response.text
    assert response.text.endswith("\n\n")
    blocks = [block.split("\n") for block in response.text[:-2].split("\n\n")]
    fields = [dict(line.split(": ", 1) for line in block) for block in blocks]
    return [(field["event"], json.loads(field["data"] or "null")) for field in fields]


@pytest.mark.parametrize("accept", [EVENTS, URQL, f"{EVENTS}, application/json;q=0.5"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_is_a_stream_of_events(http: AsyncClient, accept: str, method: str) -> None:
    place = {"params": COUNT} if method == "GET" else {"json": COUNT}
    response = await http.request(method, "/graphql", headers={"accept": accept}, **place)  # type: ignore[arg-type]

    assert (response.status_code, response.headers["content-type"]) == (200, EVENTS)
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    (first, one), (_, two), last = events(response)
    assert (first, one["data"], two, last) == (
        "next",
        {"count": 1},
        {"data": {"count": 2}},
        ("complete", None),
    )


@pytest.mark.parametrize("accept", [URQL, APOLLO])
@pytest.mark.parametrize("query", ["{ hello }", '{ hello(name: "subscription") }', "{ hello"])
async def test_what_is_no_subscription_is_answered_at_once(
    http: AsyncClient, accept: str, query: str
) -> None:
    response = await http.post("/graphql", json={"query": query}, headers={"accept": accept})
    assert response.headers["content-type"] in ("application/json", "application/graphql-response+json")


async def test_a_client_of_events_only_gets_events(http: AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ hello }"}, headers={"accept": EVENTS})
    (_, answer), last = events(response)
    assert (answer["data"], last) == ({"hello": "Hello world"}, ("complete", None))

    response = await http.post("/graphql", json={"query": "{"}, headers={"accept": EVENTS})
    (_, answer), last = events(response)
    assert (answer["errors"][0]["extensions"], last) == ({"code": "GRAPHQL_PARSE_FAILED"}, ("complete", None))


async def test_a_stream_that_breaks_says_no_more_than_an_id(http: AsyncClient) -> None:
    query = {"query": "subscription { breaking }"}
    response = await http.post("/graphql", json=query, headers={"accept": EVENTS})
    (_, first), (_, second), last = events(response)

    assert first["data"] == {"breaking": 1}
    assert (second["errors"][0]["message"], last[0]) == ("Internal error", "complete")
    assert "secret" not in response.text


async def test_a_quiet_stream_is_kept_open(contexts: Contexts) -> None:
    limits = TransportLimits(heartbeat_seconds=0.05)
    query = {"query": "subscription { count(to: 1, seconds: 0.2) }"}
    async with client_of(application(contexts, limits)) as http:
        response = await http.post("/graphql", json=query, headers={"accept": EVENTS})

    assert response.text.count(": ping\n\n") >= 2
    assert [context.closed for context in contexts.opened] == [True]


async def test_a_reader_that_leaves_ends_the_subscription(contexts: Contexts) -> None:
    query = {"query": "subscription { contextName }"}
    async with serve_app(application(contexts)) as address, httpx.AsyncClient() as http:
        request = http.stream("POST", f"http://{address}/graphql", json=query, headers={"accept": EVENTS})
        async with request as response:
            async for _ in response.aiter_text():
                break
            assert [context.closed for context in contexts.opened] == [False]
        await until(lambda: contexts.opened[0].closed)


async def test_multipart_subscriptions(http: AsyncClient) -> None:
    response = await http.post("/graphql", json=COUNT, headers={"accept": APOLLO})

    assert response.headers["content-type"].startswith(
        "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
    )
    parts = [part.partition("\r\n\r\n")[2].strip() for part in response.text.split("--graphql")]
    payloads = [json.loads(part)["payload"]["data"] for part in parts if "payload" in part]
    assert payloads == [{"count": 1}, {"count": 2}]
    assert response.text.endswith("--graphql--\r\n")


async def test_deferred_parts_follow(http: AsyncClient) -> None:
    query = {"query": "{ hello ... @defer { box { id } } }"}
    accept = "multipart/mixed;deferSpec=20220824, application/json"
    response = await http.post("/graphql", json=query, headers={"accept": accept})

    assert response.headers["content-type"] == 'multipart/mixed; boundary="-"'
    assert '{"data":{"hello":"Hello world"}' in response.text
    assert '"incremental":[{"data":{"box":{"id":"Qm94OjE="}}' in response.text

    response = await http.post("/graphql", json=query)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (
        406,
        "NOT_ACCEPTABLE",
    )
