"""more kinds of jobs: imports, reports, requirement proposals, embedding anew."""

import sqlalchemy as sa
from alembic import op

revision = "tenant_0006"
down_revision = "tenant_0005"
branch_labels = None
depends_on = None

JOBS = ("pdf_extraction", "comparison", "ai_analysis", "document_processing", "chat_answer", "upkeep")
MORE_JOBS = (*JOBS, "data_import", "report_generation", "requirement_proposal", "re_embedding")


def allow_jobs(*values: str) -> None:
    """Which types of processing jobs there may be."""
    op.drop_constraint("ck_processing_jobs_processing_job_type", "processing_jobs", schema="tenant")
    op.create_check_constraint(
        op.f("ck_processing_jobs_processing_job_type"),
        "processing_jobs",
        sa.column("job_type").in_(values),
        schema="tenant",
    )


def upgrade() -> None:
    """Apply."""
    allow_jobs(*MORE_JOBS)


def downgrade() -> None:
    """Undo. Refused by the database while there are jobs of the new types."""
    allow_jobs(*JOBS)
