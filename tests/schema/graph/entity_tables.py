"""Reads `docs/entities.md`: the tables of entities, and of enumerations."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WRITTEN = Path(__file__).parents[3] / "docs" / "entities.md"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


class DocumentedField(NamedTuple):
    """A field of an entity, as the document tells it."""

    entity: str
    field: str
    type: str
    nullable: bool
    default: str
    rules: str
    sources: str


def sections() -> dict[str, str]:
    """What stands under each heading."""
    _, *parts = HEADING.split(WRITTEN.read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))


def rows(section: str) -> Iterator[list[str]]:
    """The cells of each row of the section's table, without its head."""
    _, _, *lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def fields() -> list[DocumentedField]:
    """Every field of every entity."""
    found = []
    for name, section in sections().items():
        if "| field |" in section:
            for field, type, null, *rest in rows(section):
                found.append(DocumentedField(name, field, type, null == "null", *rest))
    return found


def enumerations() -> dict[str, list[str]]:
    """The values of each enumeration, as they are stored."""
    return {name: values.split(", ") for name, values in rows(sections()["Enumerations"])}
