"""Store in each message, citation, feedback and chunk who reads it, so that lists of them need no join."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import Indexes, has_rows, replace_indexes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FUNCTIONS = {
    "fn_conversation_reader(status text, user_id uuid, session_id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE": """
SELECT CASE
    WHEN status = 'deleted' THEN NULL
    WHEN session_id IS NOT NULL THEN '00000000-0000-0000-0000-000000000000'::uuid
    ELSE user_id
END
""",
    "fn_document_reader(scope text, uploaded_by_id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE": """
SELECT CASE scope
    WHEN 'user' THEN uploaded_by_id
    WHEN 'company' THEN '00000000-0000-0000-0000-000000000000'::uuid
    WHEN 'global' THEN '00000000-0000-0000-0000-000000000001'::uuid
END
""",
    # A new row waits for changes of its parent's reader, and they for it.
    "fn_message_reader() RETURNS trigger LANGUAGE plpgsql": """
BEGIN
    SELECT tenant.fn_conversation_reader(c.status, c.user_id, c.session_id) INTO NEW.reader_id
    FROM tenant.conversations c
    WHERE c.company_id = NEW.company_id AND c.id = NEW.conversation_id
    FOR KEY SHARE;
    RETURN NEW;
END
""",
    "fn_message_part_reader() RETURNS trigger LANGUAGE plpgsql": """
BEGIN
    SELECT tenant.fn_conversation_reader(c.status, c.user_id, c.session_id) INTO NEW.reader_id
    FROM tenant.messages m
    JOIN tenant.conversations c ON c.company_id = m.company_id AND c.id = m.conversation_id
    WHERE m.company_id = NEW.company_id AND m.id = NEW.message_id
    FOR KEY SHARE OF c;
    RETURN NEW;
END
""",
    "fn_document_chunk_reader() RETURNS trigger LANGUAGE plpgsql": """
BEGIN
    SELECT tenant.fn_document_reader(d.scope, d.uploaded_by_id) INTO NEW.reader_id
    FROM tenant.documents d
    WHERE d.company_id = NEW.company_id AND d.id = NEW.document_id
    FOR KEY SHARE;
    RETURN NEW;
END
""",
    "fn_lock_for_readers() RETURNS trigger LANGUAGE plpgsql": """
BEGIN
    EXECUTE format('SELECT FROM tenant.%I WHERE company_id = $1 AND id = $2 FOR UPDATE', TG_TABLE_NAME)
    USING OLD.company_id, OLD.id;
    RETURN NEW;
END
""",
    "fn_copy_conversation_readers(company uuid, ids uuid[]) RETURNS void LANGUAGE plpgsql": """
BEGIN
    UPDATE tenant.messages m
    SET reader_id = tenant.fn_conversation_reader(c.status, c.user_id, c.session_id)
    FROM tenant.conversations c
    WHERE m.company_id = company AND m.conversation_id = ANY(ids)
        AND c.company_id = company AND c.id = m.conversation_id
        AND m.reader_id IS DISTINCT FROM tenant.fn_conversation_reader(c.status, c.user_id, c.session_id);
    UPDATE tenant.citations p SET reader_id = m.reader_id
    FROM tenant.messages m
    WHERE m.company_id = company AND m.conversation_id = ANY(ids)
        AND p.company_id = company AND p.message_id = m.id AND p.reader_id IS DISTINCT FROM m.reader_id;
    UPDATE tenant.feedback p SET reader_id = m.reader_id
    FROM tenant.messages m
    WHERE m.company_id = company AND m.conversation_id = ANY(ids)
        AND p.company_id = company AND p.message_id = m.id AND p.reader_id IS DISTINCT FROM m.reader_id;
END
""",
    "fn_copy_document_readers(company uuid, ids uuid[]) RETURNS void LANGUAGE plpgsql": """
BEGIN
    UPDATE tenant.document_chunks k
    SET reader_id = tenant.fn_document_reader(d.scope, d.uploaded_by_id)
    FROM tenant.documents d
    WHERE k.company_id = company AND k.document_id = ANY(ids)
        AND d.company_id = company AND d.id = k.document_id
        AND k.reader_id IS DISTINCT FROM tenant.fn_document_reader(d.scope, d.uploaded_by_id);
END
""",
    "fn_conversation_reader_changed() RETURNS trigger LANGUAGE plpgsql": """
BEGIN
    PERFORM tenant.fn_copy_conversation_readers(NEW.company_id, ARRAY[NEW.id]);
    RETURN NULL;
END
""",
    "fn_document_reader_changed() RETURNS trigger LANGUAGE plpgsql": """
BEGIN
    PERFORM tenant.fn_copy_document_readers(NEW.company_id, ARRAY[NEW.id]);
    RETURN NULL;
END
""",
}
"""Bodies by declaration."""

PARENTS = {
    "conversations": ("conversation", "status, user_id, session_id", 100),
    "documents": ("document", "scope, uploaded_by_id", 5),
}
"""What readers follow from: the noun in names of functions, the columns, and how many to fill in at a time."""

CHILDREN = {
    "messages": ("fn_message_reader", "conversation_id"),
    "citations": ("fn_message_part_reader", "message_id"),
    "feedback": ("fn_message_part_reader", "message_id"),
    "document_chunks": ("fn_document_chunk_reader", "document_id"),
}
"""The functions that fill the reader in, and the key of the parent."""

BACKFILL = """
DO $$
DECLARE
    companies uuid[];
    company uuid;
    ids uuid[];
    last uuid;
