"""Shares of CPU time by sampled stacks."""

from benchmarks.server.stacks import innermost, parse_stack, project_function, room, shares

SERVE = "server.cli.main:25;server.commands.serve.serve:157"
LINES = (
    f"{SERVE};uvicorn.run:1;server.graphql.view.GraphQLView.run:10;json.dumps:7 6",
    f"{SERVE};uvicorn.run:1;server.graphql.view.GraphQLView.run:12 2",
    f"{SERVE};asyncio.runners.Runner.run:118 2",
)


def test_a_stack_is_functions_without_lines_and_a_count() -> None:
    assert parse_stack("a.b:1;c.d.<locals>.e:22 17") == (["a.b", "c.d.<locals>.e"], 17)


def test_time_is_charged_to_the_innermost_function_of_the_project() -> None:
    stacks = [parse_stack(line) for line in LINES]

    assert shares(stacks, project_function) == [
        (0.8, "server.graphql.view.GraphQLView.run"),
        (0.2, "outside of the project: asyncio"),
    ]


def test_or_to_the_function_that_ran() -> None:
    stacks = [parse_stack(line) for line in LINES]

    assert shares(stacks, innermost) == [
        (0.6, "json.dumps"),
        (0.2, "server.graphql.view.GraphQLView.run"),
        (0.2, "asyncio.runners.Runner.run"),
    ]


def test_or_to_the_room_of_the_project() -> None:
    stacks = [parse_stack(line) for line in LINES]

    assert shares(stacks, room) == [(0.8, "server.graphql"), (0.2, "outside of the project: asyncio")]
