"""Registration, sign-in, token refresh, and the viewer of a token."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import aliased

from core.errors import Conflict, Forbidden, LimitExceeded, NotAuthenticated
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.models import (
    Company,
    CompanyKind,
    Permission,
    Role,
    RoleName,
    RolePermission,
    SignInAttempt,
    User,
    UserStatus,
)
from db.placement import Placement, place_of
from db.uow import UnitOfWork
from resolvers import activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import passwords, placement, refresh_tokens, users
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import TokenPair

MAX_ATTEMPTS, ATTEMPT_WINDOW = 10, timedelta(minutes=15)
NOT_ACTIVE = "This account is not active."
WRONG_CREDENTIALS = "The login or the password is incorrect."
REGISTRATION_REFUSED = "The registration could not be completed. If you have an account, sign in."


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
) -> TokenPair:
    """Create a user with a personal company that they administer, and sign them in.

    With the address and the password of an existing account, sign in. With another password, the refusal does
    not name the address, and the work is the same as for a new one.
    """
    passwords.validate(password, "input", "password")
    address = validators.email(email, "input", "email")
    name = validators.optional(full_name, "input", "fullName")
    hashed_password = await passwords.hash(password)
    async with database.platform() as uow:
        if username is not None:  # before the address is looked up: a taken username says nothing about it
            await users.require_free_username(uow, username)
        account = await _find_account(uow, User.email, address)
        await _count_attempt(uow, account.key, "email")
    is_correct, rehashed = await account.verify(password)
    if account.user is not None:
        if not is_correct:
            raise NotAuthenticated(REGISTRATION_REFUSED, "input")
        return await _open_session(database, signer, account, rehashed)
    company_id, server = new_id(), placement.default_server(settings)
    async with (
        placement.new_place(database, settings, company_id, server) as new,
        database.tenant(company_id, kind="platform") as uow,
    ):
        await uow.execute(delete(SignInAttempt).where(SignInAttempt.login == account.key))
        await users.insert_company(uow, f"Personal {company_id}", CompanyKind.PERSONAL, new=new)
        try:
            user = await users.insert_user(
                uow,
                email=address,
                role=RoleName.ADMIN,
                username=username,
                hashed_password=hashed_password,
                full_name=name,
                last_login_at=func.now(),
            )
        except users.EmailTaken:  # registered concurrently
            raise NotAuthenticated(REGISTRATION_REFUSED, "input") from None
        await uow.execute(
            update(Company).where(Company.id == uow.company_id).values(name=f"Personal: {user.username}")
        )
        await activity_log.record(uow, user.id, "USER_REGISTER", "User", user.id)
        return await refresh_tokens.issue(uow, signer, user.id)


async def sign_in(database: Database, signer: TokenSigner, *, login: str, password: str) -> TokenPair:
    """Sign in by email or username. A login has at most 10 failed attempts in 15 minutes.

    Unknown logins are refused, counted and locked like known ones, with the same work.
    """
    name = login.strip().lower()[:255]
    async with database.platform() as uow:
        account = await _find_account(uow, User.email if "@" in name else User.username, name)
        await _count_attempt(uow, account.key, "login")
    is_correct, rehashed = await account.verify(password)
    if not is_correct:
        raise NotAuthenticated(WRONG_CREDENTIALS, "input", "password")
    return await _open_session(database, signer, account, rehashed)


async def _find_account(uow: UnitOfWork, column: Any, name: str) -> Account:
    user = await uow.first(
        select(User.id, User.email, User.hashed_password, User.status, User.company_id, Company.is_active)
        .outerjoin(Company, Company.id == User.company_id)
        .where(column == name)
    )
    return Account(user.email if user else name, user)


async def _open_session(
    database: Database, signer: TokenSigner, account: Account, rehashed: str | None
) -> TokenPair:
    """Sign in after the password is verified. Who knows it is told that the account is suspended."""
    user = account.user
    async with database.tenant(user.company_id, kind="platform") as uow:
        await uow.execute(delete(SignInAttempt).where(SignInAttempt.login == account.key))
        if user.status is UserStatus.ACTIVE and user.is_active:
            values: dict[str, Any] = {"last_login_at": func.now()} | (
                {"hashed_password": rehashed} if rehashed else {}
            )
            await uow.execute(update(User).where(User.id == user.id).values(values))
            await activity_log.record(uow, user.id, "USER_SIGN_IN", "User", user.id)
            return await refresh_tokens.issue(uow, signer, user.id)
    raise Forbidden("This account is suspended.", "input", "login")


async def _count_attempt(uow: UnitOfWork, account: str, field: str) -> None:
    """Count an attempt before the password is verified, one at a time, so that concurrency gains nothing."""
    await uow.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(account, 0))))
    since = datetime.now(UTC) - ATTEMPT_WINDOW
    recent = SignInAttempt.login == account, SignInAttempt.created_at > since
    if await uow.scalar(select(func.count()).where(*recent)) >= MAX_ATTEMPTS:
        raise LimitExceeded("Too many failed sign-in attempts. Try again in 15 minutes.", "input", field)
    await uow.execute(insert(SignInAttempt).values(login=account))


async def refresh(database: Database, signer: TokenSigner, refresh_token: str) -> TokenPair:
    """Exchange a refresh token for a new pair. Using a refresh token twice revokes its whole family."""
    async with database.platform() as uow:
        pair = await refresh_tokens.rotate(uow, signer, refresh_token)
        if pair is not None:
            await _load_viewer(uow, pair.user_id, database.placement)
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
    """The viewer of a token. Raises `NotAuthenticated` for suspended or deleted users."""
    async with database.platform(read_only=True) as uow:
        return replace(await _load_viewer(uow, user_id, database.placement), expires_at=expires_at)


async def _load_viewer(uow: UnitOfWork, user_id: UUID, placement: Placement) -> Viewer:
    viewer = (await load_viewers(uow, [user_id], placement)).get(user_id)
    if viewer is None:
        raise NotAuthenticated(NOT_ACTIVE)
    return viewer


async def load_viewers(
    uow: UnitOfWork, ids: Collection[UUID], placement: Placement | None = None
) -> dict[UUID, Viewer]:
    """The viewers among users: those who are active. By one statement, which finds their companies too."""
    changes = placement.changes if placement else 0
    permissions = (
        select(func.array_agg(Permission.resource + ":" + Permission.action))
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .where(RolePermission.role_id == User.role_id)
        .scalar_subquery()
    )
    own = aliased(Company)
    platform = select(own.id).where(own.kind == CompanyKind.PLATFORM).scalar_subquery().label("platform_id")
    users = await uow.all(
        select(
            User.id,
            User.company_id,
            Role.name,
            permissions.label("permissions"),
            platform,
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
    return {
        user.id: Viewer(
            user.id,
            user.company_id,
            user.name,
            frozenset(user.permissions or ()),
            platform_id=user.platform_id,
        )
        for user in users
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
