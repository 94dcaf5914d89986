"""Somebody with a password, and what signing in says."""

from typing import Any

import pytest_asyncio

from db.models import RoleName
from resolvers.identity import passwords
from tests.conftest import Save
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client
from tests.onlooker import Onlooker

PASSWORD = "correct horse battery"
HASHED = passwords.hasher.hash(PASSWORD)

REGISTER = """mutation ($input: UserRegisterInput!) { userRegister(input: $input) {
  errors { code path } accessToken refreshToken
  user { id email username fullName name isAdmin isActive role { name } company { name kind isActive } }
} }"""
SIGN_IN = """mutation ($login: String!, $password: String!) {
  userSignIn(input: {login: $login, password: $password}) {
  errors { code path message } accessToken refreshToken user { id lastLoginAt } } }"""
REFRESH = """mutation ($token: String!) { tokenRefresh(input: {refreshToken: $token}) {
  errors { code path message } accessToken refreshToken user { id } } }"""
SIGN_OUT = (
    """mutation ($token: String) { userSignOut(input: {refreshToken: $token}) { errors { code path } } }"""
)
ME = "{ me { id username } }"

WRONG = [("UNAUTHENTICATED", ("input", "password"))]
NO_REFRESH = [("UNAUTHENTICATED", ("input", "refreshToken"))]


@pytest_asyncio.fixture
async def person(save: Save) -> Fixture:
    """Somebody with a password, alone in a company."""
    person = a_user(a_company(), RoleName.USER, hashed_password=HASHED)
    await save(person)
    return person


async def signed_in(graphql: Client, person: Fixture) -> dict[str, Any]:
    """The payload of a sign-in."""
    answer = await graphql(SIGN_IN, login=person.email, password=PASSWORD)
    payload: dict[str, Any] = answer["userSignIn"]
    return payload


async def activity_of(onlooker: Onlooker, user_id: Any) -> list[str]:
    """What was written down of a user's doings, the first first."""
    rows = await onlooker.fetch(
        "SELECT action FROM tenant.activity_logs WHERE user_id = $1 ORDER BY id", user_id
    )
    return [row["action"] for row in rows]
