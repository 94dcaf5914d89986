"""Registering, signing in, staying signed in, and who a token stands for."""

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
from resolvers.identity import passwords, tokens, users
from resolvers.identity.tokens import TokenPair, TokenSigner

MAX_ATTEMPTS, ATTEMPT_WINDOW = 10, timedelta(minutes=15)
WRONG_CREDENTIALS = "The login or the password is wrong."


async def register(
    database: Database,
    keys: TokenSigner,
    *,
    email: str,
    password: str,
    full_name: str | None,
    username: str | None,
) -> TokenPair:
    """A new person with a personal company, signed in. They administer that company."""
    address = validators.email(email, "input", "email")
    passwords.validate(password, "input", "password")
    display = validators.optional(full_name, "input", "fullName")
    hashed = await passwords.hash(password)
    async with database.tenant(new_id(), kind="platform") as uow:
        await users.insert_company(uow, f"Personal {uow.company_id}", CompanyKind.PERSONAL)
        user = await users.insert_user(
            uow,
            email=address,
            role=RoleName.ADMIN,
            username=username,
            hashed_password=hashed,
            full_name=display,
            last_login_at=func.now(),
        )
        await uow.execute(
            update(Company).where(Company.id == uow.company_id).values(name=f"Personal: {user.username}")
        )
        await activity_log.record(uow, user.id, "USER_REGISTER", "User", user.id)
        return await tokens.issue(uow, keys, user.id)


async def sign_in(database: Database, keys: TokenSigner, *, login: str, password: str) -> TokenPair:
    """By email or username. Ten refusals of one account in a quarter of an hour close it for a while."""
    name = login.strip().lower()[:255]
    async with database.platform() as uow:
        by = User.email if "@" in name else User.username
        found = await uow.first(
            select(User.id, User.email, User.hashed_password, User.status, User.company_id, Company.is_active)
            .outerjoin(Company, Company.id == User.company_id)
            .where(by == name)
        )
        account = found.email if found else name
        await _count_attempt(uow, account)
    right, better = await passwords.verify(password, found.hashed_password if found else None)
    if not right or found is None:
        raise NotAuthenticated(WRONG_CREDENTIALS, "input", "password")
    async with database.tenant(found.company_id, kind="platform") as uow:
        await uow.execute(delete(SignInAttempt).where(SignInAttempt.login == account))
        if found.status is UserStatus.ACTIVE and found.is_active:
            values: dict[str, Any] = {"last_login_at": func.now()} | (
                {"hashed_password": better} if better else {}
            )
            await uow.execute(update(User).where(User.id == found.id).values(values))
            await activity_log.record(uow, found.id, "USER_SIGN_IN", "User", found.id)
            return await tokens.issue(uow, keys, found.id)
    raise Forbidden("This account is suspended.", "input", "login")


async def _count_attempt(uow: UnitOfWork, account: str) -> None:
    """Counted one at a time, before the password is looked at: guessing at once gives no more guesses."""
    await uow.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(account, 0))))
    since = datetime.now(UTC) - ATTEMPT_WINDOW
    recent = SignInAttempt.login == account, SignInAttempt.created_at > since
    if await uow.scalar(select(func.count()).where(*recent)) >= MAX_ATTEMPTS:
        raise LimitExceeded("Too many wrong passwords. Try again in 15 minutes.", "input", "login")
    await uow.execute(insert(SignInAttempt).values(login=account))


async def refresh(database: Database, keys: TokenSigner, refresh_token: str) -> TokenPair:
    """A new pair of tokens; using a refresh token twice signs its whole chain out."""
    async with database.platform() as uow:
        pair = await tokens.rotate(uow, keys, refresh_token)
        if pair is not None:
            await _load_viewer(uow, pair.user_id)
    if pair is None:
        raise NotAuthenticated("This refresh token was used before; sign in again.", "input", "refreshToken")
    return pair


async def sign_out(database: Database, viewer: Viewer, refresh_token: str | None) -> None:
    """End the refresh token's chain, or without one every chain of the viewer."""
    async with database.transaction(replace(viewer.scope, kind="platform")) as uow:
        if refresh_token is None:
            await tokens.revoke_all(uow, viewer.user_id)
        elif family := await tokens.find_family(uow, viewer.user_id, refresh_token):
            await tokens.revoke(uow, family)
        await activity_log.record(uow, viewer.user_id, "USER_SIGN_OUT", "User", viewer.user_id)


async def load_viewer(database: Database, user_id: UUID, expires_at: datetime | None) -> Viewer:
    """Who a token's user is now: company, role, permissions. `Unauthenticated` if suspended or gone."""
    async with database.platform(read_only=True) as uow:
        return replace(await _load_viewer(uow, user_id), expires_at=expires_at)


async def _load_viewer(uow: UnitOfWork, user_id: UUID) -> Viewer:
    granted = (
        select(func.array_agg(Permission.resource + ":" + Permission.action))
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .where(RolePermission.role_id == User.role_id)
        .scalar_subquery()
    )
    own = aliased(Company)
    platform = select(own.id).where(own.kind == CompanyKind.PLATFORM).scalar_subquery().label("platform_id")
    user = await uow.first(
        select(User.company_id, User.status, Role.name, Company.is_active, granted.label("granted"), platform)
        .join(Role, Role.id == User.role_id)
        .outerjoin(Company, Company.id == User.company_id)
        .where(User.id == user_id)
    )
    if user is None or user.status is not UserStatus.ACTIVE or not user.is_active:
        raise NotAuthenticated("This account is not active.")
    permissions = frozenset(user.granted or ())
    return Viewer(user_id, user.company_id, user.name, permissions, platform_id=user.platform_id)


async def create_first_admin(database: Database, email: str) -> str | None:
    """Make the platform's company and its super admin; the generated password, or None if they exist."""
    async with database.platform(read_only=True) as uow:
        if await uow.scalar(select(Company.id).where(Company.kind == CompanyKind.PLATFORM)):
            return None
    password = passwords.generate()
    hashed = await passwords.hash(password)
    try:
        async with database.tenant(new_id(), kind="platform") as uow:
            await users.insert_company(uow, "Seshat", CompanyKind.PLATFORM)
            await users.insert_user(uow, email=email, role=RoleName.SUPER_ADMIN, hashed_password=hashed)
    except Conflict:
        return None  # another process was faster
    return password
