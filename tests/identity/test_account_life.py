"""Passwords, email addresses, invitations and registration, with every mail that they send."""

import asyncio
import email
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.settings import Settings
from db.ids import new_id
from db.models import RoleName
from schema.framework.context import Services
from server.embedded.postgres import with_embedded_database
from server.provider_factory import worker_services
from server.worker import Worker
from tests.conftest import People, Save
from tests.factories import Fixture, a_company, a_user
from tests.graphql_client import Client
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

NEW_PASSWORD = "another battery staple"
CHANGE = """mutation ($current: String!, $new: String!) {
  passwordChange(input: {currentPassword: $current, newPassword: $new}) {
    errors { code path message } accessToken refreshToken user { id } } }"""
REQUEST_RESET = """mutation ($email: String!) { passwordResetRequest(input: {email: $email}) {
  errors { code path } } }"""
RESET = """mutation ($token: String!, $new: String!) {
  passwordReset(input: {token: $token, newPassword: $new}) {
  errors { code path message } } }"""
REQUEST_VERIFICATION = "mutation { emailVerificationRequest { errors { code path } } }"
REQUEST_CHANGE = """mutation ($email: String!, $password: String!) {
  emailChangeRequest(input: {email: $email, password: $password}) { errors { code path } } }"""
VERIFY = "mutation ($token: String!) { emailVerify(input: {token: $token}) { errors { code path message } } }"
INVITE = """mutation ($input: InvitationCreateInput!) { invitationCreate(input: $input) {
  errors { code path } invitation { id email role status company { id } invitedBy { id } expiresAt } } }"""
ACCEPT = """mutation ($input: InvitationAcceptInput!) { invitationAccept(input: $input) {
  errors { code path message } accessToken
  user { id email emailVerifiedAt role { name } company { id } } } }"""
REVOKE = """mutation ($id: ID!) { invitationRevoke(id: $id) {
  errors { code path } invitation { status } } }"""
INVITATIONS = "{ invitations { nodes { id email status } } }"
APPROVE = "mutation ($id: ID!) { userApprove(id: $id) { errors { code path } user { status } } }"
REGISTER_PENDING = """mutation ($input: UserRegisterInput!) { userRegister(input: $input) {
  errors { code path } isPending accessToken user { id } } }"""
COMPANY = """mutation ($input: CompanyCreateInput!) { companyCreate(input: $input) {
  errors { code path } company { id } } }"""
STATUS = "{ me { email emailVerifiedAt } }"

BAD_TOKEN = [("INVALID", ("input", "token"))]


class Outbox:
    """The mails that were sent to addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def to(self, address: str) -> list[EmailMessage]:
        """Mails to an address, the first first."""
        files = sorted(self.folder.glob("*.eml"))
        mails = [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]
        return [mail for mail in mails if mail["To"] == address]

    async def wait(self, address: str, count: int = 1) -> EmailMessage:
        """The last of so many mails."""
        for _ in range(600):
            if len(self.to(address)) >= count:
                break
            await asyncio.sleep(0.1)
        found = self.to(address)
        assert len(found) == count
        return found[-1]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The plain or HTML text."""
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content


