"""Array parameters: the text of a statement does not depend on the number of values."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, all_, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY

UUIDS = ARRAY(Uuid())
TEXTS = ARRAY(Text())
BYTES = ARRAY(LargeBinary())


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
