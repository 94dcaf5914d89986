"""Selection sets: one generated function each, from the objects of a level to their parts of the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType

from schema.execution.levels import Level

if TYPE_CHECKING:
    from schema.execution.fields import FieldPlan
    from schema.execution.running import Run

Build = Callable[..., list[Any]]


class Selection:
    """The fields of one selection set on one object type, in the order of the answer.

    Its sources are objects, or records of a `width`, which `as_object` turns into objects.
    """

    def __init__(
        self,
        type_: GraphQLObjectType,
        fields: list[tuple[str, FieldPlan | None]],
        as_object: Callable[[Any], Any] | None = None,
        width: int = 0,
    ) -> None:
        self.type, self.fields, self.as_object, self._width = type_, fields, as_object, width
        self._uses_objects = False
        self.loaded = [field for _, field in fields if field is not None and not field.is_inline]
        self._build = self._generate()

    def complete(self, run: Run, level: Level) -> list[Any]:
        """The objects of the level in the answer; None for those that are lost."""
        if not level.sources:
            return []
        return self.build(run, level, [field.values(run, level) for field in self.loaded])

    def build(self, run: Run, level: Level, parts: Sequence[list[Any]]) -> list[Any]:
        """The same, of the completed values of the fields that are loaded."""
        try:
            return self._build(level.sources, level.objects if self._uses_objects else (), *parts)
        except Exception:
            return [self._complete_one(run, level, index, parts) for index in range(len(level.sources))]

    def _complete_one(self, run: Run, level: Level, index: int, parts: Sequence[list[Any]]) -> Any:
        """One object, field by field, with the errors of its fields."""
        completed: dict[str, Any] = {}
        values = iter(parts)
        for key, field in self.fields:
            if field is None:
                completed[key] = self.type.name
                continue
            if field.is_inline:
                completed[key] = field.complete_inline(run, level, index)
            else:
                completed[key] = next(values)[index]
            if completed[key] is None and field.is_required:
                return None
        return completed

    def _generate(self) -> Build:
        """`build(sources, objects, *parts)`. It raises whatever `_complete_one` knows how to report."""
        scope: dict[str, Any] = {}
        conversions, entries, parts, required = list[str](), list[str](), list[str](), set[str]()
        columns = ["_"] * self._width
        for number, (key, field) in enumerate(self.fields):
            variable = value = f"v{number}"
            if field is None:
                value = repr(self.type.name)
            elif not field.is_inline:
                parts.append(variable)
                if field.is_required:
                    required.add(variable)
            elif field.position is None:
                self._uses_objects = True
                conversions.append(f"{variable} = {field.inline_code('object', variable, scope)}")
            else:
                column = columns[field.position] = f"c{field.position}"
                value = field.inline_code(column, variable, scope)
                if field.is_required:
                    required.add(column)
                elif value != column:
                    value = f"None if {column} is None else {value}"
            entries.append(f"{key!r}: {value}")
        code = self._function(columns, parts, sorted(required), conversions, entries)
        exec(compile(code, f"<selection of {self.type.name}>", "exec"), scope)
        build: Build = scope["build"]
        return build

    def _function(
        self,
        columns: list[str],
        parts: list[str],
        required: list[str],
        conversions: list[str],
        entries: list[str],
    ) -> str:
        """The text of the function."""
        source = "source" if all(column == "_" for column in columns) else f"({', '.join(columns)},)"
        objects = ["objects"] if self._uses_objects else []
        lists = ["sources", *objects, *(f"all_{part}" for part in parts)]
        names = [source, *(["object"] if objects else []), *parts]
        loop = f"for {source} in sources"
        if len(lists) > 1:
            loop = f"for {', '.join(names)} in zip({', '.join(lists)})"
        head = f"def build(sources, objects{''.join(f', all_{part}' for part in parts)}):\n"
        answer = f"{{{', '.join(entries)}}}"
        if not (required or conversions):
            return f"{head}    return [{answer} {loop}]\n"
        missing = " or ".join(f"{variable} is None" for variable in required)
        checks = [f"if {missing}: raise LookupError"] if required else []
        body = "".join(f"        {step}\n" for step in (*checks, *conversions))
        return (
            f"{head}    completed = []\n    add = completed.append\n    {loop}:\n{body}"
            f"        add({answer})\n    return completed\n"
        )
