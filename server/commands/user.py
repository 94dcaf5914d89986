"""The command `seshat user`: creates and suspends users, and resets passwords, for operators."""

import asyncio
from argparse import Namespace
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, or_, select, update

from core.errors import DomainError, InstallationError
from core.settings import Settings
from db.database import Database
from db.models import Company, RoleName, User, UserStatus
from db.placement import Placement
from resolvers import activity_log, validators
from resolvers.identity import password_changes, passwords, refresh_tokens, second_factors, users
from server.installation import database_urls, open_database

BY_OPERATOR = {"by": "operator"}


class UserRefused(InstallationError):
    """Nothing was changed; the message is one line with the reason."""


def run(settings: Settings, options: Namespace) -> int:
    """`seshat user`."""
    return asyncio.run(run_action(settings, options))


async def run_action(settings: Settings, options: Namespace) -> int:
    """Runs the action with the installation's database. Returns the exit code."""
    async with open_database(settings) as ready:
        application, _ = database_urls(ready)
        database = Database(Placement(ready, application))
        try:
            email = validators.email(options.email, "email")
            if options.action == "create":
                await create(database, email, options.company, options.role)
            elif options.action == "reset-password":
                await reset_password(database, email)
            elif options.action == "reset-second-factor":
                await reset_second_factor(database, email)
            else:
                await suspend(database, email)
        except DomainError as error:
            raise UserRefused(str(error)) from error
        finally:
            await database.close()
    return 0


async def create(database: Database, email: str, company: str, role: str) -> None:
    """Creates a user with a new password, which is printed once."""
    is_called = or_(Company.name == company, cast(Company.id, Text) == company)
    async with database.platform(read_only=True) as uow:
        found = await uow.all(select(Company.id, Company.name).where(is_called))
    if len(found) != 1:
        raise UserRefused(f"{len(found) or 'no'} companies are called {company}: give an ID")
    [row] = found
    password = passwords.generate()
    hashed = await passwords.hash(password)
    async with database.tenant(row.id, kind="platform") as uow:
        user = await users.insert_user(uow, email=email, role=RoleName(role), hashed_password=hashed)
        await activity_log.record(uow, None, "USER_CREATE", "User", user.id, role=role, **BY_OPERATOR)
    print(f"{email} is {role} of {row.name}. Password: {password}")


async def reset_password(database: Database, email: str) -> None:
    """Gives a user a new password, which is printed once, and ends all of their sessions."""
    user_id, company_id = await find(database, email)
    password = passwords.generate()
    hashed = await passwords.hash(password)
    async with database.tenant(company_id, kind="platform") as uow:
        await password_changes.store(uow, user_id, hashed)
        await activity_log.record(uow, None, "USER_PASSWORD_RESET", "User", user_id, **BY_OPERATOR)
    print(f"All sessions of {email} have ended. New password: {password}")


async def reset_second_factor(database: Database, email: str) -> None:
    """Removes the second factor of a user who has lost it, and ends all of their sessions."""
    user_id, company_id = await find(database, email)
    async with database.tenant(company_id, kind="platform") as uow:
        await second_factors.reset(uow, user_id)
        await refresh_tokens.revoke_all(uow, user_id)
        await activity_log.record(uow, None, "USER_SECOND_FACTOR_REMOVE", "User", user_id, **BY_OPERATOR)
    print(f"{email} signs in with the password alone")


async def suspend(database: Database, email: str) -> None:
    """Refuses sign-ins of a user and ends all of their sessions."""
    user_id, company_id = await find(database, email)
    async with database.tenant(company_id, kind="platform") as uow:
        await refresh_tokens.revoke_all(uow, user_id)
        await uow.execute(update(User).where(User.id == user_id).values(status=UserStatus.SUSPENDED))
        await activity_log.record(uow, None, "USER_SUSPEND", "User", user_id, **BY_OPERATOR)
    print(f"{email} is suspended")


async def find(database: Database, email: str) -> tuple[UUID, UUID]:
    """The user with this address, and their company. Raises `UserRefused`."""
    async with database.platform(read_only=True) as uow:
        user: Any = await uow.first(select(User.id, User.company_id).where(User.email == email))
    if user is None or user.company_id is None:
        raise UserRefused(f"no user of a company has the address {email}")
    return user.id, user.company_id
