"""Store what validations find about single images."""

import sqlalchemy as sa

from migrations.tables import INSTANT, NOW
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_table(
        "validation_findings",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("validation_job_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(50), nullable=False),
        sa.Column("best_image_id", sa.Uuid()),
        sa.Column("quarantines", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("file_size", sa.Integer()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        references("validation_jobs", "validation_job_id"),
        references("images", "image_id"),
        references("images", "best_image_id", "SET NULL"),
    )
    create_index("validation_findings", "validation_job_id", "image_id", "rule", unique=True)
    create_index("validation_findings", "validation_job_id", "id")
    create_index("validation_findings", "validation_job_id", "rule", "id")
    create_index("validation_findings", "validation_job_id", "quarantines", "id")
    create_index("validation_findings", "image_id")
    create_index("validation_findings", "best_image_id")


def downgrade() -> None:
    """Undo."""
    drop_tables("validation_findings")
