"""First tables."""

from migrations.tenant.first_tables import (
    chat,
    drawings,
    evaluation,
    files,
    identity,
    imagery,
    insights,
    jobs,
    knowledge,
    projects,
    requirements,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SECTIONS = (
    identity,
    projects,
    files,
    drawings,
    jobs,
    knowledge,
    chat,
    evaluation,
    requirements,
    imagery,
    insights,
)
"""In an order in which each refers only to those before it."""


def upgrade() -> None:
    """Apply."""
    for section in SECTIONS:
        section.create()


def downgrade() -> None:
    """Undo."""
    for section in reversed(SECTIONS):
        section.drop()
