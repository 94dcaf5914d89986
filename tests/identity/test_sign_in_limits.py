"""Wrong passwords: how many guesses strangers have, and that the owner signs in all the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from db.ids import new_id
from resolvers.identity import sign_in_limits
from resolvers.identity.sign_in_limits import (
    ATTEMPT_WINDOW,
    FREE_ATTEMPTS,
    MAX_ACCOUNT_ATTEMPTS,
    MAX_ADDRESS_ATTEMPTS,
    duration,
    network_of,
    next_attempt_at,
)
from schema.framework.context import Services
from tests.conftest import Save
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client
from tests.identity.conftest import HASHED, PASSWORD, REGISTER, SIGN_IN, WRONG
from tests.onlooker import Onlooker

TOO_MANY = [("EXHAUSTED", ("input", "login"))]
HOME = "198.51.100.7"
AT_ONCE = asyncio.Semaphore(4)  # as many operations as a process runs
WITH_DEVICE = """mutation ($login: String!, $password: String!, $device: String) {
  userSignIn(input: {login: $login, password: $password, deviceToken: $device}) {
  errors { code path } deviceToken } }"""


def at(graphql: Client, address: str) -> Client:
    """A client at this address."""
    client = Client(graphql.services, graphql.schema)
    client.address = address
    return client


async def guess(graphql: Client, address: str, login: str) -> Any:
    async with AT_ONCE:
        return await at(graphql, address).refusals(SIGN_IN, login=login, password="a wrong guess")


async def open_from(graphql: Client, address: str, login: str) -> Any:
    return await at(graphql, address).refusals(SIGN_IN, login=login, password=PASSWORD)


async def test_the_owner_signs_in_while_fifty_addresses_guess(graphql: Client, person: Fixture) -> None:
    assert await open_from(graphql, HOME, person.email) == []

    answers = await asyncio.gather(
        *(guess(graphql, f"203.0.113.{number % 50}", person.email) for number in range(300))
    )

    assert answers.count(WRONG) == MAX_ACCOUNT_ATTEMPTS == 20
    assert answers.count(TOO_MANY) == 280
    for login in (person.email, person.username):
        assert await open_from(graphql, HOME, login) == []
    assert await open_from(graphql, "203.0.113.200", person.email) == TOO_MANY
    assert await guess(graphql, "203.0.113.1", person.email) == TOO_MANY, "a sign-in gives no new guesses"


async def test_a_device_is_known_wherever_it_is(graphql: Client, person: Fixture) -> None:
    answer = await at(graphql, HOME)(WITH_DEVICE, login=person.email, password=PASSWORD)
    device = answer["userSignIn"]["deviceToken"]
    for number in range(25):
        await guess(graphql, f"203.0.113.{number}", person.email)
    for _ in range(15):
        await guess(graphql, HOME, person.email)

    arguments = {"login": person.email, "password": PASSWORD}
    for address in (HOME, "192.0.2.9"):
        client = at(graphql, address)
        assert await client.refusals(WITH_DEVICE, **arguments) == TOO_MANY
        assert await client.refusals(WITH_DEVICE, **arguments, device=device) == []


@pytest.mark.parametrize("token", ["noise", "access", "stranger"])
async def test_no_other_token_is_a_device_of_the_account(
    graphql: Client, save: Save, person: Fixture, token: str
) -> None:
    stranger = a_user(a_company(), hashed_password=HASHED)
    await save(stranger)
    signer = graphql.services.token_signer
    device = {
        "noise": "noise",
        "access": signer.access_token(person.id),
        "stranger": signer.device_token(stranger.id),
    }[token]
    for number in range(20):
        await guess(graphql, f"203.0.113.{number}", person.email)

    refused = await at(graphql, "192.0.2.1").refusals(
        WITH_DEVICE, login=person.email, password=PASSWORD, device=device
    )

    assert refused == TOO_MANY


async def test_whoever_registers_is_known_where_they_did(graphql: Client) -> None:
    email = f"{new_id().hex}@test.example"
    await at(graphql, HOME)(REGISTER, input={"email": email, "password": PASSWORD})
    for number in range(25):
        await guess(graphql, f"203.0.113.{number}", email)

    assert await open_from(graphql, HOME, email) == []


async def test_guesses_from_a_known_address_are_few_as_well(graphql: Client, person: Fixture) -> None:
    await open_from(graphql, HOME, person.email)

    answers = [await guess(graphql, HOME, person.email) for _ in range(30)]

    assert answers == [WRONG] * FREE_ATTEMPTS + [TOO_MANY] * 20


async def test_a_success_forgets_the_owners_own_slips(
    graphql: Client, onlooker: Onlooker, person: Fixture
) -> None:
    await open_from(graphql, HOME, person.email)
    for _ in range(5):
        for _ in range(9):
            assert await guess(graphql, HOME, person.email) == WRONG
        assert await open_from(graphql, HOME, person.email) == []


@pytest.mark.parametrize("kind", ["known", "unknown"])
async def test_strangers_are_limited_alike_whether_the_address_exists_or_not(
    graphql: Client, person: Fixture, kind: str
) -> None:
    login = person.email if kind == "known" else f"{new_id().hex}@test.example"
    messages = []
    for number in range(22):
        client = at(graphql, f"203.0.113.{number % 4}")
        result = await client.send(SIGN_IN, login=login, password="a wrong guess")
        assert result.data is not None
        messages.append(result.data["userSignIn"]["errors"][0]["message"])

    assert len(set(messages[:20])) == 1
    assert (
        messages[20:]
        == [
            "Too many failed sign-in attempts. Try again in 60 minutes, or from a device or network that has "
            "signed in to this account before."
        ]
        * 2
    )


async def test_an_address_that_guesses_at_many_accounts_is_limited(
    graphql: Client, services: Services, onlooker: Onlooker, person: Fixture
) -> None:
    spray, other = "192.0.2.77", "192.0.2.78"
    source = sign_in_limits.Source.of(services.token_signer, sign_in_limits.Origin(spray), None)
    await onlooker.execute(
        "INSERT INTO platform.sign_in_attempts (id, login, source) "
        "SELECT gen_random_uuid(), 'somebody ' || n, $1 FROM generate_series(1, $2) AS n",
        source.digest,
        MAX_ADDRESS_ATTEMPTS,
    )

    assert await open_from(graphql, spray, person.email) == TOO_MANY
    assert await open_from(graphql, other, person.email) == []


def test_waits_grow_and_no_source_has_more_than_twenty_attempts_an_hour() -> None:
    now = start = datetime(2026, 1, 1, tzinfo=UTC)
    attempts: list[datetime] = []
    while now < start + timedelta(hours=6):
        recent = [moment for moment in attempts if moment > now - ATTEMPT_WINDOW]
        until = next_attempt_at(recent)
        if until is not None and until > now:
            now = until
            continue
        attempts.append(now)

    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(attempts)]
    assert waits[9:15] == [30, 60, 120, 240, 480, 600]
    for moment in attempts:
        assert sum(moment - ATTEMPT_WINDOW < other <= moment for other in attempts) <= MAX_ACCOUNT_ATTEMPTS


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        (None, ""),
    ],
)
def test_a_client_has_an_address_or_a_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (29.1, "30 seconds"), (60, "60 seconds"), (61, "2 minutes"), (3600, "60 minutes")],
)
def test_waits_are_worded(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
