"""One-time passwords and recovery codes: what they are, and what signing in with them takes."""

import base64
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest

from core.errors import Conflict, NotAuthenticated
from db.ids import new_id
from resolvers.identity import second_factors
from resolvers.identity.second_factors import STEP_SECONDS, matching_step
from schema.framework.context import Services
from server.commands import user
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.identity.conftest import PASSWORD, SIGN_IN, WRONG
from tests.identity.test_operator_users import options
from tests.onlooker import Onlooker

ENROLL = """mutation ($password: String!) { totpEnroll(input: {password: $password}) {
  errors { code path } secret uri } }"""
CONFIRM = """mutation ($code: String!) { totpConfirm(input: {code: $code}) {
  errors { code path } recoveryCodes } }"""
DISABLE = """mutation ($code: String!, $password: String!) {
  totpDisable(input: {code: $code, password: $password}) { errors { code path } } }"""
START = """mutation ($login: String!, $password: String!) {
  userSignIn(input: {login: $login, password: $password}) {
  errors { code } challenge accessToken refreshToken deviceToken user { id } } }"""
REGISTER = """mutation ($email: String!, $password: String!) {
  userRegister(input: {email: $email, password: $password}) {
  errors { code } challenge accessToken refreshToken user { id } } }"""
VERIFY = """mutation ($challenge: String!, $code: String!) {
  secondFactorVerify(input: {challenge: $challenge, code: $code}) {
  errors { code path } accessToken refreshToken user { id } } }"""

WRONG_CODE = [("INVALID", ("input", "code"))]
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
"""Times and codes of RFC 6238, appendix B, for SHA-1."""


@pytest.mark.parametrize(("time", "code"), RFC_VECTORS)
def test_codes_are_those_of_the_rfc(time: int, code: str) -> None:
    now = datetime.fromtimestamp(time, UTC)

    assert matching_step(RFC_SECRET, code[-6:], now) == time // STEP_SECONDS


