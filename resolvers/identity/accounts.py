"""Registration, sign-in, token refresh, and the viewer of a token."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import aliased

from core.errors import Conflict, Forbidden, LimitExceeded, NotAuthenticated
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
from db.uow import Database, UnitOfWork
from resolvers import activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import passwords, refresh_tokens, users
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import TokenPair

MAX_ATTEMPTS, ATTEMPT_WINDOW = 10, timedelta(minutes=15)
WRONG_CREDENTIALS = "The login or the password is incorrect."


async def register(
    database: Database,
    signer: TokenSigner,
    *,
    email: str,
    password: str,
    full_name: str | None,
    username: str | None,
) -> TokenPair:
    """Create a user with a personal company that they administer, and sign them in."""
    passwords.validate(password, "input", "password")
    hashed_password = await passwords.hash(password)
    async with database.tenant(new_id(), kind="platform") as uow:
        await users.insert_company(uow, f"Personal {uow.company_id}", CompanyKind.PERSONAL)
        user = await users.insert_user(
            uow,
            email=validators.email(email, "input", "email"),
            role=RoleName.ADMIN,
            username=username,
            hashed_password=hashed_password,
            full_name=validators.optional(full_name, "input", "fullName"),
            last_login_at=func.now(),
        )
        await uow.execute(
            update(Company).where(Company.id == uow.company_id).values(name=f"Personal: {user.username}")
        )
        await activity_log.record(uow, user.id, "USER_REGISTER", "User", user.id)
        return await refresh_tokens.issue(uow, signer, user.id)


async def sign_in(database: Database, signer: TokenSigner, *, login: str, password: str) -> TokenPair:
    """Sign in by email or username. An account has at most 10 failed attempts in 15 minutes."""
    name = login.strip().lower()[:255]
    async with database.platform() as uow:
        column = User.email if "@" in name else User.username
        user = await uow.first(
            select(User.id, User.email, User.hashed_password, User.status, User.company_id, Company.is_active)
            .outerjoin(Company, Company.id == User.company_id)
            .where(column == name)
        )
        account = user.email if user else name
        await _count_attempt(uow, account)
    is_correct, rehashed = await passwords.verify(password, user.hashed_password if user else None)
    if not is_correct or user is None:
        raise NotAuthenticated(WRONG_CREDENTIALS, "input", "password")
    async with database.tenant(user.company_id, kind="platform") as uow:
        await uow.execute(delete(SignInAttempt).where(SignInAttempt.login == account))
        if user.status is UserStatus.ACTIVE and user.is_active:
            values: dict[str, Any] = {"last_login_at": func.now()} | (
                {"hashed_password": rehashed} if rehashed else {}
            )
            await uow.execute(update(User).where(User.id == user.id).values(values))
            await activity_log.record(uow, user.id, "USER_SIGN_IN", "User", user.id)
            return await refresh_tokens.issue(uow, signer, user.id)
    raise Forbidden("This account is suspended.", "input", "login")


async def _count_attempt(uow: UnitOfWork, account: str) -> None:
    """Count an attempt before the password is verified, one at a time, so that concurrency gains nothing."""
    await uow.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(account, 0))))
    since = datetime.now(UTC) - ATTEMPT_WINDOW
    recent = SignInAttempt.login == account, SignInAttempt.created_at > since
    if await uow.scalar(select(func.count()).where(*recent)) >= MAX_ATTEMPTS:
        raise LimitExceeded("Too many failed sign-in attempts. Try again in 15 minutes.", "input", "login")
    await uow.execute(insert(SignInAttempt).values(login=account))


async def refresh(database: Database, signer: TokenSigner, refresh_token: str) -> TokenPair:
    """Exchange a refresh token for a new pair. Using a refresh token twice revokes its whole family."""
    async with database.platform() as uow:
        pair = await refresh_tokens.rotate(uow, signer, refresh_token)
        if pair is not None:
            await _load_viewer(uow, pair.user_id)
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
        return replace(await _load_viewer(uow, user_id), expires_at=expires_at)


async def _load_viewer(uow: UnitOfWork, user_id: UUID) -> Viewer:
    permissions = (
        select(func.array_agg(Permission.resource + ":" + Permission.action))
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .where(RolePermission.role_id == User.role_id)
        .scalar_subquery()
    )
    own = aliased(Company)
    platform = select(own.id).where(own.kind == CompanyKind.PLATFORM).scalar_subquery().label("platform_id")
    user = await uow.first(
        select(
            User.company_id,
            User.status,
            Role.name,
            Company.is_active,
            permissions.label("permissions"),
            platform,
        )
        .join(Role, Role.id == User.role_id)
        .outerjoin(Company, Company.id == User.company_id)
        .where(User.id == user_id)
    )
    if user is None or user.status is not UserStatus.ACTIVE or not user.is_active:
        raise NotAuthenticated("This account is not active.")
    granted = frozenset(user.permissions or ())
    return Viewer(user_id, user.company_id, user.name, granted, platform_id=user.platform_id)


async def create_first_admin(database: Database, email: str) -> str | None:
    """Create the platform company and its super admin; returns the password, or None if they exist."""
    async with database.platform(read_only=True) as uow:
        if await uow.scalar(select(Company.id).where(Company.kind == CompanyKind.PLATFORM)):
            return None
    password = passwords.generate()
    hashed_password = await passwords.hash(password)
    try:
        async with database.tenant(new_id(), kind="platform") as uow:
            await users.insert_company(uow, "Seshat", CompanyKind.PLATFORM)
            await users.insert_user(
                uow, email=email, role=RoleName.SUPER_ADMIN, hashed_password=hashed_password
            )
    except Conflict:
        return None  # created concurrently
    return password
