"""answers as they come: events of conversations, states of messages, jobs of documents and answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0005"
down_revision = "tenant_0004"
branch_labels = None
depends_on = None

STATES = ("streaming", "completed", "stopped", "failed")
KINDS = (
    "message_created",
    "run_step",
    "message_delta",
    "citations_added",
    "message_completed",
    "message_failed",
    "message_reset",
)
JOBS = ("pdf_extraction", "comparison", "ai_analysis", "upkeep")
MORE_JOBS = (*JOBS[:3], "document_processing", "chat_answer", "upkeep")


def words(*values: str, name: str) -> sa.Enum:
    """A column of these words, checked by a constraint of its own."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=False, length=20)


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
    op.add_column(
        "conversations",
        sa.Column("event_count", sa.BigInteger(), server_default="0", nullable=False),
        schema="tenant",
    )
    state = words(*STATES, name="message_state")
    op.add_column(
        "messages", sa.Column("state", state, server_default="completed", nullable=False), schema="tenant"
    )
    op.create_check_constraint(
        op.f("ck_messages_message_state"), "messages", sa.column("state").in_(STATES), schema="tenant"
    )
    op.add_column("messages", sa.Column("error_code", sa.String(length=50), nullable=True), schema="tenant")
    op.create_index(
        op.f("ix_messages_company_id_conversation_id"),
        "messages",
        ["company_id", "conversation_id"],
        schema="tenant",
        postgresql_where=sa.text("state = 'streaming'"),
    )
    op.create_table(
        "conversation_events",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", words(*KINDS, name="conversation_event_kind"), nullable=False),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            sa.column("kind").in_(KINDS), name=op.f("ck_conversation_events_conversation_event_kind")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "conversation_id"],
            ["tenant.conversations.company_id", "tenant.conversations.id"],
            name=op.f("fk_conversation_events_company_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "message_id"],
            ["tenant.messages.company_id", "tenant.messages.id"],
            name=op.f("fk_conversation_events_company_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_conversation_events")),
        schema="tenant",
    )
    for columns, unique in (
        (("conversation_id", "sequence"), True),
        (("message_id", "sequence"), False),
        (("created_at",), False),
    ):
        op.create_index(
            op.f(f"ix_conversation_events_company_id_{'_'.join(columns)}"),
            "conversation_events",
            ["company_id", *columns],
            unique=unique,
            schema="tenant",
        )
    op.enable_tenant_rls("conversation_events")


def downgrade() -> None:
    """Undo. Refused by the database while there are jobs of documents or answers."""
    op.drop_table("conversation_events", schema="tenant")
    op.drop_index(op.f("ix_messages_company_id_conversation_id"), table_name="messages", schema="tenant")
    op.drop_column("messages", "error_code", schema="tenant")
    op.drop_column("messages", "state", schema="tenant")
    op.drop_column("conversations", "event_count", schema="tenant")
    allow_jobs(*JOBS)
