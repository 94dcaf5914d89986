"""Store what energy plans need for hours, money and emissions."""

import sqlalchemy as sa
from alembic import op

from migrations.backfills import backfill
from migrations.constraints import add_constraint

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

COLUMNS: dict[str, tuple[sa.Column[object], ...]] = {
    "company_profiles": (
        sa.Column("latitude", sa.Double()),
        sa.Column("currency", sa.String(3)),
        sa.Column("discount_rate", sa.Double(), server_default="0.06", nullable=False),
        sa.Column("price_escalation", sa.Double(), server_default="0", nullable=False),
        sa.Column("asset_life_years", sa.Integer(), server_default="20", nullable=False),
        sa.Column("demand_price_per_kw", sa.Double(), server_default="0", nullable=False),
        sa.Column("feed_in_price_per_kwh", sa.Double(), server_default="0", nullable=False),
    ),
    "energy_sources": (
        sa.Column("profile", sa.String(20), server_default="steady", nullable=False),
        sa.Column("investment_per_kw", sa.Double()),
        sa.Column("operating_cost_per_kwh", sa.Double(), server_default="0", nullable=False),
        sa.Column("life_years", sa.Integer()),
        sa.Column("existing_kw", sa.Double(), server_default="0", nullable=False),
        sa.Column("emission_factor", sa.Double(), server_default="0", nullable=False),
        sa.Column("market_emission_factor", sa.Double()),
        sa.Column("on_site", sa.Boolean(), server_default=sa.false(), nullable=False),
    ),
}
CHECKS = {
    "company_profiles": {
        "latitude": "latitude BETWEEN -90 AND 90",
        "discount_rate": "discount_rate > 0 AND discount_rate <= 1",
        "price_escalation": "price_escalation BETWEEN -0.2 AND 0.2",
        "asset_life": "asset_life_years BETWEEN 1 AND 60",
        "demand_price": "demand_price_per_kw >= 0",
        "feed_in_price": "feed_in_price_per_kwh >= 0",
    },
    "energy_sources": {
        "generation_profile": "profile IN ('steady', 'solar', 'wind')",
        "investment": "investment_per_kw >= 0",
        "operating_cost": "operating_cost_per_kwh >= 0",
        "life": "life_years BETWEEN 1 AND 60",
        "existing": "existing_kw >= 0",
        "emission_factors": "emission_factor >= 0 AND market_emission_factor >= 0",
    },
}
KINDS = ("renewable", "grid", "storage")
NEW_KINDS = ("cogeneration", "heat_pump")


def upgrade() -> None:
    """Apply."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, schema="tenant", if_not_exists=True)
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            add_constraint("tenant", table, f"ck_{table}_{name}", f"CHECK ({condition})")
    _allow_kinds(*KINDS, *NEW_KINDS)
    for code in ("solar", "wind"):
        backfill(
            "tenant",
            "energy_sources",
            f"profile = '{code}'",
            where=f"code = '{code}' AND profile <> '{code}'",
        )
    backfill(
        "tenant", "energy_sources", "emission_factor = 0.48", where="code = 'grid' AND emission_factor = 0"
    )


def downgrade() -> None:
    """Undo."""
    for kind in NEW_KINDS:
        backfill("tenant", "energy_sources", "kind = 'renewable', enabled = false", where=f"kind = '{kind}'")
    _allow_kinds(*KINDS)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name, schema="tenant", if_exists=True)


def _allow_kinds(*kinds: str) -> None:
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    add_constraint(
        "tenant", "energy_sources", "ck_energy_sources_energy_source_kind", f"CHECK (kind IN ({allowed}))"
    )
