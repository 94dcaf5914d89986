"""Store how people correct comparisons, and with which options sessions compare."""

import sqlalchemy as sa
from alembic import op

from migrations.backfills import backfill
from migrations.constraints import add_constraint
from migrations.tables import JSON, Indexes, replace_indexes

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JOB_TYPES = (
    "pdf_extraction",
    "comparison",
    "ai_analysis",
    "document_processing",
    "chat_answer",
    "upkeep",
    "data_import",
    "report_generation",
    "requirement_proposal",
    "re_embedding",
    "text_check",
)
COLUMNS: dict[str, tuple[sa.Column[object], ...]] = {
    "drawing_sessions": (
        sa.Column("sensitivity", sa.String(20), server_default="normal", nullable=False),
        sa.Column("min_change_size", sa.Double()),
    ),
    "comparisons": (
        sa.Column("points", JSON),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("vanished_reviews", JSON, server_default="[]", nullable=False),
    ),
}
INDEXES: Indexes = {"comparisons": [("company_id", "job_id")]}
SENSITIVITY = "ck_drawing_sessions_comparison_sensitivity"
JOB = "fk_comparisons_company_id_job_id"
REFERENCE = (
    "FOREIGN KEY (company_id, job_id) REFERENCES tenant.processing_jobs (company_id, id) "
    "ON DELETE SET NULL (job_id)"
)


def upgrade() -> None:
    """Apply."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, schema="tenant", if_not_exists=True)
    check = "CHECK (sensitivity IN ('high', 'normal', 'low'))"
    add_constraint("tenant", "drawing_sessions", SENSITIVITY, check)
    _allow_job_types(*JOB_TYPES, "sheet_comparison")
    replace_indexes("tenant", INDEXES, {})
    add_constraint("tenant", "comparisons", JOB, REFERENCE)


def downgrade() -> None:
    """Undo."""
    backfill("tenant", "processing_jobs", "job_type = 'upkeep'", where="job_type = 'sheet_comparison'")
    _allow_job_types(*JOB_TYPES)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name, schema="tenant", if_exists=True)


def _allow_job_types(*names: str) -> None:
    allowed = ", ".join(f"'{name}'" for name in names)
    name = "ck_processing_jobs_processing_job_type"
    add_constraint("tenant", "processing_jobs", name, f"CHECK (job_type IN ({allowed}))")
