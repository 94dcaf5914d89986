"""What every installation has before it serves: roles, permissions, and somebody who runs the platform."""

from db.uow import Database
from resolvers.identity import accounts, roles

ADMIN = "admin@seshat.local"


async def seed(database: Database) -> None:
    """Make roles and permissions what this release says; the first time, print the new super admin."""
    async with database.platform() as uow:
        await roles.seed(uow)
    password = await accounts.first_admin(database, ADMIN)
    if password is not None:
        print(f"Super admin, shown this once:\n  {ADMIN}  {password}", flush=True)
