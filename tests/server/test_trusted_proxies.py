"""Addresses of clients: those of trusted proxies are believed, and nobody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from core.settings import Settings
from schema.framework.context import Services
from server.app import create_app
from server.commands.serve import configuration
from tests.factories import Fixture
from tests.identity.conftest import PASSWORD, SIGN_IN
from tests.identity.conftest import person as person

PROXY, STRANGER = "10.1.2.3", "203.0.113.9"


@asynccontextmanager
async def client_at(settings: Settings, address: str, proxies: tuple[str, ...]) -> AsyncIterator[Any]:
    """Calls the application from an address, with such headers."""
    app = create_app(settings.model_copy(update={"worker": False, "trusted_proxies": proxies}))
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client,
    ):

        async def sign_in(login: str, password: str, **headers: str) -> str | None:
            body = {"query": SIGN_IN, "variables": {"login": login, "password": password}}
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = (await client.post("/graphql", json=body, headers=named)).json()
            errors = answer["data"]["userSignIn"]["errors"]
            return errors[0]["code"] if errors else None

        yield sign_in


@pytest.mark.parametrize("proxies", [(), ("10.0.0.0/8", "::1")])
async def test_forged_headers_have_no_effect(
    settings: Settings, services: Services, person: Fixture, proxies: tuple[str, ...]
) -> None:
    async with client_at(settings, STRANGER, proxies) as sign_in:
        assert await sign_in(person.email, PASSWORD, x_forwarded_for="198.51.100.7") is None
        for number in range(10):
            forged = f"192.0.2.{number}"
            code = await sign_in(person.email, "wrong", x_forwarded_for=forged, forwarded=f"for={forged}")
            assert code == "UNAUTHENTICATED"
        for forged in ("198.51.100.7", "192.0.2.200", "127.0.0.1", "10.1.2.3"):
            assert await sign_in(person.email, PASSWORD, x_forwarded_for=forged) == "EXHAUSTED"


async def test_the_address_that_a_trusted_proxy_names_counts(
    settings: Settings, services: Services, person: Fixture
) -> None:
    async with client_at(settings, PROXY, ("10.0.0.0/8",)) as sign_in:
        assert await sign_in(person.email, PASSWORD, x_forwarded_for="198.51.100.7") is None
        for number in range(50):  # what a client has forged is left of what the proxy appends
            await sign_in(person.email, "wrong", x_forwarded_for=f"198.51.100.7, 203.0.113.{number}")
        assert await sign_in(person.email, PASSWORD, x_forwarded_for="203.0.113.77") == "EXHAUSTED"
        assert await sign_in(person.email, PASSWORD, x_forwarded_for="198.51.100.7, 10.9.9.9") is None


def test_the_server_itself_believes_no_header(settings: Settings) -> None:
    assert configuration("server.commands.serve:application", settings).proxy_headers is False


@pytest.mark.parametrize("value", ["10.0.0.0/8, 127.0.0.1", "2001:db8::/32", ""])
def test_proxies_are_networks(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", value)

    assert Settings().trusted_proxies == tuple(part.strip() for part in value.split(",") if part)


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", value)

    with pytest.raises(ValidationError, match="must be networks"):
        Settings()
