"""The command `seshat demo`: creates the demo company."""

import asyncio
from argparse import Namespace
from contextlib import AsyncExitStack

from core.settings import Settings, SettingsError
from server.app import open_services
from server.demo import company
from server.demo.scale import grow
from server.installation import admin_url, open_installation


def run(settings: Settings, options: Namespace) -> int:
    """`seshat demo`."""
    if options.scale < 0:
        raise SettingsError("--scale: must not be negative")
    asyncio.run(create_demo(settings, options.scale))
    return 0


async def create_demo(settings: Settings, units: int) -> None:
    """Creates the demo company; a running worker completes its comparison."""
    async with open_installation(settings, "share") as ready, AsyncExitStack() as stack:
        services = await open_services(ready.model_copy(update={"worker": False}), stack)
        company_id = await company.make(services)
        await grow(services.database, company_id, units, ready.database_admin_url and admin_url(ready))
