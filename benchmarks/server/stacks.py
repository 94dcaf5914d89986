"""Where CPU time goes, by sampled stacks: rooms and functions of the project, and all functions."""

from collections import Counter
from collections.abc import Callable, Iterable

from rich.table import Table

from benchmarks.bounds import console

PROJECT = ("core", "db", "pipelines", "providers", "resolvers", "schema", "server")
OUTSIDE = "outside of the project"
SHOWN = 20


def print_shares(lines: Iterable[str]) -> None:
    """Prints the functions with the largest shares, and those of the project that called them."""
    stacks = [parse_stack(line) for line in lines]
    groups = {"Rooms": room, "Functions of the project": project_function, "Functions": innermost}
    for title, function in groups.items():
        table = Table("share", "function", title=title)
        for share, name in shares(stacks, function)[:SHOWN]:
            table.add_row(f"{share:.1%}", name)
        console.print(table)


def parse_stack(line: str) -> tuple[list[str], int]:
    """The functions of a stack from the outermost to the innermost, and how often it was sampled."""
    stack, _, count = line.rpartition(" ")
    return [frame.rpartition(":")[0] for frame in stack.split(";")], int(count)


def shares(
    stacks: Iterable[tuple[list[str], int]], function: Callable[[list[str]], str]
) -> list[tuple[float, str]]:
    """The share of each function, the largest first."""
    counts = Counter[str]()
    for stack, count in stacks:
        counts[function(stack)] += count
    return [(count / counts.total(), name) for name, count in counts.most_common()]


def innermost(stack: list[str]) -> str:
    """The function that ran."""
    return stack[-1]


def project_function(stack: list[str]) -> str:
    """The innermost function of the project, to which what it calls is charged.

    What runs in the server's loop below `serve` only is outside.
    """
    for name in reversed(stack):
        if name.startswith("server.commands.serve"):
            break
        if name.partition(".")[0] in PROJECT and not name.startswith(("server.cli", "server.commands")):
            return name
    return f"{OUTSIDE}: {innermost(stack).partition('.')[0]}"


def room(stack: list[str]) -> str:
    """The package or module of the project to which time is charged, such as `schema.execution`."""
    name = project_function(stack)
    return name if name.startswith(OUTSIDE) else ".".join(name.split(".")[:2])
