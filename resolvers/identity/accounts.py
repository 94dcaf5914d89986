"""Registration, sign-in, token refresh, and the viewer of a token."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, update
from sqlalchemy.orm import aliased

from core.errors import Conflict, Forbidden, NotAuthenticated
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import (
    Company,
    CompanyKind,
    Permission,
    RefreshToken,
    Role,
    RoleName,
    RolePermission,
    User,
    UserStatus,
)
from db.placement import Placement, place_of
from db.uow import UnitOfWork
from resolvers import activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import (
    mails,
    passwords,
    placement,
    refresh_tokens,
    second_factors,
    sign_in_limits,
    users,
)
from resolvers.identity.credentials import Credential
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import TokenPair
from resolvers.identity.sign_in_limits import UNKNOWN_ORIGIN, Origin, Source

NOT_ACTIVE = "This account is not active."
WRONG_CREDENTIALS = "The login or the password is incorrect."
CHALLENGE_OVER = "This sign-in has expired. Sign in again."
NOT_APPROVED = "This account waits for approval, or for the verification of its email address."
CLOSED = "Registration is closed. Ask an administrator for an invitation."
OTHER_DOMAIN = "Registration is open to email addresses of certain domains only. Ask for an invitation."
REGISTRATION_REFUSED = "The registration could not be completed. If you have an account, sign in."


@dataclass(frozen=True)
class Challenge:
    """What is answered to a correct password if a second factor is needed."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """What a login leads to. Without a user, its password is never correct."""

    key: str
    """Under which failed attempts are counted: the same for all logins of a user."""
    user: Any = None

    async def verify(self, password: str) -> tuple[bool, str | None]:
        """Whether the password is the user's, and a hash to store in place of an outdated one."""
        return await passwords.verify(password, self.user.hashed_password if self.user else None)


async def register(
    database: Database,
    settings: Settings,
    signer: TokenSigner,
    *,
    email: str,
    password: str,
    full_name: str | None,
    username: str | None,
    origin: Origin = UNKNOWN_ORIGIN,
) -> TokenPair | Challenge | None:
    """Create a user with a personal company that they administer, and sign them in.

    With the address and the password of an existing account, sign in. With another password, the refusal does
    not name the address, and the work is the same as for a new one. Returns None for a new user who has to
    wait for approval, or to verify the address. Raises `Forbidden` if `REGISTRATION` does not admit them.
    """
    passwords.validate(password, "input", "password")
    address = validators.email(email, "input", "email")
    status = _status_of_registration(settings, address)
    name = validators.optional(full_name, "input", "fullName")
    hashed_password = await passwords.hash(password)
    async with database.platform() as uow:
        if username is not None:  # before the address is looked up: a taken username says nothing about it
            await users.require_free_username(uow, username)
        account = await _find_account(uow, User.email, address)
        source = await _count_attempt(uow, signer, account, origin, "email")
    is_correct, rehashed = await account.verify(password)
    if account.user is not None:
        if not is_correct:
            raise NotAuthenticated(REGISTRATION_REFUSED, "input")
        return await _open_session(database, signer, account, source, origin, rehashed)
    company_id, server = new_id(), placement.default_server(settings)
    async with (
        placement.new_place(database, settings, company_id, server) as new,
        database.tenant(company_id, kind="platform") as uow,
    ):
        await users.insert_company(uow, f"Personal {company_id}", CompanyKind.PERSONAL, new=new)
        try:
            user = await users.insert_user(
                uow,
                email=address,
                role=RoleName.ADMIN,
                username=username,
                hashed_password=hashed_password,
                full_name=name,
                status=status,
                last_login_at=func.now() if status is UserStatus.ACTIVE else None,
            )
        except users.EmailTaken:  # registered concurrently
            raise NotAuthenticated(REGISTRATION_REFUSED, "input") from None
        await uow.execute(
            update(Company).where(Company.id == uow.company_id).values(name=f"Personal: {user.username}")
        )
        await sign_in_limits.forget_attempts(uow, account.key, source)
        await sign_in_limits.remember_source(uow, user.id, source)
        await activity_log.record(uow, user.id, "USER_REGISTER", "User", user.id)
        if status is UserStatus.PENDING:
            await mails.enqueue_verification(uow, settings, address, user.id)
            return None
        return await refresh_tokens.issue(uow, signer, user.id, origin)


def _status_of_registration(settings: Settings, email: str) -> UserStatus:
    if settings.registration_mode == "closed":
        raise Forbidden(CLOSED, "input")
    if settings.registration_mode == "domains" and not settings.is_registered_domain(email):
        raise Forbidden(OTHER_DOMAIN, "input", "email")
    return UserStatus.ACTIVE if settings.registration_mode == "open" else UserStatus.PENDING


