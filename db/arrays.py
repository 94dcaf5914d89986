"""Lists of values as one parameter, so that a statement's text does not depend on how many there are."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, all_, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY

UUIDS = ARRAY(Uuid())
TEXTS = ARRAY(Text())
BYTES = ARRAY(LargeBinary())


def any_id(ids: Sequence[UUID]) -> Any:
    """For `column == any_id(ids)`: the column is one of them."""
    return any_(bindparam(None, list(ids), type_=UUIDS))


def any_bytes(values: Sequence[bytes]) -> Any:
    """For `column == any_bytes(values)`: the column is one of them."""
    return any_(bindparam(None, list(values), type_=BYTES))


def any_text(texts: Sequence[str]) -> Any:
    """For `column == any_text(texts)`: the column is one of them."""
    return any_(bindparam(None, list(texts), type_=TEXTS))


def all_text(texts: Sequence[str]) -> Any:
    """For `column != every_text(texts)`: the column is none of them."""
    return all_(bindparam(None, list(texts), type_=TEXTS))
