"""Mutation operators: small changes of a module's syntax tree, one at a time."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any", "or_": "and_", "and_": "or_"}
VARIADIC = frozenset(("and_", "chain", "max", "min", "or_", "order_by", "where"))
"""Calls that work with one argument less."""
SELF_RETURNING = frozenset(
    (
        *(
            "casefold",
            "lower",
            "lstrip",
            "removeprefix",
            "removesuffix",
            "replace",
            "rstrip",
            "strip",
            "upper",
        ),
        *("distinct", "limit", "order_by", "where", "with_for_update"),
    )
)
"""Methods whose call can be replaced by their object."""
NOT_MUTATED = frozenset(("annotation", "bases", "decorator_list", "returns", "type_comment"))
"""Parts of the syntax tree that are left as they are."""

Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True)
class Mutant:
    """One change of one file. `place` is the qualified name of the function or class."""

    path: str
    place: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)

    @property
    def key(self) -> str:
        """The name of the mutant in lists, which other changes of the file do not alter."""
        return f"{self.path} {self.place}: {self.before} => {self.after}"

    @property
    def rank(self) -> str:
        """Where the mutant stands in a random order that is always the same."""
        return sha256(self.key.encode()).hexdigest()


def mutants(path: str, source: str) -> list[Mutant]:
    """All mutants of a module, in the order of its source."""
    tree = ast.parse(source)
    walk = _Changes(path, tree)
    sources = {"\n".join(walk.texts)}
    found = list(walk.of_module())
    repeats: Counter[str] = Counter()
    unique: list[Mutant] = []
    for mutant in sorted(found, key=lambda mutant: mutant.line):
        if mutant.source in sources:
            continue
        sources.add(mutant.source)
        repeats[mutant.key] += 1
        if (number := repeats[mutant.key]) > 1:
            mutant = replace(mutant, after=f"{mutant.after} ({number})")
        unique.append(mutant)
    return unique


class _Changes:
    """Walks a tree, and writes it down once with each change."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path, self.body = path, tree.body
        self.texts = [ast.unparse(statement) for statement in tree.body]
        self.index = 0
        """The statement of the module that is changed."""

    def of_module(self) -> Iterator[Mutant]:
        for index in range(len(self.body)):
            self.index = index
            yield from self.of_statements(self.body, (), only=index)

    def of_statements(
        self, body: list[ast.stmt], place: Sequence[str], level: int = 0, only: int | None = None
    ) -> Iterator[Mutant]:
        for index, statement in enumerate(body):
            if only is not None and index != only:
                continue
            if isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert) or is_left_out(statement):
                continue
            put = partial(body.__setitem__, index)
            if is_removable(statement, nested=level > 0):
                yield self._mutant(place, statement, ast.Pass(), put)
            if not isinstance(statement, ast.Raise):
                yield from self._of_child(statement, place, level, put)

    def of_children(self, node: ast.AST, place: Sequence[str], level: int) -> Iterator[Mutant]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            place, level = (*place, node.name), -1
        for name, value in ast.iter_fields(node):
            if name in NOT_MUTATED or (isinstance(node, ast.keyword) and node.arg == "strict"):
                continue
            if is_parallel(node, value):
                yield from self.of_children(value, place, level)
            elif isinstance(value, ast.AST):
                yield from self._of_child(value, place, level, partial(setattr, node, name))
            elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from self.of_statements(value, place, level + 1)
            elif isinstance(value, list):
                for index, child in enumerate(value):
                    if isinstance(child, ast.AST):
                        yield from self._of_child(child, place, level, partial(value.__setitem__, index))

    def _of_child(
        self, child: ast.AST, place: Sequence[str], level: int, put: Callable[[Any], None]
    ) -> Iterator[Mutant]:
        for changed in changes(child, is_constant=level == 0 and not place):
            yield self._mutant(place, child, changed, put)
        yield from self.of_children(child, place, level)

    def _mutant(self, place: Sequence[str], old: ast.AST, new: ast.AST, put: Callable[[Any], None]) -> Mutant:
        put(new)
        changed = ast.unparse(ast.fix_missing_locations(self.body[self.index]))
        put(old)
        source = "\n".join([*self.texts[: self.index], changed, *self.texts[self.index + 1 :]])
        line = getattr(old, "lineno", 0) or next((n.lineno for n in ast.walk(old) if hasattr(n, "lineno")), 0)
        return Mutant(self.path, ".".join(place) or "module", line, text(old), text(new), source)


