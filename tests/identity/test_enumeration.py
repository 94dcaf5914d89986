"""What strangers learn about which addresses exist, from answers and from the work behind them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from db.ids import new_id
from db.models import RoleName, UserStatus
from resolvers.identity import passwords
from tests.conftest import Save, Unchanged
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client
from tests.identity.conftest import HASHED, PASSWORD, REGISTER, SIGN_IN, WRONG, activity_of, signed_in
from tests.onlooker import Onlooker

LOGINS = ("known", "unknown", "suspended", "closed", "without password", "with a damaged hash")
REFUSED = [("UNAUTHENTICATED", ("input",))]
OTHER = "another horse battery"


@pytest.fixture
def argon2_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The computations of Argon2, which take nearly all the time: for a new hash or for a verification."""
    computed: list[str] = []
    hasher = passwords.hasher

    def new_hash(password: str) -> str:
        computed.append("argon2")
        return hasher.hash(password)

    def verify(password: str, hashed: str) -> tuple[bool, str | None]:
        computed.extend(["argon2"] if hashed.startswith("$argon2") else [])
        return hasher.verify_and_update(password, hashed)

    monkeypatch.setattr(passwords, "hasher", SimpleNamespace(hash=new_hash, verify_and_update=verify))
    return computed


async def address_of(save: Save, kind: str) -> str:
    """The address of somebody in this state."""
    if kind == "unknown":
        return f"{new_id().hex}@test.example"
    hashed = {"without password": None, "with a damaged hash": "scrypt:1:x"}.get(kind, HASHED)
    status = UserStatus.SUSPENDED if kind == "suspended" else UserStatus.ACTIVE
    company = a_company(is_active=kind != "closed")
    user = a_user(company, RoleName.USER, hashed_password=hashed, status=status)
    await save(user)
    return str(user.email)


async def full_answer(graphql: Client, document: str, **variables: Any) -> Any:
    """Everything that is answered, words included."""
    return (await graphql.send(document, **variables)).data


@pytest.mark.parametrize("kind", LOGINS)
async def test_a_wrong_password_is_the_same_answer_and_work(
    graphql: Client, save: Save, argon2_calls: list[str], kind: str
) -> None:
    known = await address_of(save, "known")
    address = await address_of(save, kind)
    expected = await full_answer(graphql, SIGN_IN, login=known, password="wrong")
    work, statements = list(argon2_calls), list(graphql.statements)
    argon2_calls.clear()

    assert await full_answer(graphql, SIGN_IN, login=address, password="wrong") == expected
    assert (argon2_calls, graphql.statements) == (work, statements)
    assert work == ["argon2"]


@pytest.mark.parametrize("kind", LOGINS)
@pytest.mark.parametrize("document", [SIGN_IN, REGISTER])
async def test_logins_lock_whether_they_exist_or_not(
    graphql: Client, save: Save, kind: str, document: str
) -> None:
    address = await address_of(save, kind)
    for _ in range(10):
        assert await graphql.refusals(SIGN_IN, login=address, password="wrong") == WRONG

    variables: dict[str, Any] = (
        {"login": address, "password": PASSWORD}
        if document == SIGN_IN
        else {"input": {"email": address, "password": PASSWORD}}
    )
    field = "login" if document == SIGN_IN else "email"
    assert await graphql.refusals(document, **variables) == [("EXHAUSTED", ("input", field))]


async def test_a_registration_does_the_same_work_for_known_addresses(
    graphql: Client, person: Fixture, argon2_calls: list[str]
) -> None:
    await full_answer(
        graphql, REGISTER, input={"email": f"{new_id().hex}@test.example", "password": PASSWORD}
    )
    work = list(argon2_calls)
    argon2_calls.clear()

    await full_answer(graphql, REGISTER, input={"email": person.email, "password": OTHER})

    assert work == argon2_calls == ["argon2", "argon2"]


async def test_a_registration_of_a_known_address_names_neither_it_nor_the_reason(
    graphql: Client, assert_unchanged: Unchanged, person: Fixture
) -> None:
    document = REGISTER.replace("code path", "code path message")

    async with assert_unchanged(but=("platform.sign_in_attempts",)):
        answer = await full_answer(graphql, document, input={"email": person.email, "password": OTHER})

    assert answer["userRegister"] == {
        "errors": [
            {
                "code": "UNAUTHENTICATED",
                "path": ["input"],
                "message": "The registration could not be completed. If you have an account, sign in.",
            }
        ],
        "accessToken": None,
        "refreshToken": None,
        "user": None,
    }


@pytest.mark.parametrize("kind", ["suspended", "closed", "without password", "with a damaged hash"])
async def test_no_state_of_an_account_shows_in_a_registration(graphql: Client, save: Save, kind: str) -> None:
    address = await address_of(save, kind)

    assert await graphql.refusals(REGISTER, input={"email": address, "password": OTHER}) == REFUSED


async def test_a_repeated_registration_signs_in(graphql: Client, onlooker: Onlooker, person: Fixture) -> None:
    answer = await graphql(REGISTER, input={"email": person.email.upper(), "password": PASSWORD})

    assert answer["userRegister"]["user"]["id"] == person.gid
    assert await activity_of(onlooker, person.id) == ["USER_SIGN_IN"]


async def test_a_registration_is_no_way_around_the_lock(graphql: Client, person: Fixture) -> None:
    for _ in range(10):
        assert await graphql.refusals(REGISTER, input={"email": person.email, "password": OTHER}) == REFUSED

    locked = await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD)

    assert locked == [("EXHAUSTED", ("input", "login"))]


async def test_registrations_at_once_make_one_account(graphql: Client, onlooker: Onlooker) -> None:
    address = f"{new_id().hex}@test.example"

    async def register() -> list[Any]:
        client = Client(graphql.services, graphql.schema)
        return await client.refusals(REGISTER, input={"email": address, "password": PASSWORD})

    answers = await asyncio.gather(*(register() for _ in range(4)))

    assert [answer for answer in answers if answer] == [REFUSED] * len([a for a in answers if a])
    assert [] in answers
    query = "SELECT count(*) FROM platform.users WHERE email = $1"
    assert await onlooker.fetchval(query, address) == 1
    assert (await graphql.of(None)(SIGN_IN, login=address, password=PASSWORD))["userSignIn"]["accessToken"]


async def test_who_signs_in_learns_that_the_account_is_suspended(graphql: Client, save: Save) -> None:
    address = await address_of(save, "suspended")

    refused = await graphql.refusals(REGISTER, input={"email": address, "password": PASSWORD})

    assert refused == [("FORBIDDEN", ("input", "login"))]


async def test_success_ends_the_count(graphql: Client, onlooker: Onlooker, person: Fixture) -> None:
    address = f"{new_id().hex}@test.example"

    await graphql(REGISTER, input={"email": address, "password": PASSWORD})
    await signed_in(graphql, person)

    query = "SELECT count(*) FROM platform.sign_in_attempts WHERE login = ANY($1)"
    assert await onlooker.fetchval(query, [address, person.email]) == 0
