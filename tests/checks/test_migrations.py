"""The rules of migrations under load: all migrations keep them, and each is noticed when it is broken."""

import io

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations

from checks.migrations import faults, migrations, script_of
from db.revisions import Plane
from migrations.backfills import backfill
from migrations.constraints import add_constraint, require_value
from migrations.tables import replace_indexes

TIMEOUT = "SET lock_timeout = '500ms';\n"
VERSION = "UPDATE tenant.alembic_version_tenant SET version_num='0009' WHERE version_num = '0008';\n"


def script(*transactions: str) -> str:
    """A script as Alembic writes it, with the version at the end."""
    begun = "".join(f"BEGIN;\n{transaction};\nCOMMIT;\n" for transaction in transactions)
    return f"{TIMEOUT}{begun}BEGIN;\n{VERSION}COMMIT;\n"


def alter(change: str) -> str:
    """A script that alters a table."""
    return script(f"ALTER TABLE tenant.projects {change}")


BROKEN = {
    "an index that blocks writers": (
        script("CREATE INDEX ix ON tenant.projects (name)"),
        "require-concurrent-index-creation",
    ),
    "an index that is dropped under a lock": (
        script("DROP INDEX tenant.ix"),
        "require-concurrent-index-deletion",
    ),
    "an index that cannot be built in a transaction": (
        script("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix ON tenant.projects (name)"),
        "ban-concurrent-index-creation-in-transaction",
    ),
    "an index that an interrupted build leaves": (
        f"{TIMEOUT}CREATE INDEX CONCURRENTLY ix ON tenant.projects (name);\n",
        "prefer-robust-stmts",
    ),
    "a check of every row": (
        alter("ADD CONSTRAINT ck CHECK (name <> '')"),
        "constraint-missing-not-valid",
    ),
    "a check that is validated under its own lock": (
        script(
            "ALTER TABLE tenant.projects ADD CONSTRAINT ck CHECK (name <> '') NOT VALID;\n"
            "ALTER TABLE tenant.projects VALIDATE CONSTRAINT ck"
        ),
        "constraint-missing-not-valid",
    ),
    "a foreign key of every row": (
        alter("ADD CONSTRAINT fk FOREIGN KEY (company_id) REFERENCES tenant.tenants (company_id)"),
        "adding-foreign-key-constraint",
    ),
    "a column with a foreign key": (
        alter("ADD COLUMN owner uuid REFERENCES tenant.tenants (company_id)"),
        "adding-foreign-key-constraint",
    ),
    "a unique constraint": (alter("ADD CONSTRAINT uq UNIQUE (name)"), "disallowed-unique-constraint"),
    "a column with a check": (alter("ADD COLUMN rank int CHECK (rank > 0)"), "checks every row"),
    "a required column": (alter("ADD COLUMN rank int NOT NULL"), "adding-required-field"),
    "a column that is made required": (
        alter("ALTER COLUMN name SET NOT NULL"),
        "adding-not-nullable-field",
    ),
    "a default of each row's own": (
        alter("ADD COLUMN token uuid DEFAULT gen_random_uuid()"),
        "adding-field-with-default",
    ),
    "a generated column": (
        alter("ADD COLUMN upper_name text GENERATED ALWAYS AS (upper(name)) STORED"),
        "adding-field-with-default",
    ),
    "another type": (alter("ALTER COLUMN name TYPE varchar(10)"), "changing-column-type"),
    "another name": (alter("RENAME COLUMN name TO title"), "renaming-column"),
    "a table that is rewritten": (alter("SET UNLOGGED"), "locks or rewrites a table"),
    "a table that is locked": (script("LOCK tenant.projects"), "locks or rewrites a table"),
    "rows of all companies in one statement": (
        script("UPDATE tenant.projects SET name = upper(name)"),
        "changes rows",
    ),
    "rows in a block": (script("DO $$ BEGIN DELETE FROM tenant.projects; END $$"), "changes rows"),
    "a lock that is waited for": (
        f"{TIMEOUT}SET lock_timeout = '2min';\n" + alter("ADD COLUMN rank int").removeprefix(TIMEOUT),
        "waits longer for a lock",
    ),
    "no limit of waiting": (
        alter("ADD COLUMN rank int").removeprefix(TIMEOUT),
        "waits longer for a lock",
    ),
    "a step that an interruption leaves done": (
        f"{TIMEOUT}BEGIN;\nALTER TABLE tenant.projects ADD COLUMN rank int;\nCOMMIT;\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix ON tenant.projects (rank);\n"
        f"BEGIN;\n{VERSION}COMMIT;\n",
        "cannot be repeated",
    ),
}

KEPT = {
    "a column": alter("ADD COLUMN rank int"),
    "a column with a constant": alter("ADD COLUMN rank int DEFAULT '0' NOT NULL"),
    "a column with a time": alter("ADD COLUMN seen_at timestamptz DEFAULT now() NOT NULL"),
    "a new table with all that belongs to it": script(
        "CREATE TABLE tenant.ranks (company_id uuid NOT NULL, rank int CHECK (rank > 0));\n"
        "CREATE INDEX ix ON tenant.ranks (company_id);\n"
        "ALTER TABLE tenant.ranks ENABLE ROW LEVEL SECURITY"
    ),
    "a function that changes rows": script(
        "CREATE FUNCTION tenant.f() RETURNS TRIGGER LANGUAGE plpgsql AS $$\n"
        "BEGIN UPDATE tenant.projects SET name = ''; RETURN NULL; END $$;\n"
        "CREATE TRIGGER tg AFTER DELETE ON tenant.projects FOR EACH ROW EXECUTE FUNCTION tenant.f()"
    ),
    "words in strings": alter("ALTER COLUMN name SET DEFAULT 'BEGIN; UPDATE x; CHECK'"),
}


@pytest.mark.parametrize(("plane", "before", "revision"), migrations())
def test_every_migration_keeps_the_rules(plane: Plane, before: str, revision: str) -> None:
    assert list(faults(script_of(plane, before, revision))) == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_is_noticed_when_it_is_broken(name: str) -> None:
    written, rule = BROKEN[name]

    assert any(fault.startswith(rule) for fault in faults(written)), list(faults(written))


@pytest.mark.parametrize("name", KEPT)
def test_what_blocks_nobody_is_left_alone(name: str) -> None:
    assert list(faults(KEPT[name])) == []


def test_the_steps_that_migrations_are_made_of_keep_the_rules() -> None:
    output = io.StringIO(TIMEOUT)
    output.seek(0, io.SEEK_END)
    options = {"as_sql": True, "output_buffer": output, "transactional_ddl": True}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context), context.begin_transaction():
        replace_indexes("tenant", {"projects": [("company_id", "name")]}, {"projects": [("company_id",)]})
        add_constraint("tenant", "projects", "ck_projects_name", "CHECK (name <> '')")
        require_value("tenant", "projects", "name")
        backfill("tenant", "projects", "name = upper(name)", where="name <> upper(name)")
        backfill("platform", "users", "status = 'active'", where="status IS NULL")

    assert "CONCURRENTLY" in output.getvalue()
    assert list(faults(output.getvalue())) == []
