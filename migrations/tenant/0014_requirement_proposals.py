"""requirement proposals: what is proposed of a component, and when exports of it were used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0014"
down_revision = "tenant_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "requirement_proposals",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "document_ids",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "component_type",
            sa.Enum(
                "button",
                "card",
                "input",
                "select",
                "checkbox",
                "radio",
                "switch",
                "tabs",
                "badge",
                "alert",
                name="component_type",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=True,
        ),
        sa.Column("classification_confidence", sa.Double(), nullable=True),
        sa.Column("classification_rationale", sa.Text(), nullable=True),
        sa.Column("design", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column(
            "stage",
            sa.Enum(
                "starting",
                "classifying",
                "analyzing",
                "finalizing",
                "complete",
                "failed",
                name="proposal_stage",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            server_default="starting",
            nullable=False,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("item_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("proposal_latency_ms", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "classification_confidence BETWEEN 0 AND 1", name=op.f("ck_requirement_proposals_confidence")
        ),
        sa.CheckConstraint("proposal_latency_ms >= 0", name=op.f("ck_requirement_proposals_latency")),
        sa.ForeignKeyConstraint(
            ["company_id", "upload_id"],
            ["tenant.uploads.company_id", "tenant.uploads.id"],
            name=op.f("fk_requirement_proposals_company_id_upload_id"),
            ondelete="SET NULL (upload_id)",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["tenant.members.company_id", "tenant.members.id"],
            name=op.f("fk_requirement_proposals_company_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_requirement_proposals")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_requirement_proposals_company_id_component_type_created_at_id"),
        "requirement_proposals",
        ["company_id", "component_type", "created_at", "id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_requirement_proposals_company_id_created_at_id"),
        "requirement_proposals",
        ["company_id", "created_at", "id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_requirement_proposals_company_id_stage_created_at_id"),
        "requirement_proposals",
        ["company_id", "stage", "created_at", "id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_requirement_proposals_company_id_upload_id"),
        "requirement_proposals",
        ["company_id", "upload_id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_requirement_proposals_company_id_user_id_created_at_id"),
        "requirement_proposals",
        ["company_id", "user_id", "created_at", "id"],
        schema="tenant",
    )
    op.create_table(
        "proposed_requirements",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "props",
                "events",
                "states",
                "accessibility",
                name="requirement_category",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=True),
        sa.Column("requirement", sa.Text(), nullable=True),
        sa.Column(
            "values",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "pattern_library",
                "description",
                "design",
                "document",
                "model",
                "person",
                name="requirement_origin",
                native_enum=False,
                create_constraint=True,
                length=20,
                schema="tenant",
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=255), nullable=True),
        sa.Column("citation", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("approved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("edited", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("custom", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("original", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("NOT (approved AND removed)", name=op.f("ck_proposed_requirements_decision")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_proposed_requirements_confidence")),
        sa.ForeignKeyConstraint(
            ["company_id", "proposal_id"],
            ["tenant.requirement_proposals.company_id", "tenant.requirement_proposals.id"],
            name=op.f("fk_proposed_requirements_company_id_proposal_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_proposed_requirements")),
        schema="tenant",
    )
    op.create_index(
        op.f("ix_proposed_requirements_company_id_proposal_id_category_key"),
        "proposed_requirements",
        ["company_id", "proposal_id", "category", "key"],
        unique=True,
        schema="tenant",
    )
    op.create_index(
        op.f("ix_proposed_requirements_company_id_proposal_id_confidence_id"),
        "proposed_requirements",
        ["company_id", "proposal_id", "confidence", "id"],
        schema="tenant",
    )
    op.create_index(
        op.f("ix_proposed_requirements_company_id_proposal_id_sequence"),
        "proposed_requirements",
        ["company_id", "proposal_id", "sequence"],
        unique=True,
        schema="tenant",
    )
    op.add_column(
        "requirement_exports",
        sa.Column("pattern_retrieval_at", sa.DateTime(timezone=True), nullable=True),
        schema="tenant",
    )
    op.add_column(
        "requirement_exports",
        sa.Column("code_generation_at", sa.DateTime(timezone=True), nullable=True),
        schema="tenant",
    )
    op.add_column("requirement_exports", sa.Column("proposal_id", sa.Uuid(), nullable=True), schema="tenant")
    op.create_index(
        op.f("ix_requirement_exports_company_id_proposal_id"),
        "requirement_exports",
        ["company_id", "proposal_id"],
        schema="tenant",
    )
    op.create_foreign_key(
        op.f("fk_requirement_exports_company_id_proposal_id"),
        "requirement_exports",
        "requirement_proposals",
        ["company_id", "proposal_id"],
        ["company_id", "id"],
        source_schema="tenant",
        referent_schema="tenant",
        ondelete="SET NULL (proposal_id)",
    )
    op.enable_tenant_rls("proposed_requirements")
    op.enable_tenant_rls("requirement_proposals")


def downgrade() -> None:
    """Undo."""
    op.drop_constraint(
        op.f("fk_requirement_exports_company_id_proposal_id"), "requirement_exports", schema="tenant"
    )
    op.drop_index(
        op.f("ix_requirement_exports_company_id_proposal_id"),
        table_name="requirement_exports",
        schema="tenant",
    )
    for column in ("proposal_id", "code_generation_at", "pattern_retrieval_at"):
        op.drop_column("requirement_exports", column, schema="tenant")
    op.drop_table("proposed_requirements", schema="tenant")
    op.drop_table("requirement_proposals", schema="tenant")
