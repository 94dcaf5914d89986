"""The entity graph as a page: drawn from the models, with the systems that each entity comes from."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import RelationshipDirection

from db import models
from db.base import Model

ENTITIES = Path(__file__).parents[2] / "docs" / "entities.md"
SECTION = re.compile(r"^## (\w+)\n\n.*; from (.+)\.\n\n((?:\|.*\n)+)", re.MULTILINE)

PAGE = """# The entity graph

Written by `make graph` from the models and from [entities.md](entities.md), which has every field.

Read a line as "one of the left has many of the right"; a circle on the left says that there may be none, and
the word is what the right calls the left. A company owns everything that is kept in the tenant plane.

```mermaid
erDiagram
{lines}
```

| entity | domain | plane | fields | comes from |
|---|---|---|---|---|
{rows}
"""


class Entity(NamedTuple):
    """One of the entities, with the number of its fields and the source systems it comes from."""

    name: str
    model: type[Model]
    fields: int
    systems: str


def entities() -> list[Entity]:
    """Every entity, in the order of the written tables."""
    return [
        Entity(name, getattr(models, name), len(table.splitlines()) - 2, systems)
        for name, systems, table in SECTION.findall(ENTITIES.read_text())
    ]


def page() -> str:
    """`docs/graph.md` as it should be."""
    found = entities()
    rows = (
        f"| {each.name} | {domain(each.model)} | {each.model.plane} | {each.fields} | {each.systems} |"
        for each in found
    )
    return PAGE.format(lines="\n".join(lines(found)), rows="\n".join(rows))


def domain(model: type[Model]) -> str:
    """The part of the product that the model belongs to."""
    return model.__module__.rpartition(".")[2]


def lines(found: list[Entity]) -> Iterator[str]:
    """One line for each relation between two entities, and the link of roles and permissions."""
    drawn = {each.model for each in found}
    for entity in found:
        for relation in entity.model.__mapper__.relationships:
            above = relation.mapper.class_
            if relation.direction is RelationshipDirection.MANYTOONE and above in drawn:
                ((column, _),) = relation.local_remote_pairs
                yield f"    {above.__name__} {ends(column)} {entity.name} : {relation.key}"
    yield "    Role ||--o{ RolePermission : role"
    yield "    Permission ||--o{ RolePermission : permission"


def ends(key: "sa.ColumnElement[Any]") -> str:
    """How many there may be at either end of a foreign key."""
    assert isinstance(key, sa.Column)
    keys = [{column.name for column in index.columns} for index in key.table.indexes if index.unique]
    for constraint in key.table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            keys.append({column.name for column in constraint.columns})
    single = {"company_id", key.name} in keys
    return f"{'|o' if key.nullable else '||'}--{'o|' if single else 'o{'}"
