"""Array parameters: the text of a statement does not depend on the number of values."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, LargeBinary, Text, Uuid, all_, any_, bindparam, func, literal
from sqlalchemy.dialects.postgresql import ARRAY

UUIDS = ARRAY(Uuid())
TEXTS = ARRAY(Text())
BYTES = ARRAY(LargeBinary())
INTEGERS = ARRAY(Integer())
INSTANTS = ARRAY(DateTime(timezone=True))


def unnest_table(columns: Mapping[str, tuple[Sequence[Any], Any]], name: str) -> Any:
    """A table of these columns, each given with its array type; the text does not depend on the rows."""
    arrays = [literal(list(values), type) for values, type in columns.values()]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name=name)


def any_id(ids: Sequence[UUID]) -> Any:
    """For `column == any_id(ids)`, which is `column IN (ids)`."""
    return any_(bindparam(None, list(ids), type_=UUIDS))


def all_ids(ids: Sequence[UUID]) -> Any:
    """For `column != all_ids(ids)`, which is `column NOT IN (ids)`."""
    return all_(bindparam(None, list(ids), type_=UUIDS))


def any_bytes(values: Sequence[bytes]) -> Any:
    """For `column == any_bytes(values)`, which is `column IN (values)`."""
    return any_(bindparam(None, list(values), type_=BYTES))


def any_text(texts: Sequence[str]) -> Any:
    """For `column == any_text(texts)`, which is `column IN (texts)`."""
    return any_(bindparam(None, list(texts), type_=TEXTS))


def all_text(texts: Sequence[str]) -> Any:
    """For `column != all_text(texts)`, which is `column NOT IN (texts)`."""
    return all_(bindparam(None, list(texts), type_=TEXTS))
