"""The operations that newcomers meet first: those of the explorer's tabs and of the example script."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from schema.contract import Contract
from server.http.explorer import WEB
from tests.server.explorer import toy_schema
from tests.server.graphql.conftest import serve_app

EXAMPLES = WEB.parent / "examples"
SCRIPT = EXAMPLES / "compare_drawings.py"
SCRIPTS = "client", "compare_drawings", "ask_documents", "build_dataset", "energy_report"


def documents() -> Iterator[tuple[str, str]]:
    """Name and text of every operation."""
    tabs = re.findall(r"= `(.+?)`;", (WEB / "src" / "examples.js").read_text(), re.DOTALL)
    scripts = "".join((EXAMPLES / f"{name}.py").read_text() for name in SCRIPTS)
    request = re.findall(r'= """\n(.+?)"""', scripts, re.DOTALL)
    for document in (*tabs, *request):
        name = re.search(r"^(?:query|mutation|subscription) (\w+)", document, re.MULTILINE)
        assert name is not None
        yield name[1], document


def test_there_is_an_operation_for_each_step() -> None:
    names = [name for name, _ in documents()]
    tabs = ["SignIn", "UploadCreate", "SessionCreate", "SessionStart", "WatchSession", "ReadComparison"]
    tabs += ["TextCheckCreate", "WatchTextCheck"]
    shared = ["SignIn", "Refresh", "Announce"]
    comparing = ["Create", "Start", "Watch", "Read"]
    asking = ["Add", "Look", "Converse", "Send", "Watch", "Read"]
    building = ["Plan", "Crawl", "Validate", "Export", "Watch", "Look"]
    reporting = ["Profile", "Preview", "Import", "Imported", "Generate", "Watch", "Keep", "Kept"]
    assert names == [*tabs, *shared, *comparing, *asking, *building, *reporting]


@pytest.mark.parametrize("document", [pytest.param(text, id=name) for name, text in documents()])
def test_each_is_valid(contract: Contract, document: str) -> None:
    assert validate(contract._schema, parse(document)) == []


async def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the script; gives exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two revisions."""
    old, new = tmp_path / "old.pdf", tmp_path / "new.pdf"
    old.write_bytes(b"%PDF old")
    new.write_bytes(b"%PDF new" * 200_000)
    return old, new


async def test_the_script_does_the_main_job(files: tuple[Path, Path], tmp_path: Path) -> None:
    async with serve_app(toy_schema.application()) as address:
        who = ("--url", f"http://{address}", "--login", "ann", "--password", toy_schema.PASSWORD)
        code, output, errors = await run(*who, "--json", "--out", tmp_path / "out", *files)
        assert (code, "Traceback" in errors) == (0, False), errors
        reported_values = await run(*who, "--out", tmp_path / "out", *files)

    session: dict[str, Any] = json.loads(output)
    assert (session["status"], session["onlyInOld"]) == ("COMPLETED", ["A-900"])
    assert [comparison["drawingName"] for comparison in session["comparisons"]] == ["A-101", "A-102/b"]
    assert Path(session["comparisons"][0]["overlayFile"]) == tmp_path / "out" / "001_A-101.png"
    assert [overlay.read_bytes() for overlay in (tmp_path / "out").iterdir()] == [b"a picture"]
    assert {file.read_bytes() for file in files} <= set(toy_schema.received.values())
    assert reported_values[0] == 0
    for words in (
        "A-101",
        "0.97",
        "A wall was added on A-102/b",
        "/overlays/1",
        "Only in the old set: A-900",
    ):
        assert words in reported_values[1]


async def test_a_session_that_fails_is_exit_code_1(files: tuple[Path, Path], tmp_path: Path) -> None:
    async with serve_app(toy_schema.application()) as address:
        who = (
            "--url",
            address,
            "--login",
            "ann",
            "--password",
            toy_schema.PASSWORD,
            "--json",
            "--out",
            tmp_path,
        )
        code, output, _ = await run(*who, files[0], files[0])
    assert (code, json.loads(output)["status"]) == (1, "ERROR")


async def test_a_refusal_is_a_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    async with serve_app(toy_schema.application()) as address:
        who = ("--url", address, "--login", "ann", "--password", "wrong", "--out", tmp_path)
        code, output, errors = await run(*who, *files)
    assert (code, output, errors.strip()) == (1, "", "Wrong.")


async def test_no_server_is_a_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    who = ("--url", "http://127.0.0.1:9", "--login", "a", "--password", "b", "--out", tmp_path)
    code, output, errors = await run(*who, *files)
    assert (code, output, "Traceback" in errors, bool(errors.strip())) == (1, "", False, True)
