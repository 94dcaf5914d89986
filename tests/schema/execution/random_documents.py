"""Random documents of a schema, valid by construction: the same seed writes the same documents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from tests.schema.execution.literals import EnumName, literal


class Values(Protocol):
    """Values of scalars that suit a field."""

    def scalar(self, random: Random, kind: str, field: str, argument: str) -> Any:
        """A JSON value of a scalar for this argument or input field."""


@dataclass(frozen=True)
class Sizes:
    """How large documents become, and which parts they have. Shares are between 0 and 1."""

    depth: int = 5
    fields: int = 35
    selections: int = 8
    directives: float = 0.12
    introspection: float = 0.02
    several_operations: float = 0.04
    incremental: float = 0.0
    invalid_values: float = 0.01
    argument: float = 0.35
    arguments: Mapping[str, float] = field(default_factory=dict)
    """Shares of optional arguments, by name, where they differ from `argument`."""
    roots: frozenset[str] | None = None
    """Names of the root fields to select; all of them if None."""


@dataclass(frozen=True)
class RandomDocument:
    """A request: the document, its variables, and the operation to run."""

    text: str
    variables: dict[str, Any]
    operation_name: str | None = None
    other_variables: dict[str, Any] | None = None
    """Other values of the variables, for the same document again."""
    operation: OperationType = OperationType.QUERY

    def __str__(self) -> str:
        name = f"  operation {self.operation_name}" if self.operation_name else ""
        return f"{self.text}\n  variables {self.variables!r}{name}"


@dataclass(frozen=True)
class Variable:
    """A variable: its declaration, and the place that its values are for."""

    declaration: str
    kind: Any
    place: tuple[str, str]
    optional: bool


@dataclass
class Fragment:
    """A fragment that is written, and the variables that it uses."""

    name: str
    kind: str
    text: str
    variables: set[str]


@dataclass
class Scope:
    """What one operation has used so far."""

    fields: int
    variables: set[str] = field(default_factory=set)


class DocumentWriter:
    """Writes one document."""

    def __init__(self, schema: GraphQLSchema, random: Random, values: Values, sizes: Sizes) -> None:
        self.schema, self.random, self.values, self.sizes = schema, random, values, sizes
        self.fragments: list[Fragment] = []
        self.variables: dict[str, Variable] = {}
        self.responses: dict[str, tuple[str, str, str]] = {}
        self.names_of: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.variables_of: dict[str, list[str]] = defaultdict(list)
        self.scope = Scope(sizes.fields)

    def write(self, operation: OperationType = OperationType.QUERY) -> RandomDocument:
        """A document with one or several operations, of which one is to run."""
        several = self.chance(self.sizes.several_operations)
        texts = [self.operation(operation, f"Operation{n}", several) for n in range(2 if several else 1)]
        if not several and self.chance(0.3) and operation is OperationType.QUERY and texts[0][0] == "query ":
            texts = [("", texts[0][1])]
        operations = [head + body for head, body in texts]
        definitions = [*operations, *(fragment.text for fragment in self.fragments)]
        self.random.shuffle(definitions)
        name = f"Operation{self.random.randrange(2)}" if several else None
        return RandomDocument("\n".join(definitions), self.draw(), name, self.draw(), operation)

    def draw(self) -> dict[str, Any]:
        """Values for the variables. Some that are optional are not sent, and some do not fit."""
        return {
            name: self.json(variable.kind, *variable.place, self.sizes.invalid_values)
            for name, variable in self.variables.items()
            if not (variable.optional and self.chance(0.25))
        }

    def operation(self, operation: OperationType, name: str, is_named: bool) -> tuple[str, str]:
        """The head of an operation, and its selection set."""
        self.scope = Scope(self.sizes.fields)
        root = self.schema.get_root_type(operation)
        assert root is not None
        if operation is OperationType.SUBSCRIPTION:
            name_of_field, definition = self.random.choice(list(root.fields.items()))
            body = "{ " + self.field(name_of_field, definition, self.sizes.depth, conditional=False) + " }"
        else:
            body = self.selection_set(root, self.sizes.depth, is_root=True)
        declared = " ".join(self.variables[name].declaration for name in sorted(self.scope.variables))
        head = f"{operation.value} "
        if declared or is_named or self.chance(0.3):
            head += f"{name}{f'({declared})' if declared else ''} "
        return head, body

    def chance(self, share: float) -> bool:
        """True for this share of the calls."""
        return self.random.random() < share

    def selection_set(self, kind: Any, depth: int, *, is_root: bool = False) -> str:
        """A selection set of a composite type."""
        count = self.random.randint(1, 3 if is_root else self.sizes.selections)
        parts = [part for _ in range(count) for part in self.selection(kind, depth, is_root)]
        return "{ " + " ".join(parts or ["__typename"]) + " }"

    def selection(self, kind: Any, depth: int, is_root: bool) -> Iterator[str]:
        """A field, a spread or an inline fragment; nothing if the document is large enough."""
        fields = self.fields_of(kind, is_root)
        drawn = self.random.random()
        if self.scope.fields <= 0:
            return
        if drawn < 0.06:
            yield self.typename()
        elif drawn < (0.14 if fields else 0.6) and depth > 0:
            yield self.inline_fragment(kind, depth, is_root)
        elif drawn < (0.24 if fields else 1) and depth > 0 and not is_root:
            yield self.spread(kind, depth)
        elif fields:
            name, definition = self.choose_field(fields, depth, is_root)
            if definition is not None:
                yield self.field(name, definition, depth)

    def fields_of(self, kind: Any, is_root: bool) -> dict[str, GraphQLField]:
        """The fields that may be selected of a type."""
        fields: dict[str, GraphQLField] = getattr(kind, "fields", {})
        if is_root and kind is self.schema.query_type and self.chance(self.sizes.introspection):
            return {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
        if is_root and self.sizes.roots is not None:
            return {name: each for name, each in fields.items() if name in self.sizes.roots}
        return fields

    def choose_field(
        self, fields: dict[str, GraphQLField], depth: int, is_root: bool
    ) -> tuple[str, GraphQLField | None]:
        """A field of the type: below the greatest depth one without selections, if there is any."""
        names = list(fields)
        for _ in range(4):
            name = self.random.choice(names)
            composite = is_composite_type(get_named_type(fields[name].type))
            if (not composite or depth > 0) and (is_root or composite or self.chance(0.8)):
                return name, fields[name]
        return "", None

    def typename(self) -> str:
        """`__typename`, under its own or another name."""
        return self.named_field("__typename", "", "String!") + self.directives()

    def field(self, name: str, definition: GraphQLField, depth: int, *, conditional: bool = True) -> str:
        """A field with its arguments, directives and selections."""
        self.scope.fields -= 1
        arguments = self.arguments(name, definition.args)
        text = self.named_field(name, arguments, str(definition.type))
        named = get_named_type(definition.type)
        stream = ""
        if is_list_type(get_nullable_type(definition.type)) and self.chance(self.sizes.incremental):
            stream = f" @stream(initialCount: {self.random.randrange(3)})"
        inner = ""
        if not is_leaf_type(named):
            inside = min(depth, 3) if named.name.startswith("__") else depth
            inner = f" {self.selection_set(named, inside - 1)}"
        return f"{text}{self.directives() if conditional else ''}{stream}{inner}"

    def named_field(self, name: str, arguments: str, kind: str) -> str:
        """The field's name and arguments, with an alias if the name stands for something else.

        A name of the response stands for one field with the same arguments and type wherever it is used:
        all fields with it can be merged.
        """
        meaning = name, arguments, kind
        known = self.names_of[meaning]
        if known and self.chance(0.7):
            response = self.random.choice(known)
        else:
            aliases = [*self.responses, "a", "b", "id", "name"]
            response = self.random.choice(aliases) if self.chance(0.15) else name
            while self.responses.setdefault(response, meaning) != meaning:
                response = f"{name.strip('_')}{self.random.randrange(1000)}"
            known.append(response)
        return f"{name}{arguments}" if response == name else f"{response}: {name}{arguments}"

    def inline_fragment(self, kind: Any, depth: int, is_root: bool) -> str:
        """An inline fragment on the type, on one that overlaps with it, or without a condition."""
        on = self.overlapping(kind)
        condition = "" if on is kind and self.chance(0.4) else f"on {on.name} "
        selections = self.selection_set(on, depth - 1, is_root=is_root)
        return f"... {condition}{self.directives(defer=True)}{selections}"

    def spread(self, kind: Any, depth: int) -> str:
        """A spread of a fragment that is already written, or of a new one."""
        possible = self.possible(kind)
        suitable = [
            fragment
            for fragment in self.fragments
            if possible & self.possible(self.schema.get_type(fragment.kind))
        ]
        if suitable and self.chance(0.4):
            fragment = self.random.choice(suitable)
        else:
            fragment = self.new_fragment(kind, depth)
        self.scope.variables |= fragment.variables
        return f"...{fragment.name}{self.directives(defer=True)}"

    def new_fragment(self, kind: Any, depth: int) -> Fragment:
        """A named fragment on the type or on one that overlaps with it."""
        outer, self.scope = self.scope, Scope(self.scope.fields)
        on = self.overlapping(kind)
        body = self.selection_set(on, depth - 1)
        name = f"Fragment{len(self.fragments)}"
        fragment = Fragment(name, on.name, f"fragment {name} on {on.name} {body}", self.scope.variables)
        outer.fields, self.scope = self.scope.fields, outer
        self.fragments.append(fragment)
        return fragment

    def overlapping(self, kind: Any) -> Any:
        """The type itself, a possible type of it, or an abstract type that shares one."""
        if self.chance(0.3):
            return kind
        possible = self.possible(kind)
        names = sorted(possible)
        abstract = [
            each.name
            for each in self.schema.type_map.values()
            if is_abstract_type(each) and possible & self.possible(each)
        ]
        return self.schema.get_type(self.random.choice(sorted(set(names + abstract))))

    def possible(self, kind: Any) -> set[str]:
        """The names of the object types that a value of the type may be of."""
        return (
            {each.name for each in self.schema.get_possible_types(kind)}
            if is_abstract_type(kind)
            else {kind.name}
        )

    def directives(self, *, defer: bool = False) -> str:
        """Sometimes @skip or @include, with a literal or a variable."""
        parts: list[str] = []
        while self.chance(self.sizes.directives):
            name = self.random.choice(["skip", "include"])
            if not any(f"@{name}" in part for part in parts):
                condition = (
                    self.variable(GraphQLNonNull(GraphQLBoolean), name, "if")
                    if self.chance(0.5)
                    else str(self.chance(0.5)).lower()
                )
                parts.append(f" @{name}(if: {condition})")
        if defer and self.chance(self.sizes.incremental):
            parts.append(" @defer")
        return "".join(parts) + (" " if defer and parts else "")

    def arguments(self, field: str, declared: dict[str, GraphQLArgument]) -> str:
        """The arguments of a field: all that are required, and some of the others."""
        parts: list[str] = []
        for name, argument in declared.items():
            share = self.sizes.arguments.get(name, self.sizes.argument)
            if is_required_argument(argument) or self.chance(share):
                parts.append(f"{name}: {self.value(argument.type, field, name, has_default(argument))}")
        self.random.shuffle(parts)
        return f"({', '.join(parts)})" if parts else ""

    def value(self, kind: Any, field: str, argument: str, optional: bool = False) -> str:
        """A literal of the type, which may contain variables, or a variable."""
        if self.chance(0.3):
            return self.variable(kind, field, argument, optional)
        bare = get_nullable_type(kind)
        if bare is kind and self.chance(0.08):
            return "null"
        if is_list_type(bare):
            if self.chance(0.1) and not is_list_type(get_nullable_type(bare.of_type)):
                return literal(self.json(GraphQLNonNull(get_nullable_type(bare.of_type)), field, argument))
            items = [self.value(bare.of_type, field, argument) for _ in range(self.random.randrange(4))]
            return f"[{', '.join(items)}]"
        if isinstance(bare, GraphQLInputObjectType):
            parts = [
                f"{name}: {self.value(each.type, field, name, has_default(each))}"
                for name, each in self.input_fields(bare)
            ]
            return "{" + ", ".join(parts) + "}"
        return literal(self.leaf(bare, field, argument))

    def json(self, kind: Any, field: str, argument: str, invalid: float = 0.0) -> Any:
        """A value of the type as a variable has it. A share of the values within may be invalid."""
        bare = get_nullable_type(kind)
        if self.chance(invalid):
            return self.random.choice([None, "?", 1.5, [], {}, True, 2**40])
        if bare is kind and self.chance(0.08):
            return None
        if is_list_type(bare):
            count = self.random.randrange(4)
            return [self.json(bare.of_type, field, argument, invalid) for _ in range(count)]
        if isinstance(bare, GraphQLInputObjectType):
            fields = self.input_fields(bare)
            return {name: self.json(each.type, field, name, invalid) for name, each in fields}
        return self.leaf(bare, field, argument)

    def input_fields(self, kind: GraphQLInputObjectType) -> Iterable[tuple[str, Any]]:
        """The fields of an input object: all that are required, and some of the others."""
        return [
            (name, each)
            for name, each in kind.fields.items()
            if (is_non_null_type(each.type) and not has_default(each)) or self.chance(0.4)
        ]

    def leaf(self, kind: Any, field: str, argument: str) -> Any:
        """A value of a scalar or an enum."""
        if isinstance(kind, GraphQLEnumType):
            return EnumName(self.random.choice(list(kind.values)))
        return self.values.scalar(self.random, kind.name, field, argument)

    def variable(self, kind: Any, field: str, argument: str, optional: bool = False) -> str:
        """A new or used variable for this place."""
        place = f"{kind} {field}.{argument} {optional}"
        known = self.variables_of[place]
        if known and self.chance(0.5):
            name = self.random.choice(known)
        else:
            name = f"v{len(self.variables)}"
            self.variables[name] = self.define(name, kind, field, argument, optional)
            known.append(name)
        self.scope.variables.add(name)
        return f"${name}"

    def define(self, name: str, kind: Any, field: str, argument: str, optional: bool) -> Variable:
        """A variable of this type or of a stricter one, sometimes with a default."""
        if is_non_null_type(kind):
            if optional and self.chance(0.3):
                kind = kind.of_type
        elif self.chance(0.1):
            kind = GraphQLNonNull(kind)
        default = f" = {literal(self.json(kind, field, argument))}" if self.chance(0.3) else ""
        may_be_absent = bool(default) or not is_non_null_type(kind)
        return Variable(f"${name}: {kind}{default}", kind, (field, argument), may_be_absent)


def has_default(place: Any) -> bool:
    """Whether an argument or input field has a default."""
    return place.default is not None or place.default_value is not Undefined