BEGIN
    -- The owner of the tables reads all companies without bypassing their policies.
    ALTER TABLE tenant.tenants NO FORCE ROW LEVEL SECURITY;
    companies := ARRAY(SELECT company_id FROM tenant.tenants ORDER BY company_id);
    ALTER TABLE tenant.tenants FORCE ROW LEVEL SECURITY;
    COMMIT;
    PERFORM set_config('lock_timeout', '2min', false);  -- for locks of rows
    FOREACH company IN ARRAY companies LOOP
        PERFORM set_config('app.company_id', company::text, false);
        {steps}
    END LOOP;
    PERFORM set_config('app.company_id', '00000000-0000-0000-0000-000000000000', false);
END
$$
"""
STEP = """
        last := '00000000-0000-0000-0000-000000000000';
        LOOP
            SELECT array_agg(id ORDER BY id) INTO ids FROM (
                SELECT id FROM tenant.{table} WHERE company_id = company AND id > last
                ORDER BY id LIMIT {limit} FOR SHARE
            ) AS locked;
            EXIT WHEN ids IS NULL;
            PERFORM tenant.fn_copy_{noun}_readers(company, ids);
            last := ids[array_length(ids, 1)];
            COMMIT;
        END LOOP;
"""

CREATED: Indexes = {
    "messages": [
        ("company_id", "reader_id", "created_at", "id"),
        ("company_id", "reader_id", "conversation_id", "created_at", "id"),
    ],
    "citations": [("company_id", "reader_id", "id")],
    "feedback": [
        ("company_id", "reader_id", "created_at", "id"),
        ("company_id", "reader_id", "user_id", "created_at", "id"),
        ("company_id", "reader_id", "rating", "created_at", "id"),
        ("company_id", "reader_id", "user_id", "rating", "created_at", "id"),
    ],
    "document_chunks": [("company_id", "reader_id", "document_id", "chunk_index")],
}
OVERSEEN: Indexes = {
    "messages": [("company_id", "created_at", "id")],
    "citations": [("company_id", "id")],
    "feedback": [
        ("company_id", "created_at", "id"),
        ("company_id", "rating", "created_at", "id"),
        ("company_id", "user_id", "rating", "created_at", "id"),
    ],
}
REPLACED: Indexes = {"messages": OVERSEEN["messages"], "feedback": OVERSEEN["feedback"][:2]}


def upgrade() -> None:
    """Apply. It can be interrupted and repeated."""
    for table in CHILDREN:
        op.add_column(table, sa.Column("reader_id", sa.Uuid()), schema="tenant", if_not_exists=True)
    for declaration, body in FUNCTIONS.items():
        op.execute(f"CREATE OR REPLACE FUNCTION tenant.{declaration} AS $${body}$$")
    for table, (noun, columns, _) in PARENTS.items():
        old, new = (", ".join(f"{row}.{column}" for column in columns.split(", ")) for row in ("OLD", "NEW"))
        reader = f"tenant.fn_{noun}_reader"
        changes = (
            f"UPDATE OF {columns} ON tenant.{table} FOR EACH ROW "
            f"WHEN ({reader}({old}) IS DISTINCT FROM {reader}({new})) EXECUTE FUNCTION tenant"
        )
        op.execute(f"CREATE OR REPLACE TRIGGER tg_{table}_lock BEFORE {changes}.fn_lock_for_readers()")
        op.execute(f"CREATE OR REPLACE TRIGGER tg_{table}_reader AFTER {changes}.fn_{noun}_reader_changed()")
    for table, (function, key) in CHILDREN.items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER tg_{table}_reader BEFORE INSERT OR UPDATE OF {key} "
            f"ON tenant.{table} FOR EACH ROW EXECUTE FUNCTION tenant.{function}()"
        )
    if any(has_rows("tenant", table) for table in CHILDREN):
        steps = "".join(
            STEP.format(table=table, noun=noun, limit=limit) for table, (noun, _, limit) in PARENTS.items()
        )
        with op.get_context().autocommit_block():
            op.execute(BACKFILL.format(steps=steps))
    replace_indexes("tenant", CREATED, {})
    replace_indexes("tenant", OVERSEEN, REPLACED, where={"id": "reader_id IS NOT NULL"}, purpose="overseen")


def downgrade() -> None:
    """Undo."""
    replace_indexes("tenant", REPLACED, {})
    for table in PARENTS:
        op.execute(f"DROP TRIGGER tg_{table}_lock ON tenant.{table}")
        op.execute(f"DROP TRIGGER tg_{table}_reader ON tenant.{table}")
    for table in CHILDREN:
        op.execute(f"DROP TRIGGER tg_{table}_reader ON tenant.{table}")
        op.drop_column(table, "reader_id", schema="tenant")
    for declaration in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION tenant.{declaration.partition('(')[0]}")
