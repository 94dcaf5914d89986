"""The two planes' declarative bases, and the vocabulary that models are written in."""

from datetime import datetime
from enum import Enum
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
"""An instant that is the transaction's own unless given."""

UpdatedAt = Annotated[datetime, mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())]
"""The instant of the last change."""

Str20 = Annotated[str, mapped_column(sa.String(20))]
Str50 = Annotated[str, mapped_column(sa.String(50))]
Str100 = Annotated[str, mapped_column(sa.String(100))]
Str255 = Annotated[str, mapped_column(sa.String(255))]
Str500 = Annotated[str, mapped_column(sa.String(500))]
Count = Annotated[int, mapped_column(server_default="0")]
Flag = Annotated[bool, mapped_column(server_default=sa.false())]


class Model(DeclarativeBase):
    """What the models of both planes have in common."""

    type_annotation_map = COLUMN_TYPES
    plane: ClassVar[str]


class PlatformModel(Model):
    """A row of the primary plane: who exists, and where their data lives."""

    __abstract__ = True
    metadata = sa.MetaData(schema=PLATFORM, naming_convention=NAMING_CONVENTION, info={"plane": "control"})
    plane = PLATFORM


class TenantModel(Model):
    """A row of a company, wherever that company is placed; fenced by row-level security."""

    __abstract__ = True
    metadata = sa.MetaData(schema=TENANT, naming_convention=NAMING_CONVENTION, info={"plane": "tenant"})
    plane = TENANT


class PrimaryKey:
    """A primary key made by the application."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


class TenantKey:
    """The company-first key of every tenant table."""

    company_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=sa.text(CURRENT_COMPANY), sort_order=-2
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


def enum_column(kind: type[Enum], default: Enum | None = None, **options: Any) -> Any:
    """A column of lower-case words, checked by the database; `default` is the server's."""
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
    """A foreign key that cannot cross companies: (company_id, column) to the target's (company_id, id)."""
    rule = f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete
    remote = [f"{TENANT}.{target}.company_id", f"{TENANT}.{target}.id"]
    return sa.ForeignKeyConstraint(["company_id", column], remote, ondelete=rule)


def company_foreign_key() -> sa.ForeignKeyConstraint:
    """Deleting the company's anchor row deletes this row."""
    return sa.ForeignKeyConstraint(["company_id"], [f"{TENANT}.tenants.company_id"], ondelete="CASCADE")


def tenant_index(*columns: str, unique: bool = False, where: str | None = None) -> sa.Index:
    """An index that row-level security can use: it starts with the company."""
    condition = sa.text(where) if where else None
    return sa.Index(None, "company_id", *columns, unique=unique, postgresql_where=condition)


def view_relationship(join: str) -> Any:
    """A relationship as vocabulary for the loaders: nothing is loaded, cascaded or written through it."""
    return relationship(primaryjoin=join, viewonly=True, lazy="raise")
