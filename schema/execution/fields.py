"""Fields of a plan: what they load for a level, and how they complete it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Undefined, is_iterable

from schema.execution.leaves import complete_leaf, quick_leaf
from schema.execution.levels import Level, Place

if TYPE_CHECKING:
    from schema.execution.running import Run


class FieldPlan:
    """A field of a selection set, with all its nodes in the document."""

    is_inline = False
    """Whether the generated function computes the value, from one source."""
    position: int | None = None
    """Position of the value, or of the key of what is loaded, in the records of the level."""
    waits = 0
    """1 if the value is loaded: its errors are met after those of fields that are not."""

    def __init__(
        self,
        key: str,
        rank: int,
        details: Sequence[FieldDetails],
        parent: GraphQLObjectType,
        definition: GraphQLField,
    ) -> None:
        self.key, self.rank, self.details = key, rank, details
        self.parent, self.definition = parent, definition
        self.nodes: list[FieldNode] = [each.node for each in details]
        self.name = self.nodes[0].name.value
        nullable: list[bool] = []
        kind: Any = definition.type
        while True:
            required = isinstance(kind, GraphQLNonNull)
            kind = kind.of_type if required else kind
            nullable.append(not required)
            if not isinstance(kind, GraphQLList):
                break
            kind = kind.of_type
        self.nullable = tuple(nullable)
        """Whether the value may be null, then the items of the list, then the items of these."""
        self.is_required = not nullable[0]
        self.list_depth = len(nullable) - 1
        self.named = kind
        self.is_leaf = is_leaf_type(kind)
        self.weight = 1
        self.constants: dict[str, Any] | None = None
        """The converted arguments, if they hold no variable."""

    def place_below(self, place: Place, steps: tuple[int, ...]) -> Place:
        """The place of the value below an object, or of an item in the value."""
        path = (*place.path, self.key)
        lost = place.lost
        for depth in range(len(steps), -1, -1):
            if self.nullable[depth]:
                lost = (*path, *steps[:depth])
                break
        return Place((*path, *steps), (*place.rank, self.rank, *steps), lost)

    def count_places(self, above: Level, below: Level) -> list[int] | None:
        """How many places in the answer each object below has; None if each has one."""
        counts, origins = above.counts, below.origins
        if counts is None or origins is None:
            return None
        return [sum(counts[index] for index, _ in origins(at)) for at in range(len(below.sources))]

    # -- what the kinds of fields define

    def start(self, run: Run, level: Level) -> None:
        """Begin to load the values of a level."""
        raise NotImplementedError

    def values(self, run: Run, level: Level) -> list[Any]:
        """The completed values of a level, in the order of its sources. Null where an error was added."""
        raise NotImplementedError

    def inline_code(self, source: str, name: str, scope: dict[str, Any]) -> str:
        """The expression of the value: of a column's value that is not None, or of an object.

        `scope` takes what it refers to, under names that end in `name`.
        """
        raise NotImplementedError

    def inline_value(self, level: Level, index: int) -> Any:
        """The raw value of one source of the level."""
        raise NotImplementedError

    # -- completion with care

    def complete_inline(self, run: Run, level: Level, index: int) -> Any:
        """The value of one source, or None with an error."""
        try:
            value = self.inline_value(level, index)
        except Exception as error:
            value = error
        return self.complete_value(run, level, index, value)

    def complete_value(
        self, run: Run, level: Level, index: int, value: Any, steps: tuple[int, ...] = ()
    ) -> Any:
        """A leaf, or a list of them, or None with an error if that may not be null."""
        depth = len(steps)
        try:
            value = self.checked(value, depth)
            if value is None or depth == self.list_depth:
                return None if value is None else complete_leaf(self.named, value)
            items = []
            for position, item in enumerate(value):
                completed = self.complete_value(run, level, index, item, (*steps, position))
                if completed is None and not self.nullable[depth + 1]:
                    return None
                items.append(completed)
            return items
        except Exception as error:
            run.errors.add(level, index, self, error, steps)
            return None

    def checked(self, value: Any, depth: int) -> Any:
        """The value if it may be in a list of this depth. Raises its error, or what is wrong with it."""
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            if not self.nullable[depth]:
                raise self.null_error()
            return None
        if depth < self.list_depth and not is_iterable(value):
            name = f"{self.parent.name}.{self.name}"
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
        return value

    def null_error(self) -> TypeError:
        """The error of a null where none may be."""
        return TypeError(f"Cannot return null for non-nullable field {self.parent.name}.{self.name}.")


SAME_CLASS = {"Boolean": "bool", "String": "str"}
"""Classes of values that are those of a scalar in the answer."""


class ComputedField(FieldPlan):
    """A leaf that is an attribute of an object, or that a function computes from the object alone."""

    is_inline = True

    def __init__(self, *field: Any, attribute: str | None, compute: Callable[[Any], Any]) -> None:
        super().__init__(*field)
        self.attribute, self.compute = attribute, compute

    def inline_code(self, source: str, name: str, scope: dict[str, Any]) -> str:
        value = f"{source}.{self.attribute}"
        if self.attribute is None:
            scope[f"compute_{name}"], value = self.compute, f"compute_{name}({source})"
        scope[f"convert_{name}"] = quick_leaf(self.definition.type)
        same = SAME_CLASS.get(self.named.name)
        if same is None or self.list_depth:
            return f"convert_{name}({value})"
        return f"value if (value := {value}).__class__ is {same} else convert_{name}(value)"

    def inline_value(self, level: Level, index: int) -> Any:
        return self.compute(level.objects[index])


def attempt(compute: Callable[[Any], Any], source: Any) -> Any:
    """The result, or the error in its place."""
    try:
        return compute(source)
    except Exception as error:
        return error
