"""Levels: all objects that one selection set is executed for, and the places where they are in the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import GraphQLError
from graphql.error import located_error

if TYPE_CHECKING:
    from schema.execution.fields import FieldPlan
    from schema.execution.selections import Selection

Path = tuple[str | int, ...]
Origins = Callable[[int], Iterator[tuple[int, tuple[int, ...]]]]
"""For the index of an object: the indexes of its parents, and its place in the list of each."""


class Place(NamedTuple):
    """Where an object is in the answer. One that several parents share has several places."""

    path: Path
    rank: tuple[int, ...]
    """The path with the positions of fields in the document in place of their names."""
    lost: Path
    """The position that is null if the object is lost: the nearest one that may be."""


ROOT_PLACE = Place((), (), ())


class Level:
    """A batch of objects of one type, all of which are at one selection set."""

    __slots__ = (
        "_counts",
        "_make_objects",
        "_objects",
        "depth",
        "field",
        "origins",
        "page",
        "parent",
        "selection",
        "sources",
        "states",
    )

    def __init__(
        self,
        selection: Selection,
        sources: Sequence[Any],
        parent: Level | None = None,
        field: FieldPlan | None = None,
        origins: Origins | None = None,
        page: Any = None,
        make_objects: Callable[[], list[Any]] | None = None,
    ) -> None:
        self.selection, self.sources = selection, sources
        self.parent, self.field, self.origins = parent, field, origins
        self.page = page
        """The page that the objects are, or are of."""
        self.depth: int = parent.depth + field.waits if parent and field else 0
        self.states: dict[FieldPlan, Any] = {}
        """What the nested fields have loaded, until they are completed."""
        self._make_objects = make_objects
        self._counts: list[int] | bool | None = False
        self._objects: list[Any] | None = None

    @property
    def objects(self) -> Sequence[Any]:
        """The sources as the objects that resolvers expect."""
        if self._objects is None:
            as_object = self.selection.as_object
            if self._make_objects is not None:
                self._objects = self._make_objects()
            elif as_object is None:
                return self.sources
            else:
                self._objects = [as_object(source) for source in self.sources]
        return self._objects

    @property
    def counts(self) -> list[int] | None:
        """How many places in the answer each object has; None if each has one."""
        if isinstance(self._counts, bool):
            above, field = self.parent, self.field
            self._counts = field.count_places(above, self) if above and field else None
        return self._counts

    def places(self, index: int) -> Iterator[Place]:
        """The places of an object."""
        if self.parent is None or self.field is None or self.origins is None:
            yield ROOT_PLACE
            return
        for above, steps in self.origins(index):
            for place in self.parent.places(above):
                yield self.field.place_below(place, steps)


class Errors:
    """The errors of an operation, in the order in which execution meets them."""

    def __init__(self) -> None:
        self._found: list[tuple[int, tuple[int, ...], Path, GraphQLError]] = []

    def add(
        self, level: Level, index: int, field: FieldPlan, error: Exception, steps: tuple[int, ...] = ()
    ) -> None:
        """Adds the error of a field, or of an item of its list, at all places of its object."""
        for above in level.places(index):
            place = field.place_below(above, steps)
            located = located_error(error, field.nodes, list(place.path))
            self._found.append((level.depth + field.waits, place.rank, place.lost, located))

    def collected(self) -> list[GraphQLError]:
        """The errors without those at or below a position that an earlier one has made null."""
        lost: set[Path] = set()
        kept = []
        for _, _, position, error in sorted(self._found, key=lambda each: each[:2]):
            if not any(position[:length] in lost for length in range(len(position) + 1)):
                lost.add(position)
                kept.append(error)
        return kept
