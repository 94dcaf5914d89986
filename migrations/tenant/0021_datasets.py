"""Store data sets of images, and their frozen versions."""

import sqlalchemy as sa

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _create_datasets()
    _create_versions()
    _create_images()


def downgrade() -> None:
    """Undo."""
    drop_tables("dataset_images", "dataset_versions", "datasets")


def _create_datasets() -> None:
    create_table(
        "datasets",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid()),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("selection", JSON, server_default="{}", nullable=False),
        sa.Column("split_fractions", JSON, nullable=False),
        sa.Column("seed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        references("projects", "project_id"),
        references("members", "created_by_id", "SET NULL"),
    )
    create_index("datasets", "created_at", "id")
    create_index("datasets", "project_id", "created_at", "id")
    create_index("datasets", "created_by_id")


def _create_versions() -> None:
    create_table(
        "dataset_versions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("selection", JSON, nullable=False),
        sa.Column("split_fractions", JSON, nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("image_count", sa.Integer(), nullable=False),
        sa.Column("group_count", sa.Integer(), nullable=False),
        sa.Column("duplicate_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("moved_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("content_bytes", sa.BigInteger(), nullable=False),
        sa.Column("splits", JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("number > 0 AND image_count > 0", name="counts"),
        references("datasets", "dataset_id"),
        references("members", "created_by_id", "SET NULL"),
    )
    create_index("dataset_versions", "dataset_id", "number", unique=True)
    create_index("dataset_versions", "created_by_id")


def _create_images() -> None:
    create_table(
        "dataset_images",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(20), nullable=False),
        sa.Column("group_number", sa.Integer(), nullable=False),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("storage_url", sa.Text(), nullable=False),
        sa.Column("original_url", sa.Text(), nullable=False),
        sa.Column("page_url", sa.Text()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("file_size", sa.Integer()),
        sa.Column("format", sa.String(10)),
        sa.Column("hash", sa.String(64)),
        sa.Column("perceptual_hash", sa.BigInteger()),
        sa.Column("licence", sa.Text()),
        sa.Column("attribution", sa.Text()),
        sa.Column("caption", sa.Text()),
        sa.Column("is_valid", sa.Boolean()),
        sa.Column("is_duplicate", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("issues", JSON, server_default="[]", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("dataset_split", "split", "train", "validation", "test"),
        sa.CheckConstraint("position > 0 AND group_number > 0", name="numbers"),
        references("dataset_versions", "version_id"),
        references("images", "image_id", "SET NULL"),
    )
    create_index("dataset_images", "version_id", "position", unique=True)
    create_index("dataset_images", "version_id", "split", "position")
    create_index("dataset_images", "image_id", "id")
    create_index("dataset_images", "hash")
