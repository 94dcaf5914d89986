"""The example in docs/execution.md is what the executor does with it."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from schema.contract import make_schema
from schema.execution.fields import FieldPlan
from schema.execution.plans import Plan
from schema.execution.selections import Selection

PAGE = (Path(__file__).parents[3] / "docs" / "execution.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)/(\w+)\.py` \|", re.MULTILINE)


def block(language: str) -> str:
    """The text of a block of code."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def kinds(selection: Selection) -> dict[str, tuple[str, ...]]:
    """The kind of each field, and the room and module where it is defined."""
    found: dict[str, tuple[str, ...]] = {}
    for key, field in selection.fields:
        assert isinstance(field, FieldPlan)
        kind = type(field)
        found[key] = (kind.__name__, *kind.__module__.split(".")[1:])
        below: Any = getattr(field, "selection", None)
        if isinstance(below, Selection) and key != "user":
            found |= kinds(below)
    return found


async def test_the_documented_example_is_executed_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []
    generated: dict[str, str] = {}
    make, write = Plan.__init__, Selection._function

    def remember(plan: Plan, *arguments: Any) -> None:
        make(plan, *arguments)
        plans.append(plan)

    def function(selection: Selection, *arguments: Any) -> str:
        generated[selection.type.name] = text = write(selection, *arguments)
        return text

    monkeypatch.setattr(Plan, "__init__", remember)
    monkeypatch.setattr(Selection, "_function", function)
    await make_schema().execute(block("graphql"), None)

    (plan,) = plans
    assert ast.dump(ast.parse(generated["Project"])) == ast.dump(ast.parse(block("python")))
    assert kinds(plan.root) == {key: tuple(rest) for key, *rest in ROW.findall(PAGE)}