def text(node: ast.AST) -> str:
    """A node on one line; of a statement with a condition, the condition."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            return f"if {text(test)}"
        case ast.ExceptHandler(type=ast.AST() as kind):
            return f"except {text(kind)}"
    return " ".join(ast.unparse(node).split())


def is_parallel(node: ast.AST, value: object) -> bool:
    """Whether `value` is the right side of an assignment to several names."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Tuple)
        and isinstance(value, ast.Tuple)
    )


def is_left_out(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, a log entry, an overload or a declaration for the type checker."""
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
        case ast.FunctionDef(decorator_list=[ast.Name(id="overload"), *_]):
            return True
        case ast.AsyncFunctionDef(decorator_list=[ast.Name(id="overload"), *_]):
            return True
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
    return False


def is_removable(statement: ast.stmt, *, nested: bool) -> bool:
    """Whether the code still runs without the statement."""
    match statement:
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.Return(value=value):
            return nested and value is not None
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
    return False


def changes(node: ast.AST, *, is_constant: bool) -> Iterator[ast.AST]:
    """The changes of a node; `is_constant` for values of module-level names."""
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            for index in range(len(node.values)):
                kept = _without(node.values, index)
                yield kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.BinOp(op=operator) if type(operator) in ARITHMETIC and not _is_text(node):
            yield ast.BinOp(node.left, ARITHMETIC[type(operator)](), node.right)
        case ast.AugAssign(op=operator) if type(operator) in ARITHMETIC:
            yield ast.AugAssign(node.target, ARITHMETIC[type(operator)](), node.value)
        case ast.Constant():
            yield from (ast.Constant(value) for value in _values(node.value))
        case ast.If() | ast.IfExp() | ast.comprehension() | ast.While():
            yield from _conditions(node)
        case ast.Call():
            yield from _calls(node)
        case ast.Slice():
            for name in ("lower", "upper", "step"):
                if getattr(node, name) is not None:
                    yield _with(node, **{name: None})
        case ast.ExceptHandler(type=ast.Tuple(elts=elements)):
            for index in range(len(elements)):
                yield _with(node, type=ast.Tuple(_without(elements, index), ast.Load()))
        case ast.Tuple(ctx=ast.Store()):
            return
        case ast.Tuple() | ast.List() | ast.Set() if is_constant and len(node.elts) > 1:
            if all(not isinstance(element, ast.Name) or element.id.isupper() for element in node.elts):
                for index in range(len(node.elts)):
                    yield _with(node, elts=_without(node.elts, index))
        case ast.Dict() if is_constant and len(node.keys) > 1:
            for index in range(len(node.keys)):
                yield ast.Dict(_without(node.keys, index), _without(node.values, index))


def _comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _with(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])
    match node:
        case ast.Compare(comparators=[ast.Tuple(elts=elements)]) if len(elements) > 1:
            for index in range(len(elements)):
                yield _with(node, comparators=[ast.Tuple(_without(elements, index), ast.Load())])


def _conditions(node: ast.If | ast.IfExp | ast.comprehension | ast.While) -> Iterator[ast.AST]:
    if isinstance(node, ast.comprehension):
        for index in range(len(node.ifs)):
            yield _with(node, ifs=_without(node.ifs, index))
        return
    if isinstance(node.test, ast.Constant):
        return
    yield _with(node, test=ast.Constant(False))
    if not isinstance(node, ast.While):
        yield _with(node, test=ast.Constant(True))


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if isinstance(node.func, ast.Name) and name in OPPOSITES:
        yield _with(node, func=ast.Name(OPPOSITES[name], ast.Load()))
    if name == "sorted" and node.args:
        yield ast.Call(ast.Name("list", ast.Load()), node.args, [])
    if isinstance(node.func, ast.Attribute) and name in SELF_RETURNING:
        yield node.func.value
    if name in VARIADIC and len(node.args) > 1:
        for index in range(len(node.args)):
            yield _with(node, args=_without(node.args, index))
    for index, keyword in enumerate(node.keywords):
        is_optional = isinstance(keyword.value, ast.Constant | ast.Lambda)
        if keyword.arg != "strict" and (is_optional or keyword.arg in ("key", "reverse")):
            yield _with(node, keywords=_without(node.keywords, index))


def _values(value: Any) -> tuple[bool | int | float, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    if isinstance(value, float):
        return (round(value * 1.05, 12), round(value * 0.95, 12)) if value else (0.5,)
    return ()


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


Item = TypeVar("Item")


def _without(items: Sequence[Item], index: int) -> list[Item]:
    return [*items[:index], *items[index + 1 :]]


def _with(node: Node, **parts: object) -> Node:
    """A copy of the node with other parts."""
    made = {name: getattr(node, name, None) for name in node._fields}
    return type(node)(**{**made, **parts})
