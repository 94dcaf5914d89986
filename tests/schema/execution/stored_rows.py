"""Rows of two companies, with odd values wherever the database allows them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import JSON, Float
from sqlalchemy.dialects.postgresql import JSONB
from strawberry import relay

from db.base import Model
from db.models import RoleName
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.framework.context import Services
from tests import factories
from tests.factories import Fixture, a_company, a_user
from tests.factories.everything import everything
from tests.onlooker import Onlooker

ROLES = RoleName.ADMIN, RoleName.MANAGER, RoleName.USER, RoleName.VIEWER

ODD_NUMBERS = "'NaN'", "'Infinity'", "-0.0", "1e300"
ODD_JSON = (
    "'null'",
    "'{}'",
    "'[]'",
    '\'[1, {"b": null, "a": 1e400}]\'',
    "'{\"z\": 123456789012345678901234567890}'",
    "'7'",
)
"""Literals of values that few columns are made for."""


@dataclass(frozen=True)
class StoredRows:
    """The global IDs of all rows by type, and the people who may read them; one is nobody."""

    ids: dict[str, list[str]]
    viewers: list[Viewer | None]


async def store_rows(services: Services, platform: Fixture, onlooker: Onlooker) -> StoredRows:
    """Two people of each role in one company, one in another, and everything that people have."""
    company, other = a_company(), a_company()
    people = [a_user(company, role) for role in ROLES * 2]
    own, foreign = everything(people), everything([a_user(other)])
    ids: dict[str, list[str]] = {}
    for rows in (own, foreign):
        for name, of_type in rows.items():
            await factories.save(services.database, *of_type)
            ids.setdefault(name, []).extend(row.gid for row in of_type)
    for name, table in (("Role", "roles"), ("Permission", "permissions")):
        keys = await onlooker.fetch(f"select id from platform.{table}")
        ids[name] = [relay.to_base64(name, str(key["id"])) for key in keys]
    async for connection in onlooker.connections():
        await spoil(connection, [company, other])
    viewers = [
        await accounts.load_viewer(services.database, user.id, None) for user in (*people[:4], platform)
    ]
    stranger = await accounts.load_viewer(services.database, foreign["User"][0].id, None)
    return StoredRows(ids, [*viewers * 3, stranger, None])


async def spoil(connection: asyncpg.Connection, companies: list[Fixture]) -> None:
    """Put odd values into a part of the companies' rows, where no constraint forbids it."""
    ids = [company.id for company in companies]
    for mapper in Model.registry.mappers:
        table: Any = mapper.local_table
        if table.schema != "tenant" or "id" not in table.columns:
            continue
        for column in table.columns:
            for place, value in enumerate(odd_values(column)):
                change = f'update {table.fullname} set "{column.name}" = {value}'
                part = f"abs(hashtext(id::text || '{column.name}')) % 12 = {place}"
                with suppress(asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
                    await connection.execute(f"{change} where company_id = any($1) and {part}", ids)


def odd_values(column: Any) -> list[str]:
    """Literals of odd values of the column."""
    found = ["null"] if column.nullable and not column.primary_key else []
    if isinstance(column.type, JSONB | JSON):
        found += ODD_JSON
    elif isinstance(column.type, Float):
        found += ODD_NUMBERS
    return found
