"""Users: creating, updating, suspending and restoring them."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count, islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from core.errors import Conflict, Forbidden, Invalid
from db.databases.changes import NewDatabase
from db.ids import new_id
from db.models import Company, CompanyKind, Role, RoleName, User, UserStatus
from db.outbox import send
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import mails, passwords, refresh_tokens
from resolvers.identity.members import AddMember, AddTenant
from resolvers.identity.roles import outranks
from resolvers.rows import update_row

NAME_TAKEN = "A company with this name already exists."
USERNAME_TAKEN = "A user with this username already exists."
EMAIL_TAKEN = "A user with this email address already exists."
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,98}")
USERNAME_RULE = "username must start with a letter or digit and contain only letters, digits and ._-"
MAX_NUMBERED_USERNAMES = 20


class EmailTaken(Conflict):
    """A user with this email address exists, in this or another company."""


async def insert_user(
    uow: UnitOfWork,
    *,
    email: str,
    role: RoleName,
    username: str | None = None,
    hashed_password: str | None = None,
    full_name: str | None = None,
    **columns: Any,
) -> User:
    """Insert a user of the unit's company, and their member row.

    `username` defaults to the email's local part, with `-2`, `-3` … if that is taken. Raises `EmailTaken`,
    or `Conflict` if the requested username is taken.
    """
    name = None if username is None else _check_username(username)
    if await uow.scalar(select(User.id).where(User.email == email)):
        raise EmailTaken(EMAIL_TAKEN, "input", "email")
    role_id = await uow.scalar(select(Role.id).where(Role.name == role))
    values = {
        "email": email,
        "hashed_password": hashed_password,
        "full_name": full_name,
        "company_id": uow.company_id,
        "role_id": role_id,
        **columns,
    }
    try:
        user = await _insert_named(uow, values, name)
    except IntegrityError as error:
        raise EmailTaken(EMAIL_TAKEN, "input", "email") from error
    await send(uow, AddMember(user.id))
    return user


async def insert_company(
    uow: UnitOfWork,
    name: str,
    kind: CompanyKind,
    industry: str | None = None,
    *,
    new: NewDatabase | None = None,
) -> Company:
    """Insert the unit's company and its tenant row, placed in the new database if it has one.

    Raises `Conflict` if the name is taken.
    """
    values = {"id": uow.company_id, "name": name, "kind": kind, "industry": industry}
    if new is not None:
        values |= {"database_server": new.place.server, "database_name": new.place.database}
        await new.settle(uow)
    statement = insert(Company).values(values).on_conflict_do_nothing().returning(Company)
    company = await uow.first(statement)
    if company is None:
        raise Conflict(NAME_TAKEN, "input", "name")
    await send(uow, AddTenant(uow.company_id))
    return company


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    email: str,
    role: RoleName,
    password: str | None,
    username: str | None = None,
    full_name: str | None = None,
    profession: str | None = None,
) -> User:
    """Create a user of the unit's company. The role must not exceed the viewer's own."""
    access.require(viewer, "users:create")
    require_assignable(viewer, role)
    hashed_password = None
    if password is not None:
        passwords.validate(password, "input", "password")
        hashed_password = await passwords.hash(password)
    user = await insert_user(
        uow,
        email=validators.email(email, "input", "email"),
        role=role,
        username=username,
        hashed_password=hashed_password,
        **validators.values(User, {"full_name": full_name, "profession": profession}, "input"),
    )
    logged = {"role": role.value, **activity_log.outsider(uow, viewer)}
    user_id = activity_log.requester_id(uow, viewer)
    await activity_log.record(uow, user_id, "USER_CREATE", "User", user.id, **logged)
    return user


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, changes: Mapping[str, Any]) -> User:
    """Update a user. Users may update themselves except for their role; the rest requires `users:update`."""
    user = await access.find(uow, viewer, User, id, lock=True)
    if user.id != viewer.user_id or "role" in changes:
        access.require(viewer, "users:update")
        await _require_outranked(uow, viewer, user)
    values = validators.values(User, changes, "input")
    if "preferences" in values:
        validators.json_object(values["preferences"], "input", "preferences")
    if "role" in values:
        role = values.pop("role")
        require_assignable(viewer, role)
        if user.id == viewer.user_id and role is not viewer.role:
            raise Forbidden("You cannot change your own role.", "input", "role")
        values["role_id"] = await uow.scalar(select(Role.id).where(Role.name == role))
    return await update_row(
        uow, viewer, User, user, values, "USER_UPDATE", fields=changes, topic=f"user:{id}"
    )


async def suspend(uow: UnitOfWork, viewer: Viewer, id: UUID) -> User:
    """Sign a user out everywhere and refuse new sign-ins. No effect on a suspended user."""
    user = await _find_managed(uow, viewer, id)
    if id == viewer.user_id:
        raise Conflict("You cannot suspend your own account.", "id")
    await refresh_tokens.revoke_all(uow, id)
    return await _set_status(uow, viewer, user, UserStatus.SUSPENDED, "USER_SUSPEND")


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> User:
    """Allow a suspended user to sign in again."""
    user = await _find_managed(uow, viewer, id)
    if user.status is UserStatus.PENDING:
        raise Conflict("This user is not suspended. Use userApprove.", "id")
    return await _set_status(uow, viewer, user, UserStatus.ACTIVE, "USER_RESTORE")


async def approve(uow: UnitOfWork, viewer: Viewer, id: UUID) -> User:
    """Let a user sign in whose registration waits for it. No effect on an active user."""
    access.require(viewer, "platform:manage")
    user = await access.find(uow, viewer, User, id, lock=True)
    if user.status is UserStatus.SUSPENDED:
        raise Conflict("This user is suspended. Use userRestore.", "id")
    if user.status is UserStatus.PENDING:
        await mails.enqueue(uow, "registration_approved", id)
    return await _set_status(uow, viewer, user, UserStatus.ACTIVE, "USER_APPROVE")


async def _find_managed(uow: UnitOfWork, viewer: Viewer, id: UUID) -> User:
    user = await access.find(uow, viewer, User, id, lock=True)
    access.require(viewer, "users:update")
    await _require_outranked(uow, viewer, user)
    return user


async def _set_status(uow: UnitOfWork, viewer: Viewer, user: User, status: UserStatus, action: str) -> User:
    values = {} if user.status is status else {"status": status}
    return await update_row(uow, viewer, User, user, values, action, fields=(), topic=f"user:{user.id}")


def require_assignable(viewer: Viewer, role: RoleName) -> None:
    """Raise `Forbidden` for a role above the viewer's own."""
    if not outranks(viewer.role, role):
        raise Forbidden(
            f"Your role, {viewer.role.value}, cannot assign the role {role.value}.", "input", "role"
        )


