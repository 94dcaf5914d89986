"""Pattern library: typical requirements of ten component types, and what standards require."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from db.models import ComponentType, RequirementCategory

PATTERNS_FILE = Path(__file__).with_name("patterns.json")
LIBRARY_NAME = "seshat-patterns/1"
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class PatternItem:
    """A requirement of a component type. `words` are phrases that mention it.

    `typical` items are always proposed. `requirement` and `source` state an accessibility requirement and the
    standard that contains it.
    """

    name: str
    words: tuple[str, ...] = ()
    typical: bool = False
    required: bool = False
    type: str | None = None
    values: tuple[str, ...] = ()
    description: str | None = None
    requirement: str | None = None
    source: str | None = None

    @property
    def spoken_name(self) -> str:
        """The name in prose: `error message` for `errorMessage`."""
        return WORD_BOUNDARY.sub(" ", self.name).replace("-", " ").lower()

    @property
    def text(self) -> str:
        """Name, description and words, for similarity search."""
        return " ".join([self.spoken_name, self.description or self.requirement or "", *self.words])

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PatternItem":
        """An item from its JSON."""
        lists = {name: tuple(values.get(name, ())) for name in ("words", "values")}
        return cls(**{**values, **lists})


@dataclass(frozen=True)
class Pattern:
    """A component type and its items; the first of `names` is the preferred one."""

    type: ComponentType
    names: tuple[str, ...]
    description: str
    items: Mapping[RequirementCategory, tuple[PatternItem, ...]]

    @property
    def text(self) -> str:
        """Names and description, for similarity search."""
        return f"{' '.join(self.names)}. {self.description}"


@cache
def load_patterns() -> Mapping[ComponentType, Pattern]:
    """All patterns by component type."""
    patterns = [
        Pattern(
            type=ComponentType(entry["type"]),
            names=tuple(entry["names"]),
            description=entry["description"],
            items={
                kind: tuple(map(PatternItem.from_json, entry[kind.value])) for kind in RequirementCategory
            },
        )
        for entry in json.loads(PATTERNS_FILE.read_text())
    ]
    return {pattern.type: pattern for pattern in patterns}
