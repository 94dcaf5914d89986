"""The list of a person's sessions, and ending one or all of them."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from core.errors import NotAuthenticated
from db.models import RefreshToken, RoleName
from resolvers.identity import accounts
from resolvers.identity.credentials import Credential
from resolvers.identity.sign_in_limits import Origin
from schema.framework.context import Context, Services
from tests.conftest import Save
from tests.factories import Fixture, a_user
from tests.graphql_client import Client
from tests.identity.conftest import HASHED, NO_REFRESH, PASSWORD, REFRESH, activity_of
from tests.onlooker import Onlooker

SESSIONS = "{ sessions { id userAgent address createdAt lastUsedAt isCurrent } }"
REVOKE = "mutation ($id: ID!) { sessionRevoke(id: $id) { errors { code path } } }"
REVOKE_ALL = """mutation ($input: SessionRevokeAllInput) { sessionRevokeAll(input: $input) {
  errors { code path } } }"""

LAPTOP = Origin("192.0.2.1", user_agent="Laptop/1.0")
PHONE = Origin("2001:db8::7", user_agent="Phone/2.0 \u0000(secret)")


class Device:
    """A client that has signed in."""

    def __init__(self, graphql: Client, tokens: Any) -> None:
        self.graphql, self.tokens = graphql, tokens
        self.services: Services = graphql.services

    async def run(self, document: str, **variables: Any) -> Any:
        """The data of an operation with the device's access token."""
        claims = self.services.token_signer.verify(self.tokens.access_token)
        credential = Credential(claims.user_id, claims.session_id)
        viewer = await self.services.viewers.load(credential, claims.expires_at)
        context = Context(self.services, viewer)
        try:
            result = await self.graphql.schema.execute(document, variables, context)
        finally:
            await context.close()
        assert result.errors is None, result.errors
        return result.data

    async def sessions(self) -> list[dict[str, Any]]:
        """The sessions that the device is shown."""
        listed: list[dict[str, Any]] = (await self.run(SESSIONS))["sessions"]
        return listed

    async def is_signed_in(self) -> bool:
        """Whether the access token is accepted."""
        try:
            await self.run("{ me { id } }")
        except NotAuthenticated:
            return False
        return True


async def sign_in(graphql: Client, person: Fixture, origin: Origin) -> Device:
    services = graphql.services
    tokens = await accounts.sign_in(
        services.database, services.token_signer, login=person.email, password=PASSWORD, origin=origin
    )
    return Device(graphql, tokens)


async def test_sessions_tell_their_client_and_end_one_by_one(
    graphql: Client, person: Fixture, onlooker: Onlooker
) -> None:
    laptop, phone = [await sign_in(graphql, person, origin) for origin in (LAPTOP, PHONE)]

    second, first = await laptop.sessions()
    assert (first["userAgent"], first["address"], first["isCurrent"]) == ("Laptop/1.0", "192.0.2.1", True)
    assert (second["userAgent"], second["address"]) == ("Phone/2.0 (secret)", "2001:db8::7")
    assert not second["isCurrent"]
    assert first["createdAt"] <= first["lastUsedAt"] <= second["createdAt"]

    assert await laptop.run(REVOKE, id=second["id"]) == {"sessionRevoke": {"errors": []}}
    assert [session["id"] for session in await laptop.sessions()] == [first["id"]]
    assert (await laptop.is_signed_in(), await phone.is_signed_in()) == (True, False)
    assert await graphql.refusals(REFRESH, token=phone.tokens.refresh_token) == NO_REFRESH
    assert (await activity_of(onlooker, person.id))[-1] == "SESSION_REVOKE"


async def test_a_refreshed_session_keeps_its_beginning_and_shows_its_last_client(
    graphql: Client, person: Fixture
) -> None:
    laptop = await sign_in(graphql, person, LAPTOP)
    (before,) = await laptop.sessions()
    services = graphql.services
    laptop.tokens = await accounts.refresh(
        services.database, services.token_signer, laptop.tokens.refresh_token, Origin("192.0.2.9")
    )

    (after,) = await laptop.sessions()
    assert (after["id"], after["createdAt"]) == (before["id"], before["createdAt"])
    assert after["lastUsedAt"] > before["lastUsedAt"]
    assert (after["userAgent"], after["address"], after["isCurrent"]) == (None, "192.0.2.9", True)


async def test_all_sessions_end_or_all_but_the_current_one(graphql: Client, person: Fixture) -> None:
    laptop, phone, tablet = [await sign_in(graphql, person, LAPTOP) for _ in range(3)]

    await laptop.run(REVOKE_ALL, input={"keepCurrent": True})
    assert [await device.is_signed_in() for device in (laptop, phone, tablet)] == [True, False, False]
    assert [session["isCurrent"] for session in await laptop.sessions()] == [True]

    await laptop.run(REVOKE_ALL)
    assert not await laptop.is_signed_in()


async def test_others_sessions_are_neither_listed_nor_ended(
    graphql: Client, person: Fixture, save: Save
) -> None:
    colleague = a_user(person.company, RoleName.ADMIN, hashed_password=HASHED)
    await save(colleague)
    mine, theirs = [await sign_in(graphql, user, LAPTOP) for user in (person, colleague)]
    (listed,) = await mine.sessions()

    answers = [(await theirs.run(REVOKE, id=id))["sessionRevoke"] for id in (listed["id"], str(uuid4()))]
    assert answers == [{"errors": [{"code": "NOT_FOUND", "path": ["id"]}]}] * 2
    assert listed["id"] not in [session["id"] for session in await theirs.sessions()]

    await theirs.run(REVOKE_ALL)
    assert await mine.is_signed_in()


async def test_the_list_is_bounded_and_leaves_out_expired_sessions(graphql: Client, person: Fixture) -> None:
    devices = [await sign_in(graphql, person, LAPTOP) for _ in range(3)]
    last = devices[-1]
    assert len((await last.run("{ sessions(first: 2) { id } }"))["sessions"]) == 2
    with pytest.raises(AssertionError, match="first"):
        await last.run("{ sessions(first: 101) { id } }")
    family = graphql.services.token_signer.verify(devices[0].tokens.access_token).session_id
    async with graphql.services.database.platform() as uow:
        mine = RefreshToken.family == family
        await uow.execute(update(RefreshToken).where(mine).values(expires_at=RefreshToken.created_at))

    assert str(family) not in [session["id"] for session in await last.sessions()]


async def test_nobody_has_no_sessions(graphql: Client) -> None:
    assert await graphql.refusals(SESSIONS) == [("UNAUTHENTICATED", ())]
