"""What clients were told: acknowledged mutations, received events, and everything that must not happen."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Fate(Enum):
    """What the client knows of a row."""

    SENT = "sent"
    """The mutation that creates it was sent and never answered."""
    KEPT = "kept"
    """Its creation was acknowledged."""
    LEAVING = "leaving"
    """Its deletion was sent and never answered."""
    GONE = "gone"
    """Its deletion was acknowledged."""


@dataclass
class Entry:
    """A row that a mutation with an idempotency key creates; `name` is found in the row only."""

    table: str
    name: str
    company: str
    id: str | None = None
    fate: Fate = Fate.SENT
    parent: str | None = None
    """The row with which it is deleted."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Columns whose last acknowledged value is known. A list holds the values that may be stored."""

    def counts(self, parent: Fate = Fate.KEPT) -> frozenset[int]:
        """The numbers of rows that may be stored, with the fate of the parent."""
        if Fate.GONE in (self.fate, parent):
            return frozenset({0})
        if self.fate is Fate.KEPT and parent is not Fate.LEAVING:
            return frozenset({1})
        return frozenset({0, 1})


@dataclass
class Stream:
    """What a subscription has sent, which is resumed after each lost connection."""

    company: str
    subject: str
    """The object whose events they are."""
    events: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False
    """Whether the server has ended it."""

    @property
    def received(self) -> list[str]:
        """What may arrive once only: the IDs of the rows that the events hold, else their cursors."""
        found = []
        for event in self.events:
            rows = event["images"] if "images" in event else event.get("requirements")
            found += [event["cursor"]] if rows is None else [row["id"] for row in rows]
        return found


@dataclass
class Ledger:
    """Everything that the clients know."""

    entries: list[Entry] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    activities: dict[str, list[str]] = field(default_factory=dict)
    """IDs of the activities that each company's subscription received, in order."""
    may_fail: set[str] = field(default_factory=set)
    """Jobs that have to fail."""
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    """Answers that must not occur, by description."""

    def enter(self, table: str, name: str, company: str) -> Entry:
        """A new entry."""
        entry = Entry(table, name, company)
        self.entries.append(entry)
        return entry

    def of(self, table: str) -> Iterator[Entry]:
        """The entries of a table."""
        return (entry for entry in self.entries if entry.table == table)