@pytest.mark.parametrize("offset", [-2, -1, 0, 1, 2])
def test_a_clock_may_be_wrong_by_one_step(offset: int) -> None:
    now = datetime.fromtimestamp(1234567890, UTC)
    code = pyotp.HOTP(RFC_SECRET).at(1234567890 // STEP_SECONDS + offset)

    found = matching_step(RFC_SECRET, code, now)

    assert (found is not None) == (abs(offset) <= 1)


def test_a_secret_is_encrypted_for_its_user(services: Services) -> None:
    one, other = new_id(), new_id()
    content = second_factors.encrypt(services.settings, one, RFC_SECRET)

    assert RFC_SECRET.encode() not in content
    assert second_factors.decrypt(services.settings, one, content) == RFC_SECRET
    with pytest.raises(Conflict):
        second_factors.decrypt(services.settings, other, content)


def code_of(secret: str, offset: int = 0) -> str:
    """The code of a step from now."""
    return pyotp.HOTP(secret).at(int(datetime.now(UTC).timestamp()) // STEP_SECONDS + offset)


async def enroll(graphql: Client, person: Fixture) -> tuple[str, list[str]]:
    """The secret of a person who has set up a second factor, and the recovery codes."""
    secret = (await graphql.of(person)(ENROLL, password=PASSWORD))["totpEnroll"]["secret"]
    answer = await graphql.of(person)(CONFIRM, code=code_of(secret, -1))
    codes: list[str] = answer["totpConfirm"]["recoveryCodes"]
    return secret, codes


async def challenge_of(graphql: Client, person: Fixture) -> str:
    """The challenge that a correct password is answered with."""
    payload = (await graphql(START, login=person.email, password=PASSWORD))["userSignIn"]
    challenge: str = payload.pop("challenge")
    nothing: dict[str, Any] = {"accessToken": None, "refreshToken": None, "deviceToken": None, "user": None}
    assert payload == {"errors": [], **nothing}
    return challenge


async def test_a_second_factor_takes_effect_when_it_is_confirmed(graphql: Client, person: Fixture) -> None:
    made = (await graphql.of(person)(ENROLL, password=PASSWORD))["totpEnroll"]

    assert pyotp.parse_uri(made["uri"]).secret == made["secret"]
    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == []
    assert await graphql.of(person).refusals(CONFIRM, code="abcdef") == WRONG_CODE
    assert await graphql.of(person).refusals(ENROLL, password="wrong") == [("INVALID", ("input", "password"))]


async def test_signing_in_takes_the_password_and_a_code_that_works_once(
    graphql: Client, person: Fixture
) -> None:
    secret, _ = await enroll(graphql, person)
    assert await graphql.refusals(SIGN_IN, login=person.email, password="wrong password") == WRONG
    challenge, code = await challenge_of(graphql, person), code_of(secret)

    payload = (await graphql(VERIFY, challenge=challenge, code=code))["secondFactorVerify"]

    assert payload["user"]["id"] == person.gid
    assert payload["accessToken"]
    for used in (code, code_of(secret, -1), "", "abc"):
        assert await graphql.refusals(VERIFY, challenge=challenge, code=used) == WRONG_CODE


async def test_registering_again_is_no_way_around_it(graphql: Client, person: Fixture) -> None:
    await enroll(graphql, person)

    payload = (await graphql(REGISTER, email=person.email, password=PASSWORD))["userRegister"]

    assert payload["challenge"]
    assert (payload["accessToken"], payload["refreshToken"], payload["user"]) == (None, None, None)


async def test_a_recovery_code_works_once_and_is_not_stored(
    graphql: Client, person: Fixture, onlooker: Onlooker
) -> None:
    secret, codes = await enroll(graphql, person)
    challenge = await challenge_of(graphql, person)

    assert len(set(codes)) == 10
    assert await graphql.refusals(VERIFY, challenge=challenge, code=codes[0].upper()) == []
    assert await graphql.refusals(VERIFY, challenge=challenge, code=codes[0]) == WRONG_CODE
    assert await graphql.refusals(VERIFY, challenge=challenge, code=codes[1]) == []
    for table in ("recovery_codes", "totp_secrets"):
        rows = await onlooker.fetch(
            f"SELECT CAST(t AS text) AS row FROM platform.{table} t WHERE user_id = $1", person.id
        )
        assert rows
        stored = "".join(row["row"] for row in rows)
        for known in (secret, *codes):
            assert known not in stored
            assert known.encode().hex() not in stored


async def test_an_access_token_is_no_challenge_and_a_challenge_opens_nothing(
    graphql: Client, person: Fixture, services: Services
) -> None:
    secret, _ = await enroll(graphql, person)
    refused = [("UNAUTHENTICATED", ("input", "challenge"))]

    for token in ("", "x", services.token_signer.access_token(person.id)):
        assert await graphql.refusals(VERIFY, challenge=token, code=code_of(secret)) == refused
    with pytest.raises(NotAuthenticated, match="not valid"):
        services.token_signer.verify(await challenge_of(graphql, person))


async def test_codes_are_not_guessed(graphql: Client, person: Fixture) -> None:
    await enroll(graphql, person)
    challenge = await challenge_of(graphql, person)

    answers = [await graphql.refusals(VERIFY, challenge=challenge, code="abcdef") for _ in range(12)]

    assert answers[0] == WRONG_CODE
    assert answers[-1] == [("EXHAUSTED", ("input", "code"))]


async def test_it_is_removed_with_the_password_and_a_code(graphql: Client, person: Fixture) -> None:
    secret, _ = await enroll(graphql, person)
    client = graphql.of(person)

    assert await client.refusals(DISABLE, code=code_of(secret), password="wrong") == [
        ("INVALID", ("input", "password"))
    ]
    assert await client.refusals(DISABLE, code="abcdef", password=PASSWORD) == WRONG_CODE
    assert await client.refusals(DISABLE, code=code_of(secret), password=PASSWORD) == []
    payload = (await graphql(START, login=person.email, password=PASSWORD))["userSignIn"]
    assert payload["accessToken"]


async def test_an_operator_removes_a_lost_one(graphql: Client, person: Fixture, services: Services) -> None:
    await enroll(graphql, person)

    await user.run_action(services.settings, options("reset-second-factor", person.email))

    payload = (await graphql(START, login=person.email, password=PASSWORD))["userSignIn"]
    assert payload["accessToken"]
