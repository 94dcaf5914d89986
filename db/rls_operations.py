"""Row-level security in migrations: operations of Alembic, and their autogeneration."""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult

from db.rls import POLICY, SCHEMA, disable_sql, enable_sql


@Operations.register_operation("enable_tenant_rls")
class EnableTenantRLS(MigrateOperation):
    """`op.enable_tenant_rls("table")`: enables row-level security on a tenant table."""

    def __init__(self, table: str) -> None:
        self.table = table

    @classmethod
    def enable_tenant_rls(cls, operations: Operations, table: str) -> Any:
        """Enables row-level security on `table`."""
        return operations.invoke(cls(table))

    def reverse(self) -> "DisableTenantRLS":
        return DisableTenantRLS(self.table)

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("enable_tenant_rls", self.table)


@Operations.register_operation("disable_tenant_rls")
class DisableTenantRLS(MigrateOperation):
    """`op.disable_tenant_rls("table")`: disables row-level security in a downgrade."""

    def __init__(self, table: str) -> None:
        self.table = table

    @classmethod
    def disable_tenant_rls(cls, operations: Operations, table: str) -> Any:
        """Disables row-level security on `table`."""
        return operations.invoke(cls(table))

    def reverse(self) -> EnableTenantRLS:
        return EnableTenantRLS(self.table)


@Operations.implementation_for(EnableTenantRLS)
def _enable(operations: Operations, operation: EnableTenantRLS) -> None:
    for statement in enable_sql(operation.table):
        operations.execute(statement)


@Operations.implementation_for(DisableTenantRLS)
def _disable(operations: Operations, operation: DisableTenantRLS) -> None:
    for statement in disable_sql(operation.table):
        operations.execute(statement)


@renderers.dispatch_for(EnableTenantRLS)
def _render_enable(context: AutogenContext, operation: EnableTenantRLS) -> str:
    return f"op.enable_tenant_rls({operation.table!r})"


@renderers.dispatch_for(DisableTenantRLS)
def _render_disable(context: AutogenContext, operation: DisableTenantRLS) -> str:
    return f"op.disable_tenant_rls({operation.table!r})"


def _compare(context: AutogenContext, upgrade_ops: Any, schemas: Any) -> PriorityDispatchResult:
    """Detects tenant tables without row-level security, for autogenerate and `seshat migrate check`."""
    metadata: Any = context.metadata
    if metadata.info.get("plane") != "tenant" or context.connection is None:
        return PriorityDispatchResult.CONTINUE
    secured = sa.text(
        "SELECT c.relname FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = :schema "
        "JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = :policy "
        "WHERE c.relrowsecurity AND c.relforcerowsecurity"
    )
    found = set(context.connection.execute(secured, {"schema": SCHEMA, "policy": POLICY}).scalars())
    for table in sorted({table.name for table in metadata.tables.values()} - found):
        upgrade_ops.ops.append(EnableTenantRLS(table))
    return PriorityDispatchResult.CONTINUE


def setup(plugin: Plugin) -> None:
    """Called by Alembic: registers the comparator."""
    plugin.add_autogenerate_comparator(_compare, "schema", priority=DispatchPriority.LAST)
