"""People: adding them to a company, changing them, letting them go."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import Conflict, Forbidden, Invalid
from db.events import publish
from db.ids import new_id
from db.models import Company, CompanyKind, Member, Role, RoleName, Tenant, User, UserStatus
from db.uow import UnitOfWork
from resolvers import access, activity, checks
from resolvers.access import Viewer
from resolvers.identity import passwords, tokens
from resolvers.identity.roles import outranks

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,98}")


async def insert_user(
    uow: UnitOfWork,
    *,
    email: str,
    role: RoleName,
    username: str | None = None,
    hashed_password: str | None = None,
    full_name: str | None = None,
    **more: Any,
) -> Row[Any]:
    """A user of the unit's company and their projection into it.

    Without a `username` it is the email's local part, with `-2`, `-3` … where that is taken. `Conflict` if
    the email, or the wanted username, is taken.
    """
    if await uow.scalar(select(User.id).where(User.email == email)):
        raise Conflict("Somebody has this email address already.", "input", "email")
    role_id = await uow.scalar(select(Role.id).where(Role.name == role))
    values = {
        "id": new_id(),
        "email": email,
        "username": await _free_username(uow, email, username),
        "hashed_password": hashed_password,
        "full_name": full_name,
        "company_id": uow.company_id,
        "role_id": role_id,
        **more,
    }
    try:
        user = await uow.one(insert(User).values(values).returning(User))
    except IntegrityError as error:
        raise Conflict("Somebody has this email address or username already.", "input", "email") from error
    await uow.execute(insert(Member).values(id=user.id))
    return user


async def insert_company(
    uow: UnitOfWork, name: str, kind: CompanyKind, industry: str | None = None
) -> Row[Any]:
    """The unit's company and its anchor; `Conflict` if the name is taken."""
    if await uow.scalar(select(Company.id).where(Company.name == name)):
        raise Conflict("A company has this name already.", "input", "name")
    values = {"id": uow.company_id, "name": name, "kind": kind, "industry": industry}
    company = await uow.one(insert(Company).values(values).returning(Company))
    await uow.execute(insert(Tenant).values(company_id=uow.company_id))
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
) -> Row[Any]:
    """Add a person to the unit's company. Nobody gives a role above their own."""
    access.require(viewer, "users:create")
    _may_give(viewer, role)
    hashed = None
    if password is not None:
        passwords.check(password, "input", "password")
        hashed = await passwords.hash(password)
    user = await insert_user(
        uow,
        email=checks.email(email, "input", "email"),
        role=role,
        username=username,
        hashed_password=hashed,
        full_name=checks.optional(full_name, "input", "fullName"),
        profession=checks.optional(profession, "input", "profession", limit=100),
    )
    await activity.record(uow, actor(uow, viewer), "USER_CREATE", "User", user.id, role=role.value)
    return user


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Change a person. Their own names and preferences everybody may; the rest is for who manages people."""
    user = await access.find(uow, viewer, User, id, lock=True)
    if user.id != viewer.user_id or {"role", "status"} & given.keys():
        access.require(viewer, "users:update")
        await _may_manage(uow, viewer, user)
    values = {
        name: check(value, "input", _camel(name))
        for name, check in PROFILE.items()
        if name in given
        for value in (given[name],)
    }
    for name in ("preferences", "preferred_llm", "explainability_level", "has_completed_onboarding"):
        if name in given:
            if given[name] is None:
                raise Invalid("This cannot be cleared.", "input", _camel(name))
            values[name] = given[name]
    if "role" in given:
        _may_give(viewer, given["role"])
        if user.id == viewer.user_id and given["role"] is not viewer.role:
            raise Forbidden("Nobody changes their own role.", "input", "role")
        values["role_id"] = await uow.scalar(select(Role.id).where(Role.name == given["role"]))
    if "status" in given:
        if user.id == viewer.user_id and given["status"] is not UserStatus.ACTIVE:
            raise Conflict("Nobody suspends themselves.", "input", "status")
        values["status"] = given["status"]
    if not values:
        return user
    changed = await uow.one(update(User).where(User.id == id).values(values).returning(User))
    if values.get("status") is UserStatus.SUSPENDED:
        await tokens.revoke_all(uow, id)
    await publish(uow, f"user:{id}")
    await activity.record(uow, actor(uow, viewer), "USER_UPDATE", "User", id, fields=sorted(given))
    return changed


def actor(uow: UnitOfWork, viewer: Viewer) -> UUID | None:
    """Who acted, as the unit's company knows them: the platform's people are members of no other."""
    return viewer.user_id if uow.company_id == viewer.company_id else None


def _may_give(viewer: Viewer, role: RoleName) -> None:
    if not outranks(viewer.role, role):
        raise Forbidden(
            f"Your role, {viewer.role.value}, cannot give the role {role.value}.", "input", "role"
        )


async def _may_manage(uow: UnitOfWork, viewer: Viewer, user: Row[Any]) -> None:
    role = await uow.scalar(select(Role.name).where(Role.id == user.role_id))
    if not outranks(viewer.role, role):
        raise Forbidden(f"Your role, {viewer.role.value}, cannot manage a {role.value}.", "id")


async def _free_username(uow: UnitOfWork, email: str, wanted: str | None) -> str:
    if wanted is not None:
        name = checks.name(wanted, "input", "username", limit=99).lower()
        if not USERNAME.fullmatch(name):
            raise Invalid("A username has letters, digits, dots, dashes, underscores.", "input", "username")
        if await uow.scalar(select(User.id).where(User.username == name)):
            raise Conflict("Somebody has this username already.", "input", "username")
        return name
    base = re.sub(r"[^a-z0-9._-]+", "-", email.split("@")[0].lower()).strip("._-")[:80] or "user"
    taken = set(await _usernames(uow, base))
    return next(name for name in _numbered(base) if name not in taken)


async def _usernames(uow: UnitOfWork, base: str) -> list[str]:
    starting = select(User.username).where(func.starts_with(User.username, base))
    return [row.username for row in await uow.all(starting)]


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def _optional(limit: int) -> Any:
    return lambda value, *path: checks.optional(value, *path, limit=limit)


PROFILE = {"full_name": _optional(255), "company_label": _optional(255), "profession": _optional(100)}
