"""`seshat user`: operators create and suspend users, and reset passwords."""

from argparse import Namespace

import pytest

from core.settings import Settings
from db.ids import new_id
from schema.framework.context import Services
from server.cli import parser
from server.commands import user
from server.commands.user import UserRefused
from tests.factories import Fixture
from tests.graphql_client import Client
from tests.identity.conftest import PASSWORD, REFRESH, SIGN_IN, WRONG, signed_in


def options(*arguments: str) -> Namespace:
    """The parsed arguments of `seshat user`."""
    return parser().parse_args(["user", *arguments])


async def run(settings: Settings, *arguments: str) -> None:
    """Runs the command."""
    await user.run_action(settings, options(*arguments))


async def test_an_operator_creates_a_user(
    graphql: Client, services: Services, person: Fixture, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{new_id().hex}@test.example"

    await run(services.settings, "create", address, "--company", str(person.company.id), "--role", "admin")

    printed = capsys.readouterr().out
    assert printed.startswith(f"{address} is admin of {person.company.name}. Password: ")
    password = printed.rpartition(" ")[2].strip()
    assert await graphql.refusals(SIGN_IN, login=address, password=password) == []


async def test_an_operator_resets_a_password_and_ends_all_sessions(
    graphql: Client, services: Services, person: Fixture, capsys: pytest.CaptureFixture[str]
) -> None:
    old = await signed_in(graphql, person)

    await run(services.settings, "reset-password", person.email)

    password = capsys.readouterr().out.rpartition(" ")[2].strip()
    assert await graphql.refusals(REFRESH, token=old["refreshToken"]) != []
    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == WRONG
    assert await graphql.refusals(SIGN_IN, login=person.email, password=password) == []


async def test_an_operator_suspends_a_user(graphql: Client, services: Services, person: Fixture) -> None:
    await run(services.settings, "suspend", person.email)

    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == [
        ("FORBIDDEN", ("input", "login"))
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("suspend", "nobody@test.example"), "no user of a company has the address nobody@test.example"),
        (("create", "new@test.example", "--company", "none"), "no companies are called none: give an ID"),
        (("suspend", "nobody"), "email must be an email address."),
    ],
)
async def test_what_is_not_there_is_refused(
    services: Services, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserRefused, match=message):
        await run(services.settings, *arguments)
