"""Automatic numbers of Word paragraphs: `3.2`, `(a)`, `IV.` (ECMA-376 part 1, section 17.9)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipelines.knowledge.extraction.packages import Element, attribute, child

PLACEHOLDER = re.compile(r"%([1-9])")
ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
LEVELS = 9
BULLET = "-"


@dataclass(frozen=True)
class Level:
    """How the paragraphs of a level of a list are numbered."""

    format: str = "decimal"
    text: str = ""
    start: int = 1
    is_legal: bool = False
    """Whether the numbers of all levels are written in Arabic digits."""


@dataclass
class List:
    """A list, whose numbers go on through the document."""

    levels: Mapping[int, Level]
    counts: dict[int, int] = field(default_factory=dict)

    def advance(self, depth: int, start: int | None = None) -> None:
        """Counts a paragraph; `start` is the number of the first one, if it is not the list's."""
        first = self.levels.get(depth, Level()).start if start is None else start
        self.counts[depth] = self.counts[depth] + 1 if depth in self.counts and start is None else first
        for deeper in [each for each in self.counts if each > depth]:
            del self.counts[deeper]

    def label(self, depth: int) -> str:
        """The number of the paragraph that was counted last."""
        level = self.levels.get(depth, Level())
        if level.format == "bullet":
            return BULLET
        if level.format == "none":
            return ""

        def number(match: re.Match[str]) -> str:
            above = self.levels.get(int(match[1]) - 1, Level())
            count = self.counts.get(int(match[1]) - 1, above.start)
            return write_number("decimal" if level.is_legal else above.format, count)

        return PLACEHOLDER.sub(number, level.text).strip()


class NumberedLists:
    """The lists of a document, by the id that paragraphs and styles refer to."""

    def __init__(self, root: Element | None) -> None:
        self._lists: dict[str, tuple[List, dict[int, int]]] = {}
        self._depths: dict[str, dict[str, int]] = {}
        if root is not None:
            self._read(root)

    def label(self, list_id: str, depth: int) -> str:
        """Counts a paragraph of a list, and returns its number; empty if there is no such list."""
        found = self._lists.get(list_id)
        if found is None or not 0 <= depth < LEVELS:
            return ""
        numbered, starts = found
        numbered.advance(depth, starts.pop(depth, None))
        return numbered.label(depth)

    def depth_of(self, list_id: str, style: str) -> int:
        """The level of a list that belongs to a paragraph style, 0 by default."""
        return self._depths.get(list_id, {}).get(style, 0)

    def _read(self, root: Element) -> None:
        lists: dict[str | None, List] = {}
        styles: dict[str | None, dict[str, int]] = {}
        for node in root.iter("{*}abstractNum"):
            id = attribute(node, "abstractNumId")
            levels = {integer(each, "ilvl"): each for each in node.iter("{*}lvl")}
            lists[id] = List({depth: read_level(level) for depth, level in levels.items()})
            styles[id] = {
                value_of(level, "pStyle"): depth
                for depth, level in levels.items()
                if value_of(level, "pStyle")
            }
        for node in root.iter("{*}num"):
            id, base = attribute(node, "numId") or "", value_of(node, "abstractNumId")
            if base not in lists:
                continue
            starts = {
                integer(each, "ilvl"): int(start)
                for each in node.iter("{*}lvlOverride")
                if (start := value_of(each, "startOverride")).isdecimal()
            }
            self._lists[id], self._depths[id] = (lists[base], starts), styles[base]


def read_level(node: Element) -> Level:
    """A level of a list."""
    start = value_of(node, "start")
    legal = child(node, "isLgl")
    return Level(
        value_of(node, "numFmt") or "decimal",
        value_of(node, "lvlText"),
        int(start) if start.isdecimal() else 0,
        legal is not None and attribute(legal, "val") not in ("0", "false", "off"),
    )


def value_of(node: Element, name: str) -> str:
    """The value of a child element; empty if there is none."""
    found = child(node, name)
    return "" if found is None else attribute(found, "val") or ""


def integer(node: Element, name: str) -> int:
    """An attribute as a number, 0 by default."""
    value = attribute(node, name) or ""
    return int(value) if value.isdecimal() else 0


def write_number(kind: str, number: int) -> str:
    """A number in one of Word's formats, in digits if the format is another one."""
    return FORMATS.get(kind, str)(number)


def letters(number: int) -> str:
    """a to z, then aa to zz, as Word counts."""
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1) if 0 < number <= 780 else str(number)


def roman(number: int) -> str:
    """Roman numerals of numbers below 4,000."""
    if not 0 < number < 4_000:
        return str(number)
    text = ""
    for value, sign in ROMAN:
        text += sign * (number // value)
        number %= value
    return text


FORMATS: Mapping[str, Callable[[int], str]] = {
    "decimalZero": lambda number: f"{number:02}",
    "lowerLetter": letters,
    "upperLetter": lambda number: letters(number).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "none": lambda number: "",
}
