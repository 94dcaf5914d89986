"""The tables with rows of companies, in the order in which rows can be inserted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.base import TenantModel
from db.models import Lease, OutboxMessage

DIALECT: sa.Dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]

HEARTBEATS = ("heartbeat_at", "entry_id")
"""Columns of leases that workers and sweeps write for all companies, also while a company moves."""


@dataclass(frozen=True)
class CompanyTable:
    """A table with rows of companies.

    `key` identifies a row of a company, and `late` are columns that refer to rows which may be inserted
    later. `volatile` columns may change while the company moves. Rows in transit are copied last, and the
    target may have others.
    """

    name: str
    columns: Sequence[str]
    key: str
    key_type: str
    conflict: Sequence[str]
    late: Sequence[str] = ()
    volatile: Sequence[str] = ()
    in_transit: bool = False

    @property
    def stable(self) -> Sequence[str]:
        """The columns that change only with the company's own transactions."""
        return [name for name in self.columns if name not in self.volatile]

    def read_key(self, text: str) -> UUID | bytes:
        """A key from its text."""
        return UUID(text) if self.key_type == "UUID" else bytes.fromhex(text.removeprefix("\\x"))

    def listed(self, names: Sequence[str] | None = None) -> str:
        """Columns in SQL."""
        return ", ".join(f'"{name}"' for name in names or self.columns)


@cache
def company_tables() -> Sequence[CompanyTable]:
    """All tables with rows of companies, parents before their children."""
    return (
        *_tenant_tables(),
        _describe(Lease.__table__, volatile=HEARTBEATS),
        _describe(OutboxMessage.__table__, in_transit=True),
    )


def _tenant_tables() -> Iterator[CompanyTable]:
    earlier: set[sa.Table] = set()
    for table in TenantModel.metadata.sorted_tables:
        late = [one for one in table.foreign_key_constraints if one.referred_table not in earlier]
        names = [name for one in late for name in one.column_keys if name != "company_id"]
        yield _describe(table, late=names)
        earlier.add(table)


def _describe(
    table: sa.FromClause, *, late: Sequence[str] = (), volatile: Sequence[str] = (), in_transit: bool = False
) -> CompanyTable:
    assert isinstance(table, sa.Table)
    primary = [column.name for column in table.primary_key]
    key = table.columns[primary[-1]]
    assert primary in (["company_id"], ["id"], ["company_id", key.name]), f"{table} has the key {primary}"
    return CompanyTable(
        table.fullname,
        [column.name for column in table.columns],
        key.name,
        key.type.compile(DIALECT),
        primary,
        late,
        volatile,
        in_transit,
    )
