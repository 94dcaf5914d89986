"""Backfills: some rows at a time, and of tenant tables without BYPASSRLS."""

from alembic import op

BATCH_SIZE = 1000

BACKFILL = """
DO $$
DECLARE
    companies uuid[];
    company uuid;
    updated bigint;
BEGIN
    -- The owner sees all rows of a table that does not force its policy on owners. For nobody else it ever
    -- does not: the error rolls that back, and the lock goes with it.
    BEGIN
        ALTER TABLE tenant.tenants NO FORCE ROW LEVEL SECURITY;
        companies := ARRAY(SELECT company_id FROM tenant.tenants ORDER BY company_id);
        RAISE EXCEPTION USING ERRCODE = 'SE000';
    EXCEPTION WHEN SQLSTATE 'SE000' THEN
        NULL;
    END;
    FOREACH company IN ARRAY companies LOOP
        PERFORM set_config('app.company_id', company::text, false);
        LOOP
            UPDATE tenant.{table} SET {assignments} WHERE (company_id, id) IN (
                SELECT company_id, id FROM tenant.{table}
                WHERE company_id = company AND ({where}) LIMIT {size}
            );
            GET DIAGNOSTICS updated = ROW_COUNT;
            COMMIT;
            EXIT WHEN updated = 0;
        END LOOP;
    END LOOP;
    PERFORM set_config('app.company_id', '00000000-0000-0000-0000-000000000000', false);
END
$$
"""

PLATFORM_BACKFILL = """
DO $$
DECLARE
    updated bigint;
BEGIN
    LOOP
        UPDATE platform.{table} SET {assignments} WHERE id IN (
            SELECT id FROM platform.{table} WHERE ({where}) LIMIT {size}
        );
        GET DIAGNOSTICS updated = ROW_COUNT;
        COMMIT;
        EXIT WHEN updated = 0;
    END LOOP;
END
$$
"""


def backfill(schema: str, table: str, assignments: str, *, where: str, size: int = BATCH_SIZE) -> None:
    """Updates the rows, of all companies, for which `where` holds, and no longer holds afterwards.

    Each batch is a transaction: writers wait for one batch at most, and what is done remains if the migration
    is interrupted and runs again. What the migration did before is committed.
    """
    loop = BACKFILL if schema == "tenant" else PLATFORM_BACKFILL
    with op.get_context().autocommit_block():
        op.execute(loop.format(table=table, assignments=assignments, where=where, size=size))
