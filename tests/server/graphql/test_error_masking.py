"""What a client is told of an error, and what only the log knows."""

from typing import Any

import pytest
import structlog
from httpx import AsyncClient
from strawberry.relay import GlobalID

BOX = str(GlobalID("Box", "1"))


async def errors_of(http: AsyncClient, query: str, variables: dict[str, Any] | None = None) -> list[Any]:
    """The errors of an operation."""
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    errors: list[Any] = response.json()["errors"]
    return errors


async def test_a_refusal_is_reported_in_full(http: AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ hello refused }"})

    assert response.json()["data"] == {"hello": "Hello world", "refused": None}
    assert response.json()["errors"] == [
        {
            "message": "It is taken.",
            "locations": [{"line": 1, "column": 9}],
            "path": ["refused"],
            "extensions": {"code": "CONFLICT", "path": ["input", "name"]},
        }
    ]


async def test_a_refused_required_field_answers_null(http: AsyncClient) -> None:
    headers = {"accept": "application/graphql-response+json"}
    response = await http.post("/graphql", json={"query": "{ required }"}, headers=headers)

    assert (response.status_code, response.json()["data"]) == (200, None)
    assert response.json()["errors"][0]["extensions"] == {"code": "CONFLICT"}


@pytest.mark.parametrize("query", ["{ box { broken } }", "{ tooBig }"])
async def test_a_bug_is_an_id_that_the_log_explains(http: AsyncClient, query: str) -> None:
    with structlog.testing.capture_logs() as entries:
        (error,) = await errors_of(http, query)

    assert error["message"] == "Internal error"
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    (entry,) = entries
    assert entry["error_id"] == error["extensions"]["id"]
    assert (entry["log_level"], entry["path"]) == ("error", error["path"])
    assert isinstance(entry["exc_info"], Exception)


async def test_a_cause_is_logged_once_in_an_operation(http: AsyncClient) -> None:
    boxes = " ".join(f"box{number}: box {{ broken }}" for number in range(10))
    with structlog.testing.capture_logs() as entries:
        *alike, other = await errors_of(http, f"{{ {boxes} tooBig }}")
        (again,) = await errors_of(http, "{ box { broken } }")

    ids = [entry["error_id"] for entry in entries]
    assert len(set(ids)) == 3
    assert [error["extensions"]["id"] for error in alike] == [ids[0]] * 10
    assert [other["extensions"]["id"], again["extensions"]["id"]] == ids[1:]


@pytest.mark.parametrize(
    "id",
    ["", "x", "Box:1", "Qm94", str(GlobalID("Cat", "1")), str(GlobalID("Query", "1")), "\u0000", BOX[:-4]],
)
@pytest.mark.parametrize("query", ["query($id: ID!) { node(id: $id) { id } }", "{ node(id: ID) { id } }"])
async def test_a_bad_id_is_the_clients(http: AsyncClient, query: str, id: str) -> None:
    literal = '"\\u0000"' if id == "\u0000" else f'"{id}"'
    variables = {"id": id} if "$id" in query else None
    (error,) = await errors_of(http, query.replace("ID)", f"{literal})"), variables)

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_good_id_finds(http: AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": f'{{ node(id: "{BOX}") {{ id }} }}'})
    assert response.json()["data"] == {"node": {"id": BOX}}


async def test_validation_stops_early(http: AsyncClient) -> None:
    fields = " ".join(f"helo{number}" for number in range(50))
    errors = await errors_of(http, f"{{ {fields} }}")

    assert len(errors) == 6
    assert errors[-1]["message"] == "Too many validation errors, error limit reached. Validation aborted."
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    ("query", "variables", "path"),
    [
        ("query($id: ID!) { node(id: $id) { id } }", {"id": "x"}, ["id"]),
        ('{ node(id: "x") { id } }', None, ["id"]),
        ("query($n: Float!) { wait(seconds: $n) }", {"n": "x"}, ["n"]),
        ("query($n: Float!) { wait(seconds: $n) }", None, ["n"]),
    ],
)
async def test_a_bad_value_is_reported_with_its_path(
    http: AsyncClient, query: str, variables: dict[str, Any] | None, path: list[str]
) -> None:
    (error,) = await errors_of(http, query, variables)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "path": path}
