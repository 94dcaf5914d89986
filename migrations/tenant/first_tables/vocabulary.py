"""Tables of the tenant plane: the company leads every key, index and reference, and fences the rows."""

from functools import partial

import sqlalchemy as sa
from alembic import op

from migrations import tables

SCHEMA = "tenant"

create_unique = partial(tables.create_unique, SCHEMA)
drop_tables = partial(tables.drop_tables, SCHEMA)


def create_table(table: str, *parts: tables.Part) -> None:
    """Create a table with a `company_id`, and fence it by row-level security."""
    current = sa.text("current_setting('app.company_id')::uuid")
    company = sa.Column("company_id", sa.Uuid(), server_default=current, primary_key=True)
    tables.create_table(SCHEMA, table, company, *parts)
    op.enable_tenant_rls(table)


def create_index(
    table: str, *columns: str, unique: bool = False, where: str | None = None, name: str | None = None
) -> None:
    """Create an index by company and these columns."""
    tables.create_index(SCHEMA, table, "company_id", *columns, unique=unique, where=where, name=name)


def references(target: str, column: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A foreign key that cannot cross companies."""
    rule = f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete
    remote = [f"{SCHEMA}.{target}.company_id", f"{SCHEMA}.{target}.id"]
    return sa.ForeignKeyConstraint(["company_id", column], remote, ondelete=rule)


def references_tenant() -> sa.ForeignKeyConstraint:
    """A foreign key to the company's row of `tenants`."""
    return sa.ForeignKeyConstraint(["company_id"], [f"{SCHEMA}.tenants.company_id"], ondelete="CASCADE")
