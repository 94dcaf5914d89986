"""Answers that hold what JSON cannot: encoded all the same, on every transport."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.server.graphql.test_socket import open_socket
from tests.server.graphql.toy_schema import Contexts

STRANGE = {"query": "subscription { strange }"}
EXPECTED = {"text": "a?", "long": 2**70, "longest": None, "bytes": None}


def check(answer: dict[str, Any]) -> None:
    """Everything that can be encoded is there, and each other part has an error at its path."""
    values = answer["data"]["unencodable"]
    deep = values.pop("deep")
    assert (str(deep).count("["), values) == (198, EXPECTED)
    paths = [error["path"] for error in answer["errors"]]
    assert [path[:2] for path in paths] == [["unencodable", key] for key in ("longest", "deep", "bytes")]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"VALUE_NOT_REPRESENTABLE"}


async def test_one_answer_over_http(http: AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ hello unencodable }"})

    assert (response.status_code, response.json()["data"]["hello"]) == (200, "Hello world")
    check(response.json())


@pytest.mark.parametrize(
    "accept", ["text/event-stream", "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"]
)
async def test_a_stream_over_http(http: AsyncClient, accept: str) -> None:
    response = await http.post("/graphql", json=STRANGE, headers={"accept": accept})

    assert (response.status_code, '"strange":"a?"' in response.text) == (200, True)


async def test_the_second_part_of_an_answer(http: AsyncClient) -> None:
    query = "{ hello ... @defer { unencodable } }"
    response = await http.post("/graphql", json={"query": query}, headers={"accept": "multipart/mixed"})

    assert (response.status_code, '"text":"a?"' in response.text) == (200, True)
    assert response.text.count("VALUE_NOT_REPRESENTABLE") == 3


async def test_a_socket(contexts: Contexts) -> None:
    async with open_socket(contexts) as socket:
        answer, end = await socket.answers("{ unencodable }")
        check(answer["payload"])
        assert end["type"] == "complete"

        answer, end = await socket.answers(STRANGE["query"])
        assert (answer["payload"]["data"], end["type"]) == ({"strange": "a?"}, "complete")
