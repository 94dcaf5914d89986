"""What a request costs that is complete when it is begun: no timer, and one look at its token."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request

from core.errors import NotAuthenticated
from resolvers.identity.credentials import Credential
from resolvers.identity.jwt import AccessClaims
from server.graphql.body import BodySpace, BoundedBody
from server.graphql.refusals import Refusal
from server.http.authentication import Authentication

Message = dict[str, Any]


async def never() -> Message:
    await asyncio.sleep(60)
    return {}


def body(message: Message | None, *, is_here: bool, limit: int = 10) -> BoundedBody:
    async def receive() -> Message:
        return await never() if message is None else message

    return BoundedBody(receive, limit, BodySpace(1_000), 0.05, idle=False, is_here=is_here)


async def test_a_body_that_is_here_is_bounded_as_well() -> None:
    assert await body({"type": "http.request", "body": b"0123456789"}, is_here=True).read() == b"0123456789"
    with pytest.raises(Refusal) as refused:
        await body({"type": "http.request", "body": b"0123456789a"}, is_here=True).read()
    assert refused.value.status == 413


async def test_a_body_that_is_not_here_may_be_late() -> None:
    with pytest.raises(Refusal) as refused:
        await body(None, is_here=False).read()
    assert refused.value.status == 408


class Tokens:
    """Verifies tokens that are names of users, and counts."""

    def __init__(self, expires_at: datetime) -> None:
        self.expires_at, self.verified = expires_at, 0
        self.user_id = uuid4()

    def verify(self, token: str) -> AccessClaims:
        self.verified += 1
        if self.expires_at <= datetime.now(UTC):
            raise NotAuthenticated("The access token has expired.")
        return AccessClaims(self.user_id, self.expires_at)


def services_of(tokens: Tokens) -> Any:
    async def load(credential: Credential, expires_at: datetime) -> Any:
        return SimpleNamespace(user_id=credential.user_id, company_id=uuid4(), expires_at=expires_at)

    settings = SimpleNamespace(query_rows=1)
    return SimpleNamespace(
        token_signer=tokens, viewers=SimpleNamespace(load=load), links=None, settings=settings
    )


def request(token: str | None = "token") -> Request:
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return Request({"type": "http", "headers": headers, "client": ("host", 1)})


async def test_a_token_is_verified_once_for_each_request() -> None:
    tokens = Tokens(datetime.now(UTC) + timedelta(hours=1))
    authentication = Authentication(lambda: services_of(tokens))
    first = request()
    assert authentication.identify_caller(first, None) == tokens.user_id
    context = await authentication.open_context(first, None)
    assert (tokens.verified, context.identity) == (1, tokens.user_id)

    again = await authentication.open_context(request(), None)
    assert (tokens.verified, again.identity) == (2, tokens.user_id)
    assert (await authentication.open_context(request(None), None)).identity is None


async def test_a_token_that_expires_while_its_request_waits_is_refused() -> None:
    tokens = Tokens(datetime.now(UTC) + timedelta(hours=1))
    authentication = Authentication(lambda: services_of(tokens))
    late = request()
    authentication.identify_caller(late, None)
    tokens.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    late.scope["seshat.verified"] = AccessClaims(tokens.user_id, tokens.expires_at)

    context = await authentication.open_context(late, None)
    assert context.identity is None
    with pytest.raises(NotAuthenticated, match="expired"):
        context.require_viewer()
