"""The entity-relationship diagram in `docs/graph.md`, generated from the models."""

import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import RelationshipDirection

from core.settings import Settings
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


def run(settings: Settings, options: Namespace) -> int:
    """`seshat graph`."""
    print(page(), end="")
    return 0


class Entity(NamedTuple):
    """An entity, with its number of fields and its source systems."""

    name: str
    model: type[Model]
    fields: int
    systems: str


def entities() -> list[Entity]:
    """All entities, in the order of `docs/entities.md`."""
    return [
        Entity(name, getattr(models, name), len(table.splitlines()) - 2, systems)
        for name, systems, table in SECTION.findall(ENTITIES.read_text())
    ]


def page() -> str:
    """The content of `docs/graph.md`."""
    found = entities()
    rows = (
        f"| {name} | {domain(model)} | {model.plane} | {fields} | {systems} |"
        for name, model, fields, systems in found
    )
    return PAGE.format(lines="\n".join(lines(found)), rows="\n".join(rows))


def domain(model: type[Model]) -> str:
    """The domain of the model."""
    return model.__module__.split(".")[2]


def lines(found: list[Entity]) -> Iterator[str]:
    """One line of Mermaid per relationship between two entities."""
    drawn = {entity.model for entity in found}
    for entity in found:
        for relation in entity.model.__mapper__.relationships:
            above = relation.mapper.class_
            if relation.direction is RelationshipDirection.MANYTOONE and above in drawn:
                ((column, _),) = relation.local_remote_pairs
                yield f"    {above.__name__} {cardinality(column)} {entity.name} : {relation.key}"
    yield "    Role ||--o{ RolePermission : role"
    yield "    Permission ||--o{ RolePermission : permission"


def cardinality(key: "sa.ColumnElement[Any]") -> str:
    """The cardinalities of a foreign key, in Mermaid's notation."""
    assert isinstance(key, sa.Column)
    keys = [{column.name for column in index.columns} for index in key.table.indexes if index.unique]
    for constraint in key.table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            keys.append({column.name for column in constraint.columns})
    single = {"company_id", key.name} in keys
    return f"{'|o' if key.nullable else '||'}--{'o|' if single else 'o{'}"
