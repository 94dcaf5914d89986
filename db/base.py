"""Declarative bases of the two planes, column types, and helpers for keys, indexes and relationships."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from itertools import combinations
from typing import Annotated, Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from db.ids import new_id
from db.rls import CURRENT_COMPANY

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
PLATFORM, TENANT = "platform", "tenant"
COLUMN_TYPES: dict[Any, Any] = {
    str: sa.Text,
    datetime: sa.DateTime(timezone=True),
    UUID: sa.Uuid,
    dict[str, Any]: JSONB(none_as_null=True),
    list[Any]: JSONB(none_as_null=True),
    list[str]: JSONB(none_as_null=True),
}

Instant = Annotated[datetime, mapped_column(server_default=sa.func.now())]
"""A timestamp that defaults to the start of the transaction."""

UpdatedAt = Annotated[datetime, mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())]
"""The time of the last update."""

Str20 = Annotated[str, mapped_column(sa.String(20))]
Str50 = Annotated[str, mapped_column(sa.String(50))]
Str100 = Annotated[str, mapped_column(sa.String(100))]
Str255 = Annotated[str, mapped_column(sa.String(255))]
Str500 = Annotated[str, mapped_column(sa.String(500))]
Count = Annotated[int, mapped_column(server_default="0")]
Flag = Annotated[bool, mapped_column(server_default=sa.false())]


class Model(DeclarativeBase):
    """Base class of the models of both planes."""

    type_annotation_map = COLUMN_TYPES
    plane: ClassVar[str]


class PlatformModel(Model):
    """Base class of the platform plane: companies, users, and the location of tenant data."""

    __abstract__ = True
    metadata = sa.MetaData(schema=PLATFORM, naming_convention=NAMING_CONVENTION, info={"plane": "control"})
    plane = PLATFORM


class LocalModel(PlatformModel):
    """Base class of tables that every database has, for the companies that are placed there."""

    __abstract__ = True


class TenantModel(Model):
    """Base class of the tenant plane: rows of companies, isolated by row-level security."""

    __abstract__ = True
    metadata = sa.MetaData(schema=TENANT, naming_convention=NAMING_CONVENTION, info={"plane": "tenant"})
    plane = TENANT


class PrimaryKey:
    """Mixin: a UUID primary key that the application generates."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


class TenantKey:
    """Mixin: the primary key of tenant tables, which starts with the company."""

    company_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=sa.text(CURRENT_COMPANY), sort_order=-2
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


def enum_column(kind: type[Enum], default: Enum | None = None, **options: Any) -> Any:
    """A text column with a check constraint on the enum's values; `default` is the server default."""
    words = [member.value for member in kind]
    name = "".join("_" + c.lower() if c.isupper() else c for c in kind.__name__).strip("_")
    stored = sa.Enum(
        kind,
        native_enum=False,
        length=max(20, *map(len, words)),
        values_callable=lambda members: [member.value for member in members],
        create_constraint=True,
        name=name,
    )
    if default is not None:
        options["server_default"] = default.value
    return mapped_column(stored, **options)


def tenant_foreign_key(target: str, column: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A foreign key within a company: (company_id, column) references the target's (company_id, id)."""
    rule = f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete
    remote = [f"{TENANT}.{target}.company_id", f"{TENANT}.{target}.id"]
    return sa.ForeignKeyConstraint(["company_id", column], remote, ondelete=rule)


def company_foreign_key() -> sa.ForeignKeyConstraint:
    """A foreign key to the company's row in `tenants`; deleting that row deletes this row."""
    return sa.ForeignKeyConstraint(["company_id"], [f"{TENANT}.tenants.company_id"], ondelete="CASCADE")


def tenant_index(*columns: str, unique: bool = False, where: str | None = None) -> sa.Index:
    """An index that starts with the company, so that row-level security can use it."""
    condition = sa.text(where) if where else None
    return sa.Index(None, "company_id", *columns, unique=unique, postgresql_where=condition)


def list_indexes(
    *order: str, filters: Sequence[str], pairs: Iterable[tuple[str, str]] | None = None
) -> tuple[sa.Index, ...]:
    """Indexes of a list in this order: alone, after each filter, and after each pair of filters."""
    prefixes = [(), *((name,) for name in filters), *(combinations(filters, 2) if pairs is None else pairs)]
    return tuple(tenant_index(*prefix, *order) for prefix in prefixes)


def view_relationship(join: str) -> Any:
    """A view-only relationship for the loaders. Accessing it on a row raises."""
    return relationship(primaryjoin=join, viewonly=True, lazy="raise")
