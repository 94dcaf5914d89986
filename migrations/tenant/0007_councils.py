"""councils: how a conversation is answered, and how an answer was made."""

import sqlalchemy as sa
from alembic import op

revision = "tenant_0007"
down_revision = "tenant_0006"
branch_labels = None
depends_on = None

MODES = ("answer", "council")
STRATEGIES = ("weighted_confidence", "highest_confidence", "majority", "synthesis")


def add_words(table: str, column: str, name: str, words: tuple[str, ...], default: str | None) -> None:
    """A column of these words; every row has one where there is a default."""
    kind = sa.Enum(*words, name=name, native_enum=False, create_constraint=False, length=20)
    added: sa.Column[str] = sa.Column(column, kind, server_default=default, nullable=default is None)
    op.add_column(table, added, schema="tenant")
    allowed = sa.column(column).in_(words)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, allowed, schema="tenant")


def add_rounds(table: str, default: str | None) -> None:
    """How many rounds a council has, 5 at most."""
    added = sa.Column("council_rounds", sa.Integer(), server_default=default, nullable=default is None)
    op.add_column(table, added, schema="tenant")
    allowed = sa.text("council_rounds BETWEEN 1 AND 5")
    op.create_check_constraint(op.f(f"ck_{table}_council_rounds"), table, allowed, schema="tenant")


def upgrade() -> None:
    """Apply."""
    for table, mode, strategy, rounds in (
        ("conversations", "answer", "weighted_confidence", "1"),
        ("messages", None, None, None),
    ):
        add_words(table, "mode", "answer_mode", MODES, mode)
        add_words(table, "council_strategy", "council_strategy", STRATEGIES, strategy)
        add_rounds(table, rounds)


def downgrade() -> None:
    """Undo."""
    for table in ("messages", "conversations"):
        for column in ("council_rounds", "council_strategy", "mode"):
            op.drop_column(table, column, schema="tenant")
