"""Constraints on tables that are in use: their rows are read while others write them."""

from alembic import op

REPEATABLE = "-- squawk-ignore prefer-robust-stmts\n"


def add_constraint(schema: str, table: str, name: str, definition: str) -> None:
    """Adds a check or a foreign key. Can be repeated; what the migration did before is committed."""
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {schema}.{table} DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE {schema}.{table} ADD CONSTRAINT {name} {definition} NOT VALID")
        op.execute(f"ALTER TABLE {schema}.{table} VALIDATE CONSTRAINT {name}")


def require_value(schema: str, table: str, column: str) -> None:
    """Makes a column `NOT NULL` that has no nulls. Can be repeated, and commits, like `add_constraint`."""
    name = f"ck_{table}_{column}_present"
    add_constraint(schema, table, name, f"CHECK ({column} IS NOT NULL)")
    with op.get_context().autocommit_block():
        # PostgreSQL does not read the table again, because of the check. It can be repeated.
        op.execute(f"{REPEATABLE}ALTER TABLE {schema}.{table} ALTER COLUMN {column} SET NOT NULL")
        op.execute(f"ALTER TABLE {schema}.{table} DROP CONSTRAINT IF EXISTS {name}")


def allow_null(schema: str, table: str, column: str) -> None:
    """Makes a column nullable. Can be repeated, and commits, like `add_constraint`."""
    with op.get_context().autocommit_block():
        op.execute(f"{REPEATABLE}ALTER TABLE {schema}.{table} ALTER COLUMN {column} DROP NOT NULL")
