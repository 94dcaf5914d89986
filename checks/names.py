"""Naming rules, checked over the syntax tree of every Python file: `python -m checks.names [PATH…]`.

No name contains one of `BANNED` as a word of its own. No module-level function or class is a bare
participle or adverb, except for `STANDARD_TERMS`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

BANNED = frozenset(
    (
        "anew",
        "asked",
        "behind",
        "calmly",
        "given",
        "judged",
        "manners",
        "providing",
        "told",
        "usual",
        "viewing",
        "wanting",
    )
)

IRREGULAR_PARTICIPLES = frozenset(
    (
        "again",
        "begun",
        "bound",
        "broken",
        "built",
        "done",
        "drawn",
        "forgiven",
        "found",
        "gone",
        "heard",
        "held",
        "hidden",
        "kept",
        "known",
        "laid",
        "left",
        "lost",
        "made",
        "meant",
        "once",
        "said",
        "seen",
        "sent",
        "shown",
        "sorted",
        "still",
        "taken",
        "thrown",
        "together",
        "torn",
        "won",
        "worn",
        "written",
    )
)

STANDARD_TERMS = frozenset(
    (
        "anomaly",
        "bing",
        "drawing",
        "embed",
        "everything",
        "family",
        "feed",
        "field",
        "heading",
        "heartbeat",
        "king",
        "need",
        "nothing",
        "reply",
        "ring",
        "seed",
        "setting",
        "speed",
        "string",
        "thing",
    )
)
"""Words that only look like participles or adverbs, and participles that are nouns of the field."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Name = tuple[int, str]


def words(name: str) -> list[str]:
    """The lower-case words of a name in snake, camel or capital case."""
    return [word.lower() for word in WORD.findall(name)]


def is_participle_or_adverb(name: str) -> bool:
    """Whether a name is a single word that is a participle or an adverb."""
    parts = words(name)
    if len(parts) != 1 or parts[0] in STANDARD_TERMS:
        return False
    [word] = parts
    return word in IRREGULAR_PARTICIPLES or word.endswith(("ed", "ing", "ly"))


def bound_names(tree: ast.Module) -> Iterator[Name]:
    """Line and name of every function, class, argument, variable and attribute that the module binds."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def violations(path: Path) -> Iterator[str]:
    """What breaks a rule in one file, as `path:line: message`."""
    shown = path.relative_to(ROOT)
    tree = ast.parse(path.read_text(), str(path))
    module = path.parent.name if path.stem == "__init__" else path.stem
    for line, name in [(1, module), *bound_names(tree)]:
        if banned := BANNED.intersection(words(name)):
            yield f"{shown}:{line}: {name} contains {', '.join(sorted(banned))}"
    for node in tree.body:
        if isinstance(node, DEFINITIONS) and is_participle_or_adverb(node.name):
            yield f"{shown}:{node.lineno}: {node.name} is a bare participle or adverb"


def source_files(places: Sequence[str]) -> list[Path]:
    """Every Python file of the repository, or those in these places."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *(places or ["*.py"])],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name.endswith(".py"))
    return [path for path in paths if path.is_file()]


def main(places: Sequence[str]) -> int:
    """Print every violation; exit code 1 if there is one."""
    problems = [problem for path in source_files(places) for problem in violations(path)]
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
