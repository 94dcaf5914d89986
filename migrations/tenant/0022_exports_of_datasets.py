"""Let exports be of a data set version instead of a crawl."""

import sqlalchemy as sa
from alembic import op

from migrations.constraints import add_constraint, allow_null
from migrations.tables import Indexes, replace_indexes

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

VERSION = "fk_export_jobs_company_id_dataset_version_id"
REFERENCE = (
    "FOREIGN KEY (company_id, dataset_version_id) REFERENCES tenant.dataset_versions (company_id, id) "
    "ON DELETE CASCADE"
)
SUBJECT = "ck_export_jobs_subject"
FORMAT = "ck_export_jobs_export_format"
NEW_FORMATS = "class_folders", "yolo", "jsonl"
FORMATS = (
    "zip",
    "tar",
    "tar.gz",
    "csv",
    "json",
    "imagefolder",
    "coco",
    "webdataset",
    "parquet",
    *NEW_FORMATS,
)
INDEXES: Indexes = {"export_jobs": [("company_id", "dataset_version_id", "created_at", "id")]}


def upgrade() -> None:
    """Apply."""
    column: sa.Column[object] = sa.Column("dataset_version_id", sa.Uuid())
    op.add_column("export_jobs", column, schema="tenant", if_not_exists=True)
    allow_null("tenant", "export_jobs", "crawl_job_id")
    add_constraint("tenant", "export_jobs", VERSION, REFERENCE)
    add_constraint(
        "tenant", "export_jobs", SUBJECT, "CHECK (num_nonnulls(crawl_job_id, dataset_version_id) = 1)"
    )
    _allow_formats(*FORMATS)
    replace_indexes("tenant", INDEXES, {})


def downgrade() -> None:
    """Undo. Exports of data set versions and in new formats are deleted."""
    op.drop_constraint(SUBJECT, "export_jobs", schema="tenant")
    dropped = ", ".join(f"'{name}'" for name in NEW_FORMATS)
    op.execute(f"DELETE FROM tenant.export_jobs WHERE crawl_job_id IS NULL OR format IN ({dropped})")
    _allow_formats(*(name for name in FORMATS if name not in NEW_FORMATS))
    op.drop_column("export_jobs", "dataset_version_id", schema="tenant")
    op.alter_column("export_jobs", "crawl_job_id", nullable=False, schema="tenant")


def _allow_formats(*names: str) -> None:
    allowed = ", ".join(f"'{name}'" for name in names)
    add_constraint("tenant", "export_jobs", FORMAT, f"CHECK (format IN ({allowed}))")
