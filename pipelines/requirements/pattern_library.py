"""The pattern library: what components of ten types usually are made of, and what standards ask of them."""

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
    """One thing that components of a type have. `words` tell that a text speaks of it.

    `usual` things are proposed whatever is said. `requirement` and `source` are what accessibility asks, in
    words, and where that is written.
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
        """Its name as people write it: `errorMessage` is `error message`."""
        return WORD_BOUNDARY.sub(" ", self.name).replace("-", " ").lower()

    @property
    def text(self) -> str:
        """All that is said of it, for comparing with what others say."""
        return " ".join([self.spoken_name, self.description or self.requirement or "", *self.words])

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PatternItem":
        """From the form in which it is written down."""
        lists = {name: tuple(values.get(name, ())) for name in ("words", "values")}
        return cls(**{**values, **lists})


@dataclass(frozen=True)
class Pattern:
    """What is known of a type of components; the first of `names` is the usual one."""

    type: ComponentType
    names: tuple[str, ...]
    description: str
    items: Mapping[RequirementCategory, tuple[PatternItem, ...]]

    @property
    def text(self) -> str:
        """What it is, in words."""
        return f"{' '.join(self.names)}. {self.description}"


@cache
def load_patterns() -> Mapping[ComponentType, Pattern]:
    """Every pattern, by the type that it is of."""
    patterns = [
        Pattern(
            type=ComponentType(each["type"]),
            names=tuple(each["names"]),
            description=each["description"],
            items={kind: tuple(map(PatternItem.from_json, each[kind.value])) for kind in RequirementCategory},
        )
        for each in json.loads(PATTERNS_FILE.read_text())
    ]
    return {each.type: each for each in patterns}
