"""Runs tests on mutants, each in a fork of one process that has imported all third-party packages.

Started in a copy of the source. Each line of the standard input is a trial. The verdict on it is a line of
the standard output.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

import pytest

PACKAGES = (
    "checks",
    "core",
    "db",
    "migrations",
    "pipelines",
    "providers",
    "resolvers",
    "schema",
    "server",
    "tests",
)
"""The project's own packages, which each fork imports."""
PLUGINS = ("_hypothesis", "_pytest", "hypothesis", "pytest", "xdist", "execnet", "anyio", "pluggy")
"""Packages that pytest imports itself."""
LIST_MODULES = "import sys, tests.conftest; print(*sys.modules)"


def import_third_party() -> None:
    """Imports what the project imports from elsewhere."""
    listed = subprocess.run(
        [sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True
    ).stdout.split()
    for name in listed:
        if not name.startswith((*PACKAGES, *PLUGINS)):
            with suppress(Exception):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()


def run_tests(arguments: list[str], seconds: float) -> str:
    """`passed`, `failed` or `timeout`."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with open("trial.log", "wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = 2
        try:
            code = int(pytest.main(arguments))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what the tests have left running
            return "passed" if status == 0 else "failed"
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def main() -> None:
    """Judges one mutant after the other."""
    import_third_party()
    print("ready", flush=True)
    for line in sys.stdin:
        trial = json.loads(line)
        path = Path(trial["path"])
        original = path.read_bytes()
        verdict = "passed"
        started = time.monotonic()
        try:
            if trial["source"] is not None:
                path.write_text(trial["source"])
            for arguments in trial["runs"]:
                if verdict == "passed":
                    verdict = run_tests(arguments, trial["seconds"])
        finally:
            path.write_bytes(original)
        print(json.dumps({"verdict": verdict, "seconds": time.monotonic() - started}), flush=True)


if __name__ == "__main__":
    main()
