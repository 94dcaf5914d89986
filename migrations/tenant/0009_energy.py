"""energy: sources, imports of past consumption, reports in the making, and what saved reports carry."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tenant_0009"
down_revision = "tenant_0008"
branch_labels = None
depends_on = None

KINDS = ("renewable", "grid", "storage")
PERIODS = ("day", "month")
METHODS = ("optimal", "proportional")
EVENTS = ("step_started", "step_completed", "completed", "failed")
ADDED = (
    "method",
    "config",
    "generated_text",
    "edited_text",
    "edited_at",
    "edited_by_id",
    "document_id",
    "revision",
    "files",
)


def words(*values: str, name: str) -> sa.Enum:
    """A column of these words, checked by a constraint of its own."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=False, length=20)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "energy_sources",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", words(*KINDS, name="energy_source_kind"), nullable=False),
        sa.Column("cost_per_kwh", sa.Double(), nullable=False),
        sa.Column("capacity_factor", sa.Double(), nullable=False),
        sa.Column("reliability", sa.Double(), nullable=False),
        sa.Column("renewable_share", sa.Double(), nullable=False),
        sa.Column("intermittent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("share_limit", sa.Double(), nullable=False),
        sa.Column("yearly_growth", sa.Double(), nullable=False),
        sa.Column("efficiency", sa.Double(), server_default="1", nullable=False),
        sa.Column("provenance", sa.String(length=500), nullable=False),
        sa.Column("edited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("capacity_factor BETWEEN 0 AND 1", name=op.f("ck_energy_sources_capacity_factor")),
        sa.CheckConstraint("cost_per_kwh >= 0", name=op.f("ck_energy_sources_cost")),
        sa.CheckConstraint("efficiency > 0 AND efficiency <= 1", name=op.f("ck_energy_sources_efficiency")),
        sa.CheckConstraint("reliability BETWEEN 0 AND 1", name=op.f("ck_energy_sources_reliability")),
        sa.CheckConstraint("renewable_share BETWEEN 0 AND 1", name=op.f("ck_energy_sources_renewable_share")),
        sa.CheckConstraint("share_limit BETWEEN 0 AND 1", name=op.f("ck_energy_sources_share_limit")),
        sa.CheckConstraint("yearly_growth BETWEEN 0 AND 1", name=op.f("ck_energy_sources_yearly_growth")),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_energy_sources_company_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(sa.column("kind").in_(KINDS), name=op.f("ck_energy_sources_energy_source_kind")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_energy_sources")),
        schema="tenant",
    )
    op.enable_tenant_rls("energy_sources")
    op.create_index(
        op.f("ix_energy_sources_company_id_code"),
        "energy_sources",
        ["company_id", "code"],
        unique=True,
        schema="tenant",
    )
    op.create_table(
        "historical_data_imports",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("mapping", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_historical_data_imports_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_historical_data_imports")),
        schema="tenant",
    )
    op.enable_tenant_rls("historical_data_imports")
    op.create_index(
        op.f("ix_historical_data_imports_company_id_created_at_id"),
        "historical_data_imports",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
    )
    op.create_table(
        "consumption_readings",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("period", words(*PERIODS, name="reading_period"), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("kwh", sa.Double(), nullable=False),
        sa.Column("renewable_kwh", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.CheckConstraint("coverage BETWEEN 0 AND 1", name=op.f("ck_consumption_readings_coverage")),
        sa.CheckConstraint("kwh >= 0 AND renewable_kwh >= 0", name=op.f("ck_consumption_readings_energy")),
        sa.ForeignKeyConstraint(
            ["company_id", "import_id"],
            ["tenant.historical_data_imports.company_id", "tenant.historical_data_imports.id"],
            name=op.f("fk_consumption_readings_company_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            sa.column("period").in_(PERIODS), name=op.f("ck_consumption_readings_reading_period")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_consumption_readings")),
        schema="tenant",
    )
    op.enable_tenant_rls("consumption_readings")
    op.create_index(
        op.f("ix_consumption_readings_company_id_import_id_period_starts_on"),
        "consumption_readings",
        ["company_id", "import_id", "period", "starts_on"],
        unique=True,
        schema="tenant",
    )
    op.create_index(
        op.f("ix_consumption_readings_company_id_import_id_starts_on_id"),
        "consumption_readings",
        ["company_id", "import_id", "starts_on", "id"],
        unique=False,
        schema="tenant",
    )
    op.create_table(
        "reports",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("report_type", sa.String(length=50), nullable=False),
        sa.Column("method", words(*METHODS, name="report_method"), nullable=False),
        sa.Column("config", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("report_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("generated_text", sa.Text(), nullable=True),
        sa.Column("token_usage", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("event_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_reports_confidence")),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["tenant.tenants.company_id"],
            name=op.f("fk_reports_company_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(sa.column("method").in_(METHODS), name=op.f("ck_reports_report_method")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_reports")),
        schema="tenant",
    )
    op.enable_tenant_rls("reports")
    op.create_index(
        op.f("ix_reports_company_id_created_at_id"),
        "reports",
        ["company_id", "created_at", "id"],
        unique=False,
        schema="tenant",
    )
    op.create_table(
        "report_events",
        sa.Column(
            "company_id",
            sa.Uuid(),
            server_default=sa.text("current_setting('app.company_id')::uuid"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", words(*EVENTS, name="report_event_kind"), nullable=False),
        sa.Column("step", sa.String(length=50), nullable=True),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "report_id"],
            ["tenant.reports.company_id", "tenant.reports.id"],
            name=op.f("fk_report_events_company_id_report_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(sa.column("kind").in_(EVENTS), name=op.f("ck_report_events_report_event_kind")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_report_events")),
        schema="tenant",
    )
    op.enable_tenant_rls("report_events")
    op.create_index(
        op.f("ix_report_events_company_id_report_id_sequence"),
        "report_events",
        ["company_id", "report_id", "sequence"],
        unique=True,
        schema="tenant",
    )
    op.add_column(
        "saved_reports",
        sa.Column("method", words(*METHODS, name="report_method"), nullable=True),
        schema="tenant",
    )
    op.add_column(
        "saved_reports",
        sa.Column("config", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        schema="tenant",
    )
    op.add_column("saved_reports", sa.Column("generated_text", sa.Text(), nullable=True), schema="tenant")
    op.add_column("saved_reports", sa.Column("edited_text", sa.Text(), nullable=True), schema="tenant")
    op.add_column(
        "saved_reports", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True), schema="tenant"
    )
    op.add_column("saved_reports", sa.Column("edited_by_id", sa.Uuid(), nullable=True), schema="tenant")
    op.add_column("saved_reports", sa.Column("document_id", sa.Uuid(), nullable=True), schema="tenant")
    op.add_column(
        "saved_reports",
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        schema="tenant",
    )
    op.add_column(
        "saved_reports",
        sa.Column(
            "files",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        schema="tenant",
    )
    op.create_check_constraint(
        op.f("ck_saved_reports_report_method"),
        "saved_reports",
        sa.column("method").in_(METHODS),
        schema="tenant",
    )


def downgrade() -> None:
    """Undo."""
    for column in reversed(ADDED):
        op.drop_column("saved_reports", column, schema="tenant")
    for table in (
        "report_events",
        "reports",
        "consumption_readings",
        "historical_data_imports",
        "energy_sources",
    ):
        op.drop_table(table, schema="tenant")
