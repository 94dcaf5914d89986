"""Staying signed in, signing out, and tokens that open nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from db.ids import new_id
from resolvers.identity.jwt import TokenSigner
from schema.framework.context import Services
from tests.conftest import People, Unchanged
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.identity.conftest import (
    ME,
    NO_REFRESH,
    PASSWORD,
    REFRESH,
    SIGN_IN,
    SIGN_OUT,
    activity_of,
    signed_in,
)
from tests.onlooker import Onlooker


async def test_refresh_tokens_are_used_once_and_a_second_use_ends_the_chain(
    graphql: Client, onlooker: Onlooker, person: Fixture
) -> None:
    first = (await signed_in(graphql, person))["refreshToken"]
    other = (await signed_in(graphql, person))["refreshToken"]
    second = (await graphql(REFRESH, token=first))["tokenRefresh"]["refreshToken"]
    third = (await graphql(REFRESH, token=second))["tokenRefresh"]["refreshToken"]

    reused = await graphql.refusals(REFRESH, token=first)
    after = await graphql.refusals(REFRESH, token=third)

    assert len({first, second, third}) == 3
    assert (reused, after) == (NO_REFRESH, NO_REFRESH)
    assert (await graphql(REFRESH, token=other))["tokenRefresh"]["user"]["id"] == person.gid
    stored = await onlooker.fetch("SELECT digest::text FROM platform.refresh_tokens")
    assert not {first, second, third} & {row["digest"] for row in stored}


@pytest.mark.parametrize("token", ["", "unknown", "\ud800", "x" * 100_000])
async def test_an_unknown_refresh_token_is_refused(
    graphql: Client, assert_unchanged: Unchanged, token: str
) -> None:
    async with assert_unchanged():
        refusal = await graphql.refusals(REFRESH, token=token)

    assert refusal in (NO_REFRESH, [("INVALID", ("input", "refreshToken"))])


async def test_an_expired_refresh_token_is_refused(
    graphql: Client, onlooker: Onlooker, assert_unchanged: Unchanged, person: Fixture
) -> None:
    token = (await signed_in(graphql, person))["refreshToken"]
    await onlooker.execute(
        "UPDATE platform.refresh_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1",
        person.id,
    )

    async with assert_unchanged():
        assert await graphql.refusals(REFRESH, token=token) == NO_REFRESH


@pytest.mark.parametrize("everywhere", [False, True])
async def test_signing_out_ends_one_chain_or_all(
    graphql: Client, onlooker: Onlooker, person: Fixture, everywhere: bool
) -> None:
    here = (await signed_in(graphql, person))["refreshToken"]
    there = (await signed_in(graphql, person))["refreshToken"]

    await graphql.of(person)(SIGN_OUT, token=None if everywhere else here)

    assert await graphql.refusals(REFRESH, token=here) == NO_REFRESH
    assert await graphql.refusals(REFRESH, token=there) == (NO_REFRESH if everywhere else [])
    assert (await activity_of(onlooker, person.id))[2] == "USER_SIGN_OUT"


@pytest.mark.parametrize("everywhere", [False, True])
async def test_signing_out_ends_the_access_tokens_of_the_session_at_once(
    api: httpx.AsyncClient, graphql: Client, person: Fixture, everywhere: bool
) -> None:
    here, there = [await signed_in(graphql, person) for _ in range(2)]
    refreshed = (await graphql(REFRESH, token=here["refreshToken"]))["tokenRefresh"]
    for tokens in (here, there, refreshed):
        assert (await ask(api, tokens["accessToken"]))["data"]["me"]["id"] == person.gid

    token = None if everywhere else refreshed["refreshToken"]
    body = {"query": SIGN_OUT, "variables": {"token": token}}
    await api.post("/graphql", json=body, headers={"Authorization": f"Bearer {here['accessToken']}"})

    for tokens in (here, refreshed):
        assert "data" not in await ask(api, tokens["accessToken"])
    assert ("data" not in await ask(api, there["accessToken"])) == everywhere


async def test_a_replayed_refresh_token_ends_the_access_tokens_of_its_session(
    api: httpx.AsyncClient, graphql: Client, person: Fixture
) -> None:
    first = await signed_in(graphql, person)
    second = (await graphql(REFRESH, token=first["refreshToken"]))["tokenRefresh"]
    third = (await graphql(REFRESH, token=second["refreshToken"]))["tokenRefresh"]
    assert (await ask(api, third["accessToken"]))["data"]["me"]["id"] == person.gid

    assert await graphql.refusals(REFRESH, token=first["refreshToken"]) == NO_REFRESH

    async with asyncio.timeout(1):
        while "errors" not in await ask(api, third["accessToken"]):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_signing_out_ends_nobody_elses_chain(graphql: Client, people: People, person: Fixture) -> None:
    token = (await signed_in(graphql, person))["refreshToken"]

    await graphql.of(people.admin)(SIGN_OUT, token=token)

    assert (await graphql(REFRESH, token=token))["tokenRefresh"]["user"]["id"] == person.gid


async def ask(api: httpx.AsyncClient, token: str, document: str = ME) -> dict[str, Any]:
    """The answer to a request with this bearer token."""
    answer = await api.post(
        "/graphql", json={"query": document}, headers={"Authorization": f"Bearer {token}"}
    )
    if answer.status_code == 401:
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer error="invalid_token", error_description="')
    else:
        assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_an_access_token_opens_the_api(
    api: httpx.AsyncClient, graphql: Client, person: Fixture
) -> None:
    token = (await signed_in(graphql, person))["accessToken"]

    assert (await ask(api, token))["data"]["me"] == {"id": person.gid, "username": person.username}


def forge_token(keys: TokenSigner, person: Fixture, **changes: Any) -> str:
    """A token that is signed, but says something else."""
    now = datetime.now(UTC)
    claims = {
        "iss": "seshat",
        "aud": "seshat:api",
        "sub": str(person.id),
        "iat": now,
        "exp": now + timedelta(minutes=5),
        **changes,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, keys.secret)


@pytest.mark.parametrize(
    "wrong",
    [
        "expired",
        "endless",
        "no subject",
        "odd subject",
        "nobody",
        "issuer",
        "audience",
        "no audience",
        "device",
        "secret",
        "none",
        "cut",
        "noise",
    ],
)
async def test_a_token_that_is_not_valid_is_nobody(
    api: httpx.AsyncClient, services: Services, person: Fixture, wrong: str
) -> None:
    keys, other = services.token_signer, TokenSigner(b"another secret of 32 bytes or so", *[timedelta(1)] * 2)
    token = {
        "expired": forge_token(keys, person, exp=datetime.now(UTC) - timedelta(seconds=1)),
        "endless": forge_token(keys, person, exp=None),
        "no subject": forge_token(keys, person, sub=None),
        "odd subject": forge_token(keys, person, sub="1"),
        "nobody": forge_token(keys, person, sub=str(new_id())),
        "issuer": forge_token(keys, person, iss="another"),
        "audience": forge_token(keys, person, aud="another"),
        "no audience": forge_token(keys, person, aud=None),
        "device": keys.device_token(person.id),
        "secret": other.access_token(person.id),
        "none": jwt.encode({"iss": "seshat", "sub": str(person.id), "exp": 2**32}, "", "none"),
        "cut": keys.access_token(person.id)[:-3],
        "noise": "noise",
    }[wrong]

    answer = await ask(api, token)

    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_suspended_persons_token_opens_nothing_more_in_another_process(
    api: httpx.AsyncClient, graphql: Client, people: People, person: Fixture
) -> None:
    token = graphql.services.token_signer.access_token(people.user.id)
    before = await ask(api, token)

    await graphql.of(people.admin)(
        "mutation ($id: ID!) { userSuspend(id: $id) { errors { code } user { status isActive } } }",
        id=people.user.gid,
    )
    async with asyncio.timeout(1):
        while "errors" not in (after := await ask(api, token)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    assert before["data"]["me"]["id"] == people.user.gid
    assert after["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_invalid_token_does_not_keep_anybody_from_signing_in(
    api: httpx.AsyncClient, person: Fixture
) -> None:
    variables = {"login": person.email, "password": PASSWORD}

    answer = await api.post(
        "/graphql",
        json={"query": SIGN_IN, "variables": variables},
        headers={"Authorization": "Bearer long expired"},
    )

    assert answer.json()["data"]["userSignIn"]["user"]["id"] == person.gid


async def test_me_is_who_is_signed_in(graphql: Client, people: People) -> None:
    for user in people:
        assert (await graphql.of(user)(ME))["me"] == {"id": user.gid, "username": user.username}
    assert await graphql.refusals(ME) == [("UNAUTHENTICATED", ())]