async def sign_in(
    database: Database, signer: TokenSigner, *, login: str, password: str, origin: Origin = UNKNOWN_ORIGIN
) -> TokenPair | Challenge:
    """Sign in by email or username. Failed attempts are limited by account and source together.

    Unknown logins are refused, counted and limited like known ones, with the same work.
    """
    name = login.strip().lower()[:255]
    async with database.platform() as uow:
        account = await _find_account(uow, User.email if "@" in name else User.username, name)
        source = await _count_attempt(uow, signer, account, origin, "login")
    is_correct, rehashed = await account.verify(password)
    if not is_correct:
        raise NotAuthenticated(WRONG_CREDENTIALS, "input", "password")
    return await _open_session(database, signer, account, source, origin, rehashed)


async def _find_account(uow: UnitOfWork, column: Any, name: str) -> Account:
    user = await uow.first(
        select(User.id, User.email, User.hashed_password, User.status, User.company_id, Company.is_active)
        .outerjoin(Company, Company.id == User.company_id)
        .where(column == name)
    )
    return Account(user.email if user else name, user)


async def verify_password(
    database: Database,
    signer: TokenSigner,
    user_id: UUID,
    password: str,
    origin: Origin,
    field: str,
    *,
    is_complete: bool = True,
) -> bool:
    """Whether this is the password of a signed-in user. Wrong ones count as failed sign-ins.

    Unless it is complete, a code is needed too: correct passwords count as well, so that nobody guesses it.
    """
    async with database.platform() as uow:
        email = await uow.scalar(select(User.email).where(User.id == user_id))
        account = await _find_account(uow, User.email, email)
        source = await _count_attempt(uow, signer, account, origin, field)
    is_correct, _ = await account.verify(password)
    if is_correct and is_complete:
        async with database.platform() as uow:
            await sign_in_limits.forget_attempts(uow, account.key, source)
    return is_correct


async def verify_second_factor(
    database: Database,
    settings: Settings,
    signer: TokenSigner,
    *,
    challenge: str,
    code: str,
    origin: Origin = UNKNOWN_ORIGIN,
) -> TokenPair:
    """Sign in by the second factor. Wrong codes count as failed sign-ins."""
    user_id = signer.verify_challenge(challenge)
    if user_id is None:
        raise NotAuthenticated(CHALLENGE_OVER, "input", "challenge")
    async with database.platform() as uow:
        email = await uow.scalar(select(User.email).where(User.id == user_id))
        account = await _find_account(uow, User.email, email)
        source = await _count_attempt(uow, signer, account, origin, "code")
    if account.user is None or account.user.company_id is None:
        raise NotAuthenticated(CHALLENGE_OVER, "input", "challenge")
    async with database.platform() as uow:
        await second_factors.verify(uow, settings, user_id, code)
    tokens = await _open_session(database, signer, account, source, origin, is_complete=True)
    assert isinstance(tokens, TokenPair)
    return tokens


async def _open_session(
    database: Database,
    signer: TokenSigner,
    account: Account,
    source: Source,
    origin: Origin,
    rehashed: str | None = None,
    *,
    is_complete: bool = False,
) -> TokenPair | Challenge:
    """Sign in after the password is verified, unless a second factor is still needed.

    Who knows the password is told that the account is suspended. Failed attempts are forgotten only when
    nothing more is needed, so that a known password does not help to guess codes.
    """
    user = account.user
    async with database.tenant(user.company_id, kind="platform") as uow:
        is_active = user.status is UserStatus.ACTIVE and user.is_active
        if is_active and not is_complete and await second_factors.is_enrolled(uow, user.id):
            return Challenge(signer.challenge_token(user.id))
        await sign_in_limits.forget_attempts(uow, account.key, source)
        if is_active:
            values: dict[str, Any] = {"last_login_at": func.now()} | (
                {"hashed_password": rehashed} if rehashed else {}
            )
            await uow.execute(update(User).where(User.id == user.id).values(values))
            await sign_in_limits.remember_source(uow, user.id, source)
            await activity_log.record(uow, user.id, "USER_SIGN_IN", "User", user.id)
            return await refresh_tokens.issue(uow, signer, user.id, origin)
    if user.status is UserStatus.PENDING:
        raise Forbidden(NOT_APPROVED, "input", "login")
    raise Forbidden("This account is suspended.", "input", "login")


async def _count_attempt(
    uow: UnitOfWork, signer: TokenSigner, account: Account, origin: Origin, field: str
) -> Source:
    user_id = account.user.id if account.user else None
    source = Source.of(signer, origin, user_id)
    await sign_in_limits.count_attempt(uow, account.key, user_id, source, field)
    return source


