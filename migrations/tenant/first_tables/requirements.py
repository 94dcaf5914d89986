"""Requirement proposals and exports."""

import sqlalchemy as sa

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import create_index, create_table, drop_tables, references


def create() -> None:
    """Create the tables."""
    create_table(
        "requirement_proposals",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid()),
        sa.Column("description", sa.Text()),
        sa.Column("document_ids", JSON, server_default="[]", nullable=False),
        sa.Column("component_type", sa.String(20)),
        sa.Column("classification_confidence", sa.Double()),
        sa.Column("classification_rationale", sa.Text()),
        sa.Column("design", JSON),
        sa.Column("model", sa.Text()),
        sa.Column("stage", sa.String(20), server_default="starting", nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("item_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("proposal_latency_ms", sa.Integer()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("completed_at", INSTANT),
        one_of(
            "component_type",
            "component_type",
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
        ),
        one_of(
            "proposal_stage",
            "stage",
            "starting",
            "classifying",
            "analyzing",
            "finalizing",
            "complete",
            "failed",
        ),
        sa.CheckConstraint("classification_confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("proposal_latency_ms >= 0", name="latency"),
        references("members", "user_id"),
        references("uploads", "upload_id", ondelete="SET NULL"),
    )
    create_index("requirement_proposals", "component_type", "created_at", "id")
    create_index("requirement_proposals", "created_at", "id")
    create_index("requirement_proposals", "stage", "created_at", "id")
    create_index("requirement_proposals", "upload_id")
    create_index("requirement_proposals", "user_id", "created_at", "id")

    create_table(
        "proposed_requirements",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(20), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(255)),
        sa.Column("requirement", sa.Text()),
        sa.Column("values", JSON, server_default="[]", nullable=False),
        sa.Column("required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("rationale", sa.Text()),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("source", sa.String(255)),
        sa.Column("citation", JSON),
        sa.Column("approved", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("edited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("custom", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("original", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("requirement_category", "category", "props", "events", "states", "accessibility"),
        one_of(
            "requirement_origin",
            "origin",
            "pattern_library",
            "description",
            "design",
            "document",
            "model",
            "person",
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("NOT (approved AND removed)", name="decision"),
        references("requirement_proposals", "proposal_id"),
    )
    create_index("proposed_requirements", "proposal_id", "category", "key", unique=True)
    create_index("proposed_requirements", "proposal_id", "confidence", "id")
    create_index("proposed_requirements", "proposal_id", "sequence", unique=True)

    create_table(
        "requirement_exports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("component_type", sa.String(100), nullable=False),
        sa.Column("requirements", JSON, nullable=False),
        sa.Column("approved_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("edited_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("custom_added_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("proposal_latency_ms", sa.Integer()),
        sa.Column("used_in_pattern_retrieval", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("used_in_code_generation", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pattern_retrieval_at", INSTANT),
        sa.Column("code_generation_at", INSTANT),
        sa.Column("proposal_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "approved_count >= 0 AND edited_count >= 0 AND custom_added_count >= 0 AND proposal_latency_ms >= 0",
            name="counts",
        ),
        references("members", "user_id"),
        references("requirement_proposals", "proposal_id", ondelete="SET NULL"),
    )
    create_index("requirement_exports", "component_type", "created_at", "id")
    create_index("requirement_exports", "created_at", "id")
    create_index("requirement_exports", "proposal_id")
    create_index("requirement_exports", "proposal_latency_ms", "id")
    create_index("requirement_exports", "user_id", "created_at", "id")
    create_index("requirement_exports", "user_id", "proposal_latency_ms", "id")


def drop() -> None:
    """Drop the tables."""
    drop_tables("requirement_exports", "proposed_requirements", "requirement_proposals")
