"""People: adding them to a company, changing them, letting them go."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count, islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from core.errors import Conflict, Forbidden, Invalid
from db.events import publish
from db.ids import new_id
from db.models import Company, CompanyKind, Member, Role, RoleName, Tenant, User, UserStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.identity import passwords, tokens
from resolvers.identity.roles import outranks

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,98}")
MOST_TRIES = 20


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
        "email": email,
        "hashed_password": hashed_password,
        "full_name": full_name,
        "company_id": uow.company_id,
        "role_id": role_id,
        **more,
    }
    try:
        user = await _insert_named(uow, values, username)
    except IntegrityError as error:
        raise Conflict("Somebody has this email address already.", "input", "email") from error
    await uow.execute(insert(Member).values(id=user.id))
    return user


async def insert_company(
    uow: UnitOfWork, name: str, kind: CompanyKind, industry: str | None = None
) -> Row[Any]:
    """The unit's company and its anchor; `Conflict` if the name is taken."""
    values = {"id": uow.company_id, "name": name, "kind": kind, "industry": industry}
    made = insert(Company).values(values).on_conflict_do_nothing().returning(Company)
    company = await uow.first(made)
    if company is None:
        raise Conflict("A company has this name already.", "input", "name")
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
        email=validators.email(email, "input", "email"),
        role=role,
        username=username,
        hashed_password=hashed,
        full_name=validators.optional(full_name, "input", "fullName"),
        profession=validators.optional(profession, "input", "profession", limit=100),
    )
    await activity_log.record(
        uow, actor(uow, viewer), "USER_CREATE", "User", user.id, role=role.value, **outsider(uow, viewer)
    )
    return user


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Change a person. Their own names and preferences everybody may; the rest is for who manages people."""
    user = await access.find(uow, viewer, User, id, lock=True)
    if user.id != viewer.user_id or "role" in given:
        access.require(viewer, "users:update")
        await _may_manage(uow, viewer, user)
    values = {
        name: check(value, "input", validators.camel(name))
        for name, check in PROFILE.items()
        if name in given
        for value in (given[name],)
    }
    for name in ("preferences", "preferred_llm", "explainability_level", "has_completed_onboarding"):
        if name in given:
            if given[name] is None:
                raise Invalid("This cannot be cleared.", "input", validators.camel(name))
            values[name] = given[name]
    if "preferences" in values:
        validators.document(values["preferences"], "input", "preferences")
    if "role" in given:
        _may_give(viewer, given["role"])
        if user.id == viewer.user_id and given["role"] is not viewer.role:
            raise Forbidden("Nobody changes their own role.", "input", "role")
        values["role_id"] = await uow.scalar(select(Role.id).where(Role.name == given["role"]))
    if not values:
        return user
    changed = await uow.one(update(User).where(User.id == id).values(values).returning(User))
    await publish(uow, f"user:{id}")
    await activity_log.record(
        uow, actor(uow, viewer), "USER_UPDATE", "User", id, fields=sorted(given), **outsider(uow, viewer)
    )
    return changed


async def suspend(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Sign a person out everywhere and let them in no more; suspending the suspended changes nothing."""
    user = await _managed(uow, viewer, id)
    if id == viewer.user_id:
        raise Conflict("Nobody suspends themselves.", "id")
    await tokens.revoke_all(uow, id)
    return await _move(uow, viewer, user, UserStatus.SUSPENDED, "USER_SUSPEND")


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Let a suspended person in again."""
    return await _move(uow, viewer, await _managed(uow, viewer, id), UserStatus.ACTIVE, "USER_RESTORE")


async def _managed(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    user = await access.find(uow, viewer, User, id, lock=True)
    access.require(viewer, "users:update")
    await _may_manage(uow, viewer, user)
    return user


async def _move(uow: UnitOfWork, viewer: Viewer, user: Row[Any], status: UserStatus, action: str) -> Row[Any]:
    if user.status is status:
        return user
    changed = await uow.one(update(User).where(User.id == user.id).values(status=status).returning(User))
    await publish(uow, f"user:{user.id}")
    await activity_log.record(uow, actor(uow, viewer), action, "User", user.id, **outsider(uow, viewer))
    return changed


def actor(uow: UnitOfWork, viewer: Viewer) -> UUID | None:
    """Who acted, as the unit's company knows them: the platform's people are members of no other."""
    return viewer.user_id if uow.company_id == viewer.company_id else None


def outsider(uow: UnitOfWork, viewer: Viewer) -> dict[str, str]:
    """For the activity of a company that who acted is no member of: who it was."""
    return {} if uow.company_id == viewer.company_id else {"by": str(viewer.user_id)}


def _may_give(viewer: Viewer, role: RoleName) -> None:
    if not outranks(viewer.role, role):
        raise Forbidden(
            f"Your role, {viewer.role.value}, cannot give the role {role.value}.", "input", "role"
        )


async def _may_manage(uow: UnitOfWork, viewer: Viewer, user: Row[Any]) -> None:
    role = await uow.scalar(select(Role.name).where(Role.id == user.role_id))
    if not outranks(viewer.role, role):
        raise Forbidden(f"Your role, {viewer.role.value}, cannot manage a {role.value}.", "id")


async def _insert_named(uow: UnitOfWork, values: dict[str, Any], wanted: str | None) -> Row[Any]:
    """The user under the first username that nobody has; other companies' people are not seen, but clash."""
    names = await _usernames(uow, values["email"]) if wanted is None else [_checked_username(wanted)]
    for name in names:
        row = insert(User).values({"id": new_id(), "username": name, **values})
        free = row.on_conflict_do_nothing(index_elements=[User.username]).returning(User)
        if user := await uow.first(free):
            return user
    raise Conflict("Somebody has this username already.", "input", "username")


def _checked_username(wanted: str) -> str:
    name = validators.name(wanted, "input", "username", limit=99).lower()
    if not USERNAME.fullmatch(name):
        raise Invalid("A username has letters, digits, dots, dashes, underscores.", "input", "username")
    return name


async def _usernames(uow: UnitOfWork, email: str) -> Iterable[str]:
    """The email's local part, then with `-2`, `-3` …, without those in sight; at last with random digits."""
    base = re.sub(r"[^a-z0-9._-]+", "-", email.split("@")[0].lower()).strip("._-")[:80] or "user"
    starting = select(User.username).where(func.starts_with(User.username, base))
    taken = {row.username for row in await uow.all(starting)}
    numbered = (base if number == 1 else f"{base}-{number}" for number in count(1))
    free = (name for name in numbered if name not in taken)
    return chain(islice(free, MOST_TRIES), [f"{base}-{new_id().hex[-12:]}"])


def _optional(limit: int) -> Any:
    return lambda value, *path: validators.optional(value, *path, limit=limit)


PROFILE = {"full_name": _optional(255), "company_label": _optional(255), "profession": _optional(100)}