async def _require_outranked(uow: UnitOfWork, viewer: Viewer, user: User) -> None:
    role = await uow.scalar(select(Role.name).where(Role.id == user.role_id))
    if not outranks(viewer.role, role):
        raise Forbidden(f"Your role, {viewer.role.value}, cannot manage a {role.value}.", "id")


async def _insert_named(uow: UnitOfWork, values: dict[str, Any], username: str | None) -> User:
    """Insert the user with the first free username. Users of other companies are invisible, but conflict."""
    names = await _usernames(uow, values["email"]) if username is None else [username]
    for name in names:
        row = insert(User).values({"id": new_id(), "username": name, **values})
        statement = row.on_conflict_do_nothing(index_elements=[User.username]).returning(User)
        if user := await uow.first(statement):
            return user
    raise Conflict(USERNAME_TAKEN, "input", "username")


async def require_free_username(uow: UnitOfWork, username: str) -> None:
    """Raise `Invalid` or `Conflict` unless the username is valid and free."""
    if await uow.scalar(select(User.id).where(User.username == _check_username(username))):
        raise Conflict(USERNAME_TAKEN, "input", "username")


def _check_username(username: str) -> str:
    name = validators.name(username, "input", "username", limit=99).lower()
    if not USERNAME.fullmatch(name):
        raise Invalid(
            USERNAME_RULE,
            "input",
            "username",
        )
    return name


async def _usernames(uow: UnitOfWork, email: str) -> Iterable[str]:
    """Candidates: the email's local part, then with `-2`, `-3` …, then with a random suffix."""
    base = re.sub(r"[^a-z0-9._-]+", "-", email.split("@")[0].lower()).strip("._-")[:80] or "user"
    statement = select(User.username).where(func.starts_with(User.username, base))
    taken = {row.username for row in await uow.all(statement)}
    numbered = (base if number == 1 else f"{base}-{number}" for number in count(1))
    free = (name for name in numbered if name not in taken)
    return chain(islice(free, MAX_NUMBERED_USERNAMES), [f"{base}-{new_id().hex[-12:]}"])
