"""Allow jobs that push data sets."""

from migrations.backfills import backfill
from migrations.constraints import add_constraint

revision = "0023"
down_revision = "0022"
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
    "sheet_comparison",
)


def upgrade() -> None:
    """Apply."""
    _allow_job_types(*JOB_TYPES, "dataset_push")


def downgrade() -> None:
    """Undo."""
    backfill("tenant", "processing_jobs", "job_type = 'upkeep'", where="job_type = 'dataset_push'")
    _allow_job_types(*JOB_TYPES)


def _allow_job_types(*names: str) -> None:
    allowed = ", ".join(f"'{name}'" for name in names)
    name = "ck_processing_jobs_processing_job_type"
    add_constraint("tenant", "processing_jobs", name, f"CHECK (job_type IN ({allowed}))")
