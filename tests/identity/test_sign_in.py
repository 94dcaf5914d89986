"""Registering and signing in."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

from db.ids import new_id
from db.models import RoleName
from schema.framework.context import Services
from tests.conftest import DEAR_HASHER, People, Save, Unchanged
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client, Refusal
from tests.identity.conftest import (
    HASHED,
    PASSWORD,
    REFRESH,
    REGISTER,
    SIGN_IN,
    WRONG,
    activity_of,
    signed_in,
)
from tests.onlooker import Onlooker


async def test_who_registers_administers_a_company_of_their_own(
    graphql: Client, services: Services, onlooker: Onlooker
) -> None:
    local = f"Ada.{new_id().hex}"

    arguments = {"email": f" {local}@Test.Example ", "password": PASSWORD, "fullName": "Ada Lovelace"}
    payload = (await graphql(REGISTER, input=arguments))["userRegister"]

    id = payload["user"].pop("id")
    assert payload["user"] == {
        "email": f"{local}@test.example".lower(),
        "username": local.lower(),
        "fullName": "Ada Lovelace",
        "name": "Ada Lovelace",
        "isAdmin": True,
        "isActive": True,
        "role": {"name": "ADMIN"},
        "company": {"name": f"Personal: {local.lower()}", "kind": "PERSONAL", "isActive": True},
    }
    claims = services.token_signer.verify(payload["accessToken"])
    assert timedelta(minutes=14) < claims.expires_at - datetime.now(UTC) <= timedelta(minutes=15)
    assert await activity_of(onlooker, claims.user_id) == ["USER_REGISTER"]
    refreshed = await graphql(REFRESH, token=payload["refreshToken"])
    assert refreshed["tokenRefresh"]["user"]["id"] == id


async def test_a_username_that_is_taken_is_numbered(graphql: Client) -> None:
    local = f"twin{new_id().hex}"

    names = [
        (await graphql(REGISTER, input={"email": f"{local}@{host}.example", "password": PASSWORD}))[
            "userRegister"
        ]["user"]["username"]
        for host in ("one", "two", "three")
    ]

    assert names == [local, f"{local}-2", f"{local}-3"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"email": "nobody"}, ("INVALID", ("input", "email"))),
        ({"email": "a@b\u0000.example"}, ("INVALID", ("input", "email"))),
        ({"email": "x" * 300 + "@test.example"}, ("INVALID", ("input", "email"))),
        ({"password": "short"}, ("INVALID", ("input", "password"))),
        ({"password": "aaaaaaaaaaaaaaa"}, ("INVALID", ("input", "password"))),
        ({"password": "longer than that " * 20}, ("INVALID", ("input", "password"))),
        ({"fullName": "A\nB"}, ("INVALID", ("input", "fullName"))),
        ({"fullName": "\ud800"}, ("INVALID", ("input", "fullName"))),
        ({"username": "a b"}, ("INVALID", ("input", "username"))),
        ({"username": "x" * 100}, ("INVALID", ("input", "username"))),
    ],
)
async def test_a_wrong_registration_makes_nobody(
    graphql: Client,
    assert_unchanged: Unchanged,
    changes: dict[str, str],
    refusal: tuple[str, tuple[str, ...]],
) -> None:
    arguments = {"email": f"{new_id().hex}@test.example", "password": PASSWORD, **changes}

    async with assert_unchanged():
        assert await graphql.refusals(REGISTER, input=arguments) == [refusal]


@pytest.mark.parametrize("email", ["", "known"])
async def test_a_taken_username_is_refused_whether_the_address_exists_or_not(
    graphql: Client, assert_unchanged: Unchanged, person: Fixture, email: str
) -> None:
    address = person.email if email else f"{new_id().hex}@test.example"
    arguments = {"email": address, "password": PASSWORD, "username": person.username.upper()}

    async with assert_unchanged():
        assert await graphql.refusals(REGISTER, input=arguments) == [("CONFLICT", ("input", "username"))]


@pytest.mark.parametrize("field", ["email", "username"])
async def test_both_logins_open_in_whatever_case(
    graphql: Client, onlooker: Onlooker, person: Fixture, field: str
) -> None:
    answer = await graphql(SIGN_IN, login=f" {person.values[field].upper()}", password=PASSWORD)

    user = answer["userSignIn"]["user"]
    assert user["id"] == person.gid
    assert datetime.now(UTC) - datetime.fromisoformat(user["lastLoginAt"]) < timedelta(minutes=1)
    assert await activity_of(onlooker, person.id) == ["USER_SIGN_IN"]


def test_passwords_are_hashed_as_recommended() -> None:
    assert DEAR_HASHER.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_a_bcrypt_hash_opens_and_is_replaced(graphql: Client, save: Save, onlooker: Onlooker) -> None:
    person = a_user(a_company(), hashed_password=BcryptHasher(rounds=4).hash(PASSWORD))
    await save(person)

    await signed_in(graphql, person)

    stored = await onlooker.fetchval("SELECT hashed_password FROM platform.users WHERE id = $1", person.id)
    assert stored.startswith("$argon2id$")
    assert (await signed_in(graphql, person))["user"]["id"] == person.gid


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 100_000])
async def test_a_wrong_password_is_counted_and_changes_nothing_else(
    graphql: Client, assert_unchanged: Unchanged, person: Fixture, password: str
) -> None:
    async with assert_unchanged(but=("platform.sign_in_attempts",)):
        assert await graphql.refusals(SIGN_IN, login=person.email, password=password) == WRONG


@pytest.mark.parametrize("login", ["", "nobody", "nobody@test.example", "' OR 1=1 --", "x" * 10_000])
async def test_an_unknown_login_is_refused_like_a_wrong_password(graphql: Client, login: str) -> None:
    assert await graphql.refusals(SIGN_IN, login=login, password=PASSWORD) == WRONG


@pytest.mark.parametrize("login", ["a\u0000b", "\ud800"])
async def test_a_login_that_cannot_be_stored_is_refused(graphql: Client, login: str) -> None:
    assert await graphql.refusals(SIGN_IN, login=login, password=PASSWORD) == [
        ("INVALID", ("input", "login"))
    ]


async def test_somebody_without_a_password_does_not_sign_in(graphql: Client, people: People) -> None:
    for password in ("", "None", PASSWORD):
        assert await graphql.refusals(SIGN_IN, login=people.user.email, password=password) == WRONG


async def test_ten_wrong_passwords_close_the_login(
    graphql: Client, onlooker: Onlooker, person: Fixture
) -> None:
    for _ in range(10):
        assert await graphql.refusals(SIGN_IN, login=person.email, password="wrong") == WRONG

    closed = await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD)
    aged = "UPDATE platform.sign_in_attempts SET created_at = now() - interval '16 minutes' WHERE login = $1"
    await onlooker.execute(aged, person.email)

    assert closed == [("EXHAUSTED", ("input", "login"))]
    assert (await signed_in(graphql, person))["user"]["id"] == person.gid
    left = "SELECT count(*) FROM platform.sign_in_attempts WHERE login = $1"
    assert await onlooker.fetchval(left, person.email) == 0


async def test_guessing_at_once_gives_no_more_guesses(graphql: Client, person: Fixture) -> None:
    async def guess() -> list[Refusal]:
        client = Client(graphql.services, graphql.schema)
        return await client.refusals(SIGN_IN, login=person.email, password="wrong")

    answers = await asyncio.gather(*(guess() for _ in range(16)))

    assert sorted(code for ((code, _),) in answers) == ["EXHAUSTED"] * 6 + ["UNAUTHENTICATED"] * 10


async def test_both_logins_of_a_person_are_closed_together(graphql: Client, person: Fixture) -> None:
    for number in range(10):
        login = person.email if number % 2 else person.username
        assert await graphql.refusals(SIGN_IN, login=login, password="wrong") == WRONG

    for login in (person.email, person.username):
        assert await graphql.refusals(SIGN_IN, login=login, password=PASSWORD) == [
            ("EXHAUSTED", ("input", "login"))
        ]


@pytest.mark.parametrize("change", ["suspended", "closed"])
async def test_who_is_suspended_or_of_a_closed_company_is_out_at_once(
    graphql: Client, onlooker: Onlooker, assert_unchanged: Unchanged, save: Save, change: str
) -> None:
    person = a_user(a_company(), RoleName.USER, hashed_password=HASHED)
    await save(person)
    tokens = await signed_in(graphql, person)
    if change == "suspended":
        await onlooker.execute("UPDATE platform.users SET status = 'suspended' WHERE id = $1", person.id)
    else:
        closing = "UPDATE platform.companies SET is_active = false WHERE id = $1"
        await onlooker.execute(closing, person.company.id)

    async with assert_unchanged():
        sign_in = await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD)
        refresh = await graphql.refusals(REFRESH, token=tokens["refreshToken"])

    assert sign_in == [("FORBIDDEN", ("input", "login"))]
    assert [code for code, _ in refresh] == ["UNAUTHENTICATED"]
    wrong = await graphql.refusals(SIGN_IN, login=person.email, password="wrong")
    assert wrong == WRONG, "the account's state is told to who knows the password"
