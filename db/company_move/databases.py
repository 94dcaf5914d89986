"""What a move needs of the installation: the addresses, creation and removal of databases."""

from typing import Protocol

from db.placement import Place


class Databases(Protocol):
    """The databases of an installation, for an administrator. None is the shared one, the primary."""

    def url(self, place: Place | None) -> str:
        """The address of a database."""

    async def create(self, place: Place) -> None:
        """Creates a migrated database without rows, unless it exists."""

    async def drop(self, place: Place) -> None:
        """Drops a database if it exists."""
