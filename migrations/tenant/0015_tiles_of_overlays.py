"""Store the deep-zoom tiles of overlays."""

import sqlalchemy as sa
from alembic import op

from migrations.tables import JSON

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    column = sa.Column("overlay_tiles", JSON)
    op.add_column("comparisons", column, schema="tenant", if_not_exists=True)


def downgrade() -> None:
    """Undo."""
    op.drop_column("comparisons", "overlay_tiles", schema="tenant")
