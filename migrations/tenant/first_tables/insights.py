"""Company profiles, energy sources, consumption, and energy reports."""

import sqlalchemy as sa

from migrations.tables import INSTANT, JSON, NOW, one_of
from migrations.tenant.first_tables.vocabulary import (
    create_index,
    create_table,
    create_unique,
    drop_tables,
    references,
    references_tenant,
)


def create() -> None:
    """Create the tables."""
    create_table(
        "company_profiles",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("industry", sa.String(100)),
        sa.Column("location", sa.String(255)),
        sa.Column("target_year", sa.Integer()),
        sa.Column("renewable_percentage_increase", sa.Double()),
        sa.Column("budget", sa.Double()),
        sa.Column("historical_data_uploaded", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("chroma_collection_name", sa.String(255)),
        sa.Column("total_consumption_kwh", sa.Double()),
        sa.Column("current_renewable_percentage", sa.Double()),
        sa.Column("sustainability_score", sa.Double()),
        sa.Column("onboarding_completed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("energy_mix_weight", sa.Double(), server_default="0.4", nullable=False),
        sa.Column("price_optimization_weight", sa.Double(), server_default="0.35", nullable=False),
        sa.Column("portfolio_decision_weight", sa.Double(), server_default="0.25", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("target_year BETWEEN 2025 AND 2100", name="target_year"),
        sa.CheckConstraint("renewable_percentage_increase BETWEEN 0 AND 100", name="increase"),
        sa.CheckConstraint("budget > 0", name="budget"),
        sa.CheckConstraint("total_consumption_kwh >= 0", name="consumption"),
        sa.CheckConstraint("current_renewable_percentage BETWEEN 0 AND 100", name="current_renewable"),
        sa.CheckConstraint("sustainability_score BETWEEN 0 AND 100", name="sustainability_score"),
        sa.CheckConstraint(
            "energy_mix_weight + price_optimization_weight + portfolio_decision_weight BETWEEN 0.95 AND 1.05",
            name="weights",
        ),
        references_tenant(),
    )
    create_unique("company_profiles", "company_id")

    create_table(
        "energy_sources",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("code", sa.String(50), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("cost_per_kwh", sa.Double(), nullable=False),
        sa.Column("capacity_factor", sa.Double(), nullable=False),
        sa.Column("reliability", sa.Double(), nullable=False),
        sa.Column("renewable_share", sa.Double(), nullable=False),
        sa.Column("intermittent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("share_limit", sa.Double(), nullable=False),
        sa.Column("yearly_growth", sa.Double(), nullable=False),
        sa.Column("efficiency", sa.Double(), server_default="1", nullable=False),
        sa.Column("provenance", sa.String(500), nullable=False),
        sa.Column("edited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        one_of("energy_source_kind", "kind", "renewable", "grid", "storage"),
        sa.CheckConstraint("cost_per_kwh >= 0", name="cost"),
        sa.CheckConstraint("capacity_factor BETWEEN 0 AND 1", name="capacity_factor"),
        sa.CheckConstraint("reliability BETWEEN 0 AND 1", name="reliability"),
        sa.CheckConstraint("renewable_share BETWEEN 0 AND 1", name="renewable_share"),
        sa.CheckConstraint("share_limit BETWEEN 0 AND 1", name="share_limit"),
        sa.CheckConstraint("yearly_growth BETWEEN 0 AND 1", name="yearly_growth"),
        sa.CheckConstraint("efficiency > 0 AND efficiency <= 1", name="efficiency"),
        references_tenant(),
    )
    create_index("energy_sources", "code", unique=True)

    create_table(
        "historical_data_imports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("summary", JSON),
        sa.Column("document_id", sa.Uuid()),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("completed_at", INSTANT),
        references_tenant(),
    )
    create_index("historical_data_imports", "created_at", "id")

    create_table(
        "consumption_readings",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(20), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("kwh", sa.Double(), nullable=False),
        sa.Column("renewable_kwh", sa.Double()),
        sa.Column("coverage", sa.Double(), nullable=False),
        one_of("reading_period", "period", "day", "month"),
        sa.CheckConstraint("kwh >= 0 AND renewable_kwh >= 0", name="energy"),
        sa.CheckConstraint("coverage BETWEEN 0 AND 1", name="coverage"),
        references("historical_data_imports", "import_id"),
    )
    create_index("consumption_readings", "import_id", "period", "starts_on", unique=True)
    create_index("consumption_readings", "import_id", "starts_on", "id")

    create_table(
        "reports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("report_type", sa.String(50), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("report_data", JSON),
        sa.Column("confidence", sa.Double()),
        sa.Column("generated_text", sa.Text()),
        sa.Column("token_usage", JSON),
        sa.Column("event_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("requested_by_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("generated_at", INSTANT),
        one_of("report_method", "method", "optimal", "proportional"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        references_tenant(),
    )
    create_index("reports", "created_at", "id")

    create_table(
        "report_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("step", sa.String(50)),
        sa.Column("detail", JSON),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        one_of("report_event_kind", "kind", "step_started", "step_completed", "completed", "failed"),
        references("reports", "report_id"),
    )
    create_index("report_events", "report_id", "sequence", unique=True)

    create_table(
        "saved_reports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("report_id", sa.String(64), nullable=False),
        sa.Column("report_type", sa.String(50)),
        sa.Column("report_data", JSON),
        sa.Column("title", sa.String(500)),
        sa.Column("tags", JSON, server_default="[]", nullable=False),
        sa.Column("confidence", sa.Double()),
        sa.Column("token_usage", JSON),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("generated_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("saved_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("method", sa.String(20)),
        sa.Column("config", JSON),
        sa.Column("generated_text", sa.Text()),
        sa.Column("edited_text", sa.Text()),
        sa.Column("edited_at", INSTANT),
        sa.Column("edited_by_id", sa.Uuid()),
        sa.Column("document_id", sa.Uuid()),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("files", JSON, server_default="[]", nullable=False),
        one_of("report_method", "method", "optimal", "proportional"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        references_tenant(),
    )
    create_index("saved_reports", "report_id", unique=True)
    create_index("saved_reports", "report_type", "saved_at", "id")
    create_index("saved_reports", "saved_at", "id")
    create_index("saved_reports", "user_id", "saved_at", "id")


def drop() -> None:
    """Drop the tables."""
    drop_tables(
        "saved_reports",
        "report_events",
        "reports",
        "consumption_readings",
        "historical_data_imports",
        "energy_sources",
        "company_profiles",
    )
