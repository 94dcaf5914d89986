"""lists in order: indexes for what is asked of drawings, exports and documents."""

import sqlalchemy as sa
from alembic import op

revision = "tenant_0004"
down_revision = "tenant_0003"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_drawing_versions_company_id_drawing_name_version_number_id": (
        "drawing_versions",
        ["company_id", "drawing_name", "version_number", "id"],
    ),
    "ix_comparisons_company_id_drawing_name_id": ("comparisons", ["company_id", "drawing_name", "id"]),
    "ix_comparisons_company_id_changes_detected_drawing_name_id": (
        "comparisons",
        ["company_id", "changes_detected", "drawing_name", "id"],
    ),
    "ix_requirement_exports_company_id_user_id_proposal_latency_ms_id": (
        "requirement_exports",
        ["company_id", "user_id", "proposal_latency_ms", "id"],
    ),
    "ix_documents_unprocessed": ("documents", ["company_id", "created_at", "id"]),
}
WHERE = {"ix_documents_unprocessed": "processing_status <> 'completed'"}


def upgrade() -> None:
    """Apply, while others write."""
    with op.get_context().autocommit_block():
        for name, (table, columns) in INDEXES.items():
            op.create_index(
                op.f(name),
                table,
                columns,
                schema="tenant",
                postgresql_where=sa.text(WHERE[name]) if name in WHERE else None,
                postgresql_concurrently=True,
                if_not_exists=True,
            )


def downgrade() -> None:
    """Undo."""
    with op.get_context().autocommit_block():
        for name, (table, _) in INDEXES.items():
            op.drop_index(op.f(name), table, schema="tenant", postgresql_concurrently=True, if_exists=True)
