"""Who reads the rows within conversations and documents, stored in each row."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

COLLEAGUES = UUID(int=0)
"""The reader of rows that the whole company reads."""

PUBLIC = UUID(int=1)
"""The reader of rows that the platform publishes to all companies."""


class ReaderKey:
    """Mixin: who reads the row, beside those who oversee all; null if the row is hidden from them too.

    A user, `COLLEAGUES` or `PUBLIC`. Triggers take it from the conversation or document, also when that
    changes.
    """

    reader_id: Mapped[UUID | None] = mapped_column(sort_order=1)


def overseen_index(table: str, *order: str) -> sa.Index:
    """An index of a list in this order, of the rows that those who oversee all read."""
    columns = ("company_id", *order)
    name = "_".join(("ix", table, "overseen", *columns))
    return sa.Index(name, *columns, postgresql_where=sa.text("reader_id IS NOT NULL"))
