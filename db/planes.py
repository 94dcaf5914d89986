"""The plane of a statement, which tells in which database it runs."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Table, TextClause
from sqlalchemy.sql import visitors

from db.base import PLATFORM, TENANT, LocalModel, Model

TABLES = re.compile(rf"\b(?:{PLATFORM}|{TENANT})\.\w+")
WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
WRITING = frozenset({"insert", "update", "delete"})


class CrossPlaneStatement(RuntimeError):
    """A statement joins both planes, which are in two databases if the company has its own."""


class Access(NamedTuple):
    """What a statement needs: the plane that it reads or writes, and whether it writes."""

    plane: str
    """`tenant`, also for tables that every database has, and for statements without tables."""
    writes: bool


def access_of(statement: Any) -> Access:
    """The access of a statement, compiled or not. Raises `CrossPlaneStatement`."""
    if isinstance(known := getattr(statement, "access", None), Access):
        return known
    if isinstance(statement, TextClause):
        statement = statement.text
    if isinstance(statement, str):
        return Access(_plane_of(TABLES.findall(statement)), bool(WRITES.match(statement)))
    elements = list(visitors.iterate(statement))
    names = [name for element in elements for name in _tables_of(element)]
    return Access(_plane_of(names), any(element.__visit_name__ in WRITING for element in elements))


def in_primary(statement: TextClause) -> TextClause:
    """The statement, which reads the catalogue of the primary database also for companies with their own."""
    statement.__dict__["access"] = Access(PLATFORM, writes=False)
    return statement


def _tables_of(element: Any) -> Iterator[str]:
    if isinstance(element, TextClause):
        yield from TABLES.findall(element.text)
        return
    table = element if element.__visit_name__ == "table" else getattr(element, "table", None)
    while table is not None and not isinstance(table, Table):
        table = getattr(table, "element", None)
    if table is not None:
        yield table.fullname


def _plane_of(tables: list[str]) -> str:
    planes = {TENANT if name in local_tables() else name.partition(".")[0] for name in tables}
    if len(planes) > 1:
        raise CrossPlaneStatement(", ".join(sorted(set(tables))))
    return planes.pop() if planes else TENANT


@cache
def local_tables() -> frozenset[str]:
    """The tables of the schema `platform` that every database has."""
    models = (mapper.class_ for mapper in Model.registry.mappers)
    tables: list[Any] = [model.__table__ for model in models if issubclass(model, LocalModel)]
    return frozenset(table.fullname for table in tables)