async def refresh(
    database: Database, signer: TokenSigner, refresh_token: str, origin: Origin = UNKNOWN_ORIGIN
) -> TokenPair:
    """Exchange a refresh token for a new pair. Using one again later revokes its whole family."""
    began_at = datetime.now(UTC)
    async with database.platform() as uow:
        pair = await refresh_tokens.rotate(uow, signer, refresh_token, began_at, origin)
        if pair is not None:
            await _load_viewer(uow, Credential(pair.user_id), database.placement)
    if pair is None:
        raise NotAuthenticated(
            "This refresh token has already been used. Sign in again.", "input", "refreshToken"
        )
    return pair


async def sign_out(database: Database, viewer: Viewer, refresh_token: str | None) -> None:
    """Revoke the refresh token's family, or without one all families of the viewer."""
    async with database.transaction(replace(viewer.scope, kind="platform")) as uow:
        if refresh_token is None:
            await refresh_tokens.revoke_all(uow, viewer.user_id)
        elif family := await refresh_tokens.find_family(uow, viewer.user_id, refresh_token):
            await refresh_tokens.revoke(uow, family)
        await activity_log.record(uow, viewer.user_id, "USER_SIGN_OUT", "User", viewer.user_id)


async def load_viewer(database: Database, user_id: UUID, expires_at: datetime | None) -> Viewer:
    """The user as a viewer without a session. Raises `NotAuthenticated` for suspended or deleted users."""
    async with database.platform(read_only=True) as uow:
        viewer = await _load_viewer(uow, Credential(user_id), database.placement)
        return replace(viewer, expires_at=expires_at)


async def _load_viewer(uow: UnitOfWork, credential: Credential, placement: Placement) -> Viewer:
    viewer = (await load_viewers(uow, [credential], placement)).get(credential)
    if viewer is None:
        raise NotAuthenticated(NOT_ACTIVE)
    return viewer


async def load_viewers(
    uow: UnitOfWork, credentials: Collection[Credential], placement: Placement | None = None
) -> dict[Credential, Viewer]:
    """The viewers of credentials: those of active users whose sessions have not ended.

    By one statement, which finds their companies too.
    """
    changes = placement.changes if placement else 0
    ids = {credential.user_id for credential in credentials}
    permissions = (
        select(func.array_agg(Permission.resource + ":" + Permission.action))
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .where(RolePermission.role_id == User.role_id)
        .scalar_subquery()
    )
    own = aliased(Company)
    platform = select(own.id).where(own.kind == CompanyKind.PLATFORM).scalar_subquery().label("platform_id")
    sessions = {credential.session_id for credential in credentials} - {None}
    ended = (
        select(func.array_agg(RefreshToken.family.distinct()))
        .where(
            RefreshToken.family == any_(bindparam("sessions", list(sessions), type_=ARRAY(Uuid))),
            RefreshToken.revoked_at.is_not(None),
        )
        .scalar_subquery()
    )
    users = await uow.all(
        select(
            User.id,
            User.company_id,
            Role.name,
            permissions.label("permissions"),
            platform,
            ended.label("ended"),
            Company.database_server,
            Company.database_name,
        )
        .join(Role, Role.id == User.role_id)
        .join(Company, Company.id == User.company_id)
        .where(
            User.id == any_(bindparam("ids", list(ids), type_=ARRAY(Uuid))),
            User.status == UserStatus.ACTIVE,
            Company.is_active,
        )
    )
    if placement is not None:
        for user in users:
            placement.remember(user.company_id, place_of(user), changes)
    found = {user.id: user for user in users}
    ended_sessions = {session for user in users[:1] for session in user.ended or ()}
    return {
        credential: Viewer(
            user.id,
            user.company_id,
            user.name,
            frozenset(user.permissions or ()),
            platform_id=user.platform_id,
            session_id=credential.session_id,
        )
        for credential in credentials
        if (user := found.get(credential.user_id)) and credential.session_id not in ended_sessions
    }


async def create_first_admin(database: Database, settings: Settings, email: str) -> str | None:
    """Create the platform company and its super admin; returns the password, or None if they exist."""
    async with database.platform(read_only=True) as uow:
        if await uow.scalar(select(Company.id).where(Company.kind == CompanyKind.PLATFORM)):
            return None
    password = passwords.generate()
    hashed_password = await passwords.hash(password)
    company_id, server = new_id(), placement.default_server(settings)
    try:
        async with (
            placement.new_place(database, settings, company_id, server) as new,
            database.tenant(company_id, kind="platform") as uow,
        ):
            await users.insert_company(uow, "Seshat", CompanyKind.PLATFORM, new=new)
            await users.insert_user(
                uow, email=email, role=RoleName.SUPER_ADMIN, hashed_password=hashed_password
            )
    except Conflict:
        return None  # created concurrently
    return password
