"""Destinations of exports outside of the installation: buckets, and hubs of data sets."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from core.ports.storage import ObjectStore


class PushKind(Enum):
    """Kind of a destination of exports."""

    BUCKET = "bucket"
    """A bucket that the operator allows."""
    HUB = "hub"
    """A repository of data sets on the operator's hub."""


@dataclass(frozen=True)
class PushFile:
    """A file to push: its key in the store, its name and size in bytes."""

    key: str
    name: str
    size: int


@dataclass(frozen=True)
class PushDestination:
    """Where files go: a folder of `bucket`, or a repository of the hub with this `path`.

    `owner` is the company, to which the folder or repository belongs from then on.
    """

    kind: PushKind
    path: str
    owner: str
    bucket: str = ""
    is_private: bool = True


class PushRefused(Exception):
    """The destination does not accept the files. The message is for people, and has no secret."""


class PushUnavailable(ConnectionError):
    """The destination is unavailable. A transient error."""


class PushTargets(Protocol):
    """The destinations of the installation."""

    async def push(
        self,
        destination: PushDestination,
        store: ObjectStore,
        files: Sequence[PushFile],
        *,
        pushed: Collection[str],
        on_pushed: Callable[[str], Awaitable[None]],
    ) -> str:
        """Pushes the files and removes those of an earlier push; returns the URL. Safe to repeat.

        Files with names in `pushed` are there already. Raises `PushRefused` and `PushUnavailable`.
        """
