"""Row-level security: the policy of tenant tables and its checks."""

SCHEMA = "tenant"
POLICY = "tenant_isolation"

CURRENT_COMPANY = "current_setting('app.company_id')::uuid"
"""The company of the unit of work. Without one the setting is empty and the cast fails."""


def enable_sql(table: str) -> list[str]:
    """The statements that enable row-level security on a tenant table."""
    return [
        f'ALTER TABLE {SCHEMA}."{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE {SCHEMA}."{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY {POLICY} ON {SCHEMA}."{table}" USING (company_id = {CURRENT_COMPANY}) '
        f"WITH CHECK (company_id = {CURRENT_COMPANY})",
    ]


def disable_sql(table: str) -> list[str]:
    """The statements that undo `enable_sql`."""
    return [
        f'DROP POLICY {POLICY} ON {SCHEMA}."{table}"',
        f'ALTER TABLE {SCHEMA}."{table}" NO FORCE ROW LEVEL SECURITY',
        f'ALTER TABLE {SCHEMA}."{table}" DISABLE ROW LEVEL SECURITY',
    ]


AUDIT = f"""
WITH t AS (
  SELECT c.oid, c.relname, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = '{SCHEMA}' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'alembic_version%'
)
SELECT relname, 'row security not enabled and forced' AS problem FROM t WHERE NOT (enabled AND forced)
UNION ALL
SELECT t.relname, 'policies are ' || coalesce(string_agg(p.polname, ', '), 'none')
FROM t LEFT JOIN pg_policy p ON p.polrelid = t.oid GROUP BY t.oid, t.relname
HAVING count(*) <> 1 OR bool_or(p.polname IS DISTINCT FROM '{POLICY}'
   OR pg_get_expr(p.polqual, p.polrelid)
      IS DISTINCT FROM '(company_id = (current_setting(''app.company_id''::text))::uuid)'
   OR pg_get_expr(p.polwithcheck, p.polrelid)
      IS DISTINCT FROM '(company_id = (current_setting(''app.company_id''::text))::uuid)'
   OR p.polpermissive IS NOT TRUE OR p.polcmd <> '*' OR p.polroles <> '{{0}}')
UNION ALL
SELECT t.relname, 'index ' || i.indexrelid::regclass || ' does not start with company_id'
FROM t JOIN pg_index i ON i.indrelid = t.oid
JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
WHERE am.amname = 'btree' AND a.attname IS DISTINCT FROM 'company_id'
UNION ALL
SELECT t.relname, 'foreign key ' || k.conname || ' does not carry company_id'
FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
JOIN pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = k.confkey[1]
WHERE NOT (a.attname = 'company_id' AND fa.attname = 'company_id')
UNION ALL
SELECT t.relname, 'native enum column ' || a.attname
FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
JOIN pg_type y ON y.oid = a.atttypid WHERE y.typtype = 'e'
UNION ALL
SELECT c.relname, 'view without security_invoker, or a materialised view'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = '{SCHEMA}' AND (c.relkind = 'm' OR c.relkind = 'v'
  AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false))
UNION ALL
SELECT p.proname, 'SECURITY DEFINER function not on the allow list'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = '{SCHEMA}' AND p.prosecdef
"""
"""Returns a row (relation, problem) for each gap in the isolation of the tenant plane."""

GUARD = f"""
SELECT r.rolsuper AS superuser, r.rolbypassrls AS bypasses_row_security,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname IN ('{SCHEMA}', 'platform') AND c.relkind IN ('r', 'p')
               AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns_tables,
       EXISTS (SELECT 1 FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
               WHERE s.setrole IN (0, r.oid) AND setting ~ '^app\\.[a-z_]+=.') AS has_a_scope_by_default
FROM pg_roles r WHERE r.rolname = current_user
"""
"""Properties of the current role. Each that is true makes the role unsafe."""
