"""Progress of subscriptions, which are read in passes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.events import Events, OnChange


@dataclass
class Progress:
    """How far a subscription has been read. The next pass reads what has changed since, and ends.

    A pass calls `listen` before it reads, and `advance` after its last event: one that does not has ended the
    subscription.
    """

    on_change: OnChange
    position: Any = None
    """Position after the last event; None before the first pass."""

    is_state: bool = False
    """Whether the events are states of one object, which are not repeated while they are equal."""

    spent: tuple[str, ...] = ()
    """Variables of the operation that matter to the first pass only."""

    is_open: bool = False
    """Whether the subscription goes on after the last pass."""

    has_more: bool = False
    """Whether the next pass need not wait for a change."""

    pause: float = 0
    """Seconds before the next pass."""

    uses_user: bool = False
    """Whether the last pass has read what depends on the user, and not only on their audience."""

    unsubscribe: Callable[[], None] | None = None

    def begin_pass(self) -> None:
        """Forgets what the last pass has left, except for its position."""
        self.is_open = self.has_more = self.uses_user = False
        self.pause = 0

    def listen(self, events: Events, topic: str, company_id: UUID) -> None:
        """Learns of changes of the company's topic from now on."""
        if self.unsubscribe is None:
            self.unsubscribe = events.subscribe(topic, self.on_change, company_id)

    def advance(self, position: Any, *, has_more: bool = False, pause: float = 0) -> None:
        """Goes on after the position with the next change, or at once if there is more."""
        self.position, self.is_open, self.has_more, self.pause = position, True, has_more, pause

    def note_user(self) -> None:
        """Notes that the pass depends on the user."""
        self.uses_user = True

    def close(self) -> None:
        """Learns of no more changes."""
        if self.unsubscribe is not None:
            self.unsubscribe()
            self.unsubscribe = None