def token_in(mail: EmailMessage, page: str) -> str:
    """The token of the link, which is the same in both texts."""
    link = re.search(rf"http://127\.0\.0\.1:8000/account/{page}#token=([\w-]+)", text_of(mail))
    assert link is not None
    assert link[0] in text_of(mail, "html")
    return link[1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outbox(services: Services, platform: Fixture) -> AsyncIterator[Outbox]:
    """The outbox, with a worker that fills it."""
    work = worker_services(
        services.database,
        services.settings,
        services.store,
        services.embedders,
        services.vectors,
        services.sources,
    )
    async with Worker(work, services.events.listener, queues=("upkeep",)):
        yield Outbox(services.settings.data / "outbox")


def with_settings(graphql: Client, **settings: Any) -> Client:
    """The client of an installation with other settings."""
    changed = graphql.services.settings.model_copy(update=settings)
    return replace(graphql, services=replace(graphql.services, settings=changed))


# -- passwords


async def test_a_reset_is_the_same_work_for_every_address(
    graphql: Client, person: Fixture, platform: Fixture
) -> None:
    nobody = f"{new_id().hex}@test.example"
    await graphql(REQUEST_RESET, email=nobody)  # which finds out where the company is
    statements = []
    for address in (nobody, person.email):
        await graphql(REQUEST_RESET, email=address)
        statements.append(len(graphql.statements))

    assert statements[0] == statements[1] > 0


async def test_a_changed_password_ends_all_sessions_but_a_new_one(
    graphql: Client, person: Fixture, outbox: Outbox, onlooker: Onlooker
) -> None:
    old = await signed_in(graphql, person)

    payload = (await graphql.of(person)(CHANGE, current=PASSWORD, new=NEW_PASSWORD))["passwordChange"]

    assert await graphql.refusals(REFRESH, token=old["refreshToken"]) != []
    assert await graphql.refusals(REFRESH, token=payload["refreshToken"]) == []
    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == WRONG
    assert await graphql.refusals(SIGN_IN, login=person.email, password=NEW_PASSWORD) == []
    assert "USER_PASSWORD_CHANGE" in await activity_of(onlooker, person.id)
    mail = await outbox.wait(person.email)
    assert mail["Subject"] == "Your password was changed"
    assert "all of your sessions were ended" in text_of(mail)


@pytest.mark.parametrize(
    ("current", "new", "refusal"),
    [
        ("wrong password", NEW_PASSWORD, ("INVALID", ("input", "currentPassword"))),
        (PASSWORD, "short", ("INVALID", ("input", "newPassword"))),
    ],
)
async def test_a_refused_change_leaves_the_password(
    graphql: Client, person: Fixture, current: str, new: str, refusal: Any
) -> None:
    assert await graphql.of(person).refusals(CHANGE, current=current, new=new) == [refusal]
    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == []


async def test_a_reset_works_once_and_ends_all_sessions(
    graphql: Client, person: Fixture, outbox: Outbox
) -> None:
    old = await signed_in(graphql, person)
    await graphql(REQUEST_RESET, email=person.email.upper())
    mail = await outbox.wait(person.email)
    token = token_in(mail, "password-reset")

    assert mail["Subject"] == "Reset your password"
    await graphql(RESET, token=token, new=NEW_PASSWORD)

    assert await graphql.refusals(REFRESH, token=old["refreshToken"]) != []
    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == WRONG
    assert await graphql.refusals(SIGN_IN, login=person.email, password=NEW_PASSWORD) == []
    assert await graphql.refusals(RESET, token=token, new=PASSWORD) == BAD_TOKEN
    assert (await graphql.of(person)(STATUS))["me"]["emailVerifiedAt"] is not None


async def test_a_wrong_expired_and_used_token_are_refused_alike(
    graphql: Client, person: Fixture, outbox: Outbox, onlooker: Onlooker
) -> None:
    await graphql(REQUEST_RESET, email=person.email)
    token = token_in(await outbox.wait(person.email), "password-reset")
    await onlooker.execute(
        "UPDATE platform.one_time_tokens SET expires_at = now() WHERE email = $1", person.email
    )

    answers = [await graphql.send(RESET, token=each, new=NEW_PASSWORD) for each in (token, "x" * 43, "")]
    verified = [await graphql.send(VERIFY, token=each) for each in (token, "x" * 43)]

    assert answers[0].data == answers[1].data == answers[2].data
    assert verified[0].data == verified[1].data
    assert await graphql.refusals(RESET, token=token, new=NEW_PASSWORD) == BAD_TOKEN
    assert await graphql.refusals(SIGN_IN, login=person.email, password=PASSWORD) == []


async def test_a_reset_says_nothing_about_the_address(
    graphql: Client, person: Fixture, outbox: Outbox, onlooker: Onlooker
) -> None:
    nobody = f"{new_id().hex}@test.example"

    answers = [(await graphql.send(REQUEST_RESET, email=each)).data for each in (nobody, person.email)]

    assert answers[0] == answers[1]
    await outbox.wait(person.email)
    assert outbox.to(nobody) == []


async def test_an_address_gets_five_mails_an_hour(
    graphql: Client, person: Fixture, onlooker: Onlooker
) -> None:
    for _ in range(7):
        await graphql(REQUEST_RESET, email=person.email)

    count = "SELECT count(*) AS n FROM platform.one_time_tokens WHERE email = $1"
    assert [row["n"] for row in await onlooker.fetch(count, person.email)] == [5]


async def test_no_token_is_stored(
    graphql: Client, person: Fixture, outbox: Outbox, onlooker: Onlooker
) -> None:
    await graphql(REQUEST_RESET, email=person.email)
    token = token_in(await outbox.wait(person.email), "password-reset")

    for table in ("platform.one_time_tokens", "tenant.processing_jobs"):
        rows = await onlooker.fetch(f"SELECT CAST(t AS text) AS row FROM {table} t")
        assert rows
        assert not [row for row in rows if token in row["row"]]


# -- email addresses


async def test_an_address_is_verified_by_its_mail(graphql: Client, person: Fixture, outbox: Outbox) -> None:
    await graphql.of(person)(REQUEST_VERIFICATION)
    mail = await outbox.wait(person.email)
    token = token_in(mail, "email-verification")

    assert mail["Subject"] == "Confirm your email address"
    await graphql(VERIFY, token=token)

    assert (await graphql.of(person)(STATUS))["me"]["emailVerifiedAt"] is not None
    assert await graphql.refusals(VERIFY, token=token) == BAD_TOKEN
    assert await graphql.of(person).refusals(REQUEST_VERIFICATION) == [("CONFLICT", ())]


async def test_an_address_changes_when_the_new_one_is_verified(
    graphql: Client, person: Fixture, outbox: Outbox
) -> None:
    address = f"{new_id().hex}@test.example"
    await graphql.of(person)(REQUEST_CHANGE, email=address, password=PASSWORD)
    token = token_in(await outbox.wait(address), "email-verification")
    assert (await graphql.of(person)(STATUS))["me"]["email"] == person.email

    await graphql(VERIFY, token=token)

    assert (await graphql.of(person)(STATUS))["me"]["email"] == address
    mail = await outbox.wait(person.email)
    assert mail["Subject"] == "Your email address was changed"


async def test_an_address_of_somebody_else_cannot_be_taken(
    graphql: Client, person: Fixture, people: People, outbox: Outbox, onlooker: Onlooker
) -> None:
    other = people.admin.email

    assert await graphql.of(person).refusals(REQUEST_CHANGE, email=other, password=PASSWORD) == []
    assert await graphql.of(person).refusals(REQUEST_CHANGE, email=other, password="wrong") == [
        ("INVALID", ("input", "password"))
    ]
    await graphql(REQUEST_RESET, email=person.email)
    await outbox.wait(person.email)
    assert outbox.to(other) == []


# -- invitations


async def test_an_invited_person_joins_with_the_role(graphql: Client, people: People, outbox: Outbox) -> None:
    address = f"{new_id().hex}@test.example"
    made = await graphql.of(people.admin)(INVITE, input={"email": address, "role": "ANALYST"})
    invitation = made["invitationCreate"]["invitation"]
    mail = await outbox.wait(address)
    token = token_in(mail, "invitation")

    assert mail["Subject"] == f"Invitation to {people.admin.company.name}"
    assert people.admin.email in text_of(mail)
    assert (invitation["status"], invitation["company"]["id"]) == ("PENDING", people.admin.company.gid)
    accepted = await graphql(ACCEPT, input={"token": token, "password": PASSWORD, "fullName": "Ada"})

    user = accepted["invitationAccept"]["user"]
    assert (user["email"], user["role"]["name"]) == (address, "ANALYST")
    assert user["company"]["id"] == people.admin.company.gid
    assert user["emailVerifiedAt"] is not None
    assert await graphql.refusals(SIGN_IN, login=address, password=PASSWORD) == []
    assert await graphql.refusals(ACCEPT, input={"token": token, "password": PASSWORD}) == BAD_TOKEN
    listed = (await graphql.of(people.admin)(INVITATIONS))["invitations"]["nodes"]
    assert listed == [{"id": invitation["id"], "email": address, "status": "ACCEPTED"}]


async def test_revoked_expired_and_replaced_invitations_are_over(
    graphql: Client, people: People, outbox: Outbox, onlooker: Onlooker
) -> None:
    address, admin = f"{new_id().hex}@test.example", graphql.of(people.admin)
    ids, tokens = [], []
    for number in range(1, 4):
        made = await admin(INVITE, input={"email": address, "role": "USER"})
        ids.append(made["invitationCreate"]["invitation"]["id"])
        tokens.append(token_in(await outbox.wait(address, number), "invitation"))
    await admin(REVOKE, id=ids[2])
    other = f"{new_id().hex}@test.example"
    await admin(INVITE, input={"email": other, "role": "USER"})
    tokens.append(token_in(await outbox.wait(other), "invitation"))
    past = datetime.now(UTC) - timedelta(seconds=1)
    await onlooker.execute("UPDATE platform.invitations SET expires_at = $1 WHERE email = $2", past, other)

    for token in [*tokens, "x" * 43]:
        assert await graphql.refusals(ACCEPT, input={"token": token, "password": PASSWORD}) == BAD_TOKEN

    listed = (await admin(INVITATIONS))["invitations"]["nodes"]
    assert [each["status"] for each in listed] == ["EXPIRED", "REVOKED", "REVOKED", "REVOKED"]


async def test_an_invitation_gives_no_more_than_its_creator_has(graphql: Client, people: People) -> None:
    admin, address = graphql.of(people.admin), f"{new_id().hex}@test.example"

    for days in (0, 91):
        details = {"email": address, "role": "USER", "expiresInDays": days}
        assert await admin.refusals(INVITE, input=details) == [("INVALID", ("input", "expiresInDays"))]
    details = {"email": address, "role": "SUPER_ADMIN"}
    assert await admin.refusals(INVITE, input=details) == [("FORBIDDEN", ("input", "role"))]
    assert (await admin(INVITATIONS))["invitations"]["nodes"] == []


async def test_an_invitation_of_somebody_with_an_account_says_so_in_the_mail_only(
    graphql: Client, people: People, person: Fixture, outbox: Outbox
) -> None:
    admin = graphql.of(people.admin)

    assert await admin.refusals(INVITE, input={"email": person.email, "role": "USER"}) == []

    mail = await outbox.wait(person.email)
    assert "has an account already" in text_of(mail)
    assert "token" not in text_of(mail)


async def test_a_new_company_invites_its_administrator(
    graphql: Client, platform: Fixture, outbox: Outbox
) -> None:
    address, name = f"{new_id().hex}@test.example", f"Company {new_id().hex}"
    details = {"name": name, "administratorEmail": address}

    made = (await graphql.of(platform)(COMPANY, input=details))["companyCreate"]["company"]
    token = token_in(await outbox.wait(address), "invitation")
    user = (await graphql(ACCEPT, input={"token": token, "password": PASSWORD}))["invitationAccept"]["user"]

    assert (user["company"]["id"], user["role"]["name"]) == (made["id"], "ADMIN")


# -- registration


def somebody(domain: str = "test.example") -> dict[str, Any]:
    """Input of a registration."""
    return {"email": f"{new_id().hex}@{domain}", "password": PASSWORD}


def test_registration_is_open_in_an_embedded_installation_and_else_closed(services: Services) -> None:
    embedded = Settings(data=services.settings.data)

    assert embedded.registration_mode == "open"
    assert with_embedded_database(embedded).registration_mode == "open"
    assert Settings(database_url="postgresql://host/seshat").registration_mode == "closed"


async def test_closed_registration_admits_nobody(graphql: Client) -> None:
    closed = with_settings(graphql, registration=None)  # with a database of its own

    details = somebody()

    assert await closed.refusals(REGISTER, input=details) == [("FORBIDDEN", ("input",))]
    assert await closed.refusals(SIGN_IN, login=details["email"], password=PASSWORD) == WRONG


async def test_registration_of_domains_needs_a_verified_address(graphql: Client, outbox: Outbox) -> None:
    client = with_settings(graphql, registration="domains", registration_domains=("good.example",))
    details = somebody("good.example")

    assert await client.refusals(REGISTER, input=somebody()) == [("FORBIDDEN", ("input", "email"))]
    answer = (await client(REGISTER_PENDING, input=details))["userRegister"]
    assert (answer["isPending"], answer["accessToken"], answer["user"]) == (True, None, None)
    signing_in = {"login": details["email"], "password": PASSWORD}
    assert await client.refusals(SIGN_IN, **signing_in) == [("FORBIDDEN", ("input", "login"))]

    await client(VERIFY, token=token_in(await outbox.wait(details["email"]), "email-verification"))

    assert await client.refusals(SIGN_IN, **signing_in) == []


async def test_registration_with_approval_waits_for_it(
    graphql: Client, platform: Fixture, people: People, outbox: Outbox
) -> None:
    client, details = with_settings(graphql, registration="approval"), somebody()
    signing_in = {"login": details["email"], "password": PASSWORD}
    await client(REGISTER_PENDING, input=details)
    await client(VERIFY, token=token_in(await outbox.wait(details["email"]), "email-verification"))
    assert await client.refusals(SIGN_IN, **signing_in) == [("FORBIDDEN", ("input", "login"))]
    listing = "query ($email: String) { users(filter: {status: PENDING, email: $email}) { nodes { id } } }"
    [user] = (await client.of(platform)(listing, email=details["email"]))["users"]["nodes"]

    assert await client.of(people.admin).refusals(APPROVE, id=user["id"]) == [("FORBIDDEN", ())]
    await client.of(platform)(APPROVE, id=user["id"])

    assert await client.refusals(SIGN_IN, **signing_in) == []
    mail = await outbox.wait(details["email"], 2)
    assert mail["Subject"] == "Your registration was approved"


async def test_mails_are_for_the_account_of_the_server_only(
    graphql: Client, save: Save, outbox: Outbox
) -> None:
    person = a_user(a_company(), RoleName.USER, hashed_password=HASHED)
    await save(person)
    await graphql(REQUEST_RESET, email=person.email)
    mail = await outbox.wait(person.email)

    assert outbox.folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in outbox.folder.glob("*.eml")} == {0o600}
    assert mail["From"] == "Seshat <seshat@localhost>"
    assert mail["Message-ID"]
