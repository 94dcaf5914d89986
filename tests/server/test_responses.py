"""What every response has, whatever answers it, and what is said about paths, origins and the contract."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import build_schema

from core.errors import ErrorCode
from core.settings import Settings
from schema.contract import make_schema
from server.app import create_app

ORIGIN = "https://app.example.com"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
ROOT = Path(__file__).parents[2]

Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def serve(settings: Settings) -> AsyncIterator[Serve]:
    """A client of an application with these settings, which is not started: what it answers needs no data."""
    clients: list[httpx.AsyncClient] = []

    def client(scheme: str = "http", **changes: Any) -> httpx.AsyncClient:
        app = create_app(settings.model_copy(update=changes))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        clients.append(httpx.AsyncClient(transport=transport, base_url=f"{scheme}://test"))
        return clients[-1]

    yield client
    for each in clients:
        await each.aclose()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/healthz", 405),
        ("GET", "/assets/none.js", 404),
        ("DELETE", "/graphql", 405),
        ("GET", "/graphql/schema.graphql", 200),
        ("OPTIONS", "/graphql", 405),
    ],
)
async def test_every_response_has_an_id_and_its_type_stands(
    serve: Serve, method: str, path: str, status: int
) -> None:
    response = await serve().request(method, path)

    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(response.headers["x-request-id"]) == 32
    assert "strict-transport-security" not in response.headers
    if status >= 400:
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] in ErrorCode.__members__


async def test_the_id_of_a_proxy_is_kept_and_nonsense_is_not(serve: Serve) -> None:
    client = serve("https")
    kept = await client.get("/healthz", headers={"X-Request-Id": "3f-from.proxy_1"})
    replaced = await client.get("/healthz", headers={"X-Request-Id": "a b\x7f" * 30})

    assert kept.headers.get_list("x-request-id") == ["3f-from.proxy_1"]
    assert len(replaced.headers["x-request-id"]) == 32
    assert kept.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_the_log_knows_the_request(serve: Serve, log_file: Path) -> None:
    await serve().post(
        "/graphql",
        headers={"X-Request-Id": "request-of-the-log"},
        json={"query": "{ projects { totalCount } }"},
    )
    for handler in logging.getLogger().handlers:
        handler.flush()

    text = await asyncio.to_thread(log_file.read_text)
    assert '"request_id": "request-of-the-log"' in text


async def test_a_page_of_another_origin_learns_the_setting(serve: Serve) -> None:
    refused = await serve().options("/graphql", headers=PREFLIGHT)
    allowed = await serve(cors_origins=(ORIGIN,)).options("/graphql", headers=PREFLIGHT)
    other = await serve(cors_origins=("https://other.example.com",)).options("/graphql", headers=PREFLIGHT)

    for response in (refused, other):
        (error,) = response.json()["errors"]
        assert (response.status_code, error["extensions"]["code"]) == (403, "ORIGIN_NOT_ALLOWED")
        assert error["message"] == (
            f"Pages of {ORIGIN} may not send requests: the setting CORS_ORIGINS does not list it."
        )
        assert "access-control-allow-origin" not in response.headers
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, ORIGIN)


async def test_the_contract_is_served_as_text_and_not_sent_twice(serve: Serve) -> None:
    client = serve()
    response = await client.get("/graphql/schema.graphql")
    again = await client.get("/graphql/schema.graphql", headers={"If-None-Match": response.headers["etag"]})

    assert response.text == (ROOT / "schema" / "schema.graphql").read_text()
    assert "Query" in build_schema(response.text).type_map
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("introspection", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
async def test_names_are_suggested_exactly_where_introspection_is(
    introspection: bool, compiled: bool
) -> None:
    contract = make_schema(introspection=introspection, compiled=compiled)
    order = "query($o: ProjectOrder) { projects(orderBy: $o) { totalCount } }"

    field = await contract.execute("{ projcts { totalCount } }")
    variable = await contract.execute(order, {"o": "NAME_ACS"})
    names = await contract.execute("{ __schema { queryType { name } } }")

    messages = [str(result.errors) for result in (field, variable)]
    assert ["Did you mean" in message for message in messages] == [introspection] * 2
    assert (names.errors is None) is introspection


async def test_without_introspection_the_contract_is_not_served(serve: Serve) -> None:
    response = await serve(introspection=False).get("/graphql/schema.graphql")
    assert response.status_code == 404


async def test_the_explorer_can_be_switched_off(serve: Serve) -> None:
    browser = {"Accept": "text/html"}
    shown = await serve().get("/graphql", headers=browser)
    hidden = await serve(explorer=False).get("/graphql", headers=browser)

    assert (shown.status_code, hidden.status_code) == (200, 406)
