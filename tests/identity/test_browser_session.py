"""Sessions of browsers: the refresh token stays in a cookie of one path, which scripts cannot read."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware

from schema.framework.context import Services
from server.http import browser_session
from server.http.browser_session import COOKIE, PATH
from server.http.error_responses import ErrorResponses
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.identity.conftest import signed_in

HEADERS = {"X-Seshat-Session": "1"}


@pytest_asyncio.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps cookies, as a browser does."""
    app = Starlette(routes=[browser_session.route(lambda: services)], middleware=[Middleware(ErrorResponses)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://test", headers=HEADERS) as client:
        yield client


async def hand_over(browser: httpx.AsyncClient, graphql: Client, person: Fixture) -> httpx.Response:
    """Sign in, and give the session the refresh token."""
    payload = await signed_in(graphql, person)
    return await browser.post(PATH, json={"refreshToken": payload["refreshToken"]})


async def test_the_cookie_of_a_session_is_out_of_reach(
    browser: httpx.AsyncClient, graphql: Client, person: Fixture
) -> None:
    response = await hand_over(browser, graphql, person)

    token = browser.cookies[COOKIE]
    attributes = set(response.headers["set-cookie"].split("; ")[1:])
    assert attributes == {"HttpOnly", "Max-Age=2592000", f"Path={PATH}", "SameSite=strict", "Secure"}
    assert list(response.json()) == ["accessToken"]
    assert token not in response.text
    assert response.headers["cache-control"] == "no-store"


async def test_a_reload_continues_the_session(
    browser: httpx.AsyncClient, graphql: Client, person: Fixture, services: Services
) -> None:
    await hand_over(browser, graphql, person)
    before = browser.cookies[COOKIE]
    response = await browser.post(PATH)

    claims = services.token_signer.verify(response.json()["accessToken"])
    assert claims.user_id == person.id
    assert browser.cookies[COOKIE] != before


async def test_without_a_session_there_is_no_token(browser: httpx.AsyncClient) -> None:
    response = await browser.post(PATH)
    assert (response.status_code, response.json()) == (200, {"accessToken": None})
    assert "set-cookie" not in response.headers


async def test_signing_out_ends_the_session(
    browser: httpx.AsyncClient, graphql: Client, person: Fixture
) -> None:
    await hand_over(browser, graphql, person)
    kept = browser.cookies[COOKIE]

    response = await browser.delete(PATH)
    again = await browser.post(PATH, headers={"Cookie": f"{COOKIE}={kept}"})

    assert (response.status_code, COOKIE in browser.cookies) == (204, False)
    assert (again.status_code, again.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_a_token_that_is_refused_is_removed(browser: httpx.AsyncClient) -> None:
    response = await browser.post(PATH, headers={"Cookie": f"{COOKIE}=wrong"})
    assert response.status_code == 401
    assert response.headers["set-cookie"].startswith(f'{COOKIE}=""; expires=')


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_pages_of_other_sites_are_refused(
    browser: httpx.AsyncClient, graphql: Client, person: Fixture, method: str
) -> None:
    await hand_over(browser, graphql, person)
    kept = browser.cookies[COOKIE]
    del browser.headers["X-Seshat-Session"]

    response = await browser.request(method, PATH)

    assert response.status_code == 403
    assert response.json()["errors"][0]["extensions"]["code"] == "CSRF_PREVENTION"
    assert browser.cookies[COOKIE] == kept


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'{"refreshToken": 1}', 400), (b"x" * 4_097, 413)]
)
async def test_other_bodies_are_refused(browser: httpx.AsyncClient, body: bytes, status: int) -> None:
    assert (await browser.post(PATH, content=body)).status_code == status
