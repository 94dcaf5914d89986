"""Mutation test: changes modules one small edit at a time and runs the tests that must notice.

    python -m checks.mutations [--target NAME] [--sample N | --all] [--jobs N] [--match TEXT]

Mutants are the edits of `edits.toml` and, of each module, a sample of the generated ones that is the same in
every run. `survivors.toml` lists those that no test can notice (`equivalent`) or none has to (`accepted`).
Fails if a target's share of noticed mutants is below `MIN_NOTICED_SHARE`, equivalent ones left out.
"""

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from checks.mutations.operators import Mutant, mutants
from checks.mutations.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
MIN_NOTICED_SHARE = 0.92
SAMPLE_SIZE = 24
"""Generated mutants of each module."""
UNMUTATED_SECONDS = 300.0
MIN_TRIAL_SECONDS, TRIAL_FACTOR = 10.0, 6.0
"""A run of tests that takes longer than this, or than so many times its time without a mutant, is ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the mutants and prints a table of the targets. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make mutate", description="Mutation test.")
    parser.add_argument("--target", help="run the targets whose name contains this")
    parser.add_argument("--match", default="", help="run the mutants whose name contains this")
    parser.add_argument("--sample", type=int, default=SAMPLE_SIZE, help="generated mutants of each module")
    parser.add_argument("--all", action="store_true", help="every generated mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    options = parser.parse_args(arguments)
    targets = [
        target
        for target in TARGETS
        if (options.target or "").lower() in f"{target.name} {target.modules}".lower()
    ]
    size = None if options.all or options.match else options.sample
    edits = read_edits()
    trials = [
        (target, mutant)
        for target in targets
        for module in target.modules
        for mutant in (
            *(edit for edit in edits if edit.path == module),
            *sample(mutants(module, (ROOT / module).read_text()), size),
        )
        if options.match in mutant.key
    ]
    targets = [target for target in targets if any(owner is target for owner, _ in trials)]
    reasons = read_survivors()
    started = time.monotonic()
    verdicts = judge(targets, trials, options.jobs)
    return report(targets, verdicts, reasons, time.monotonic() - started)


def sample(found: list[Mutant], size: int | None) -> list[Mutant]:
    """So many of the mutants, chosen by their keys, in the order of the source."""
    chosen = sorted(found, key=lambda mutant: mutant.rank)[:size]
    return sorted(chosen, key=lambda mutant: mutant.line)


def read_edits() -> list[Mutant]:
    """The edits of `edits.toml`. Each must change exactly one place of its module."""
    with (Path(__file__).parent / "edits.toml").open("rb") as file:
        listed: list[dict[str, str]] = tomllib.load(file)["edit"]
    return [read_edit(**edit) for edit in listed]


def read_edit(path: str, name: str, before: str, after: str) -> Mutant:
    """One edit: `before`, which occurs once in the module, becomes `after`."""
    source = (ROOT / path).read_text()
    if (count := source.count(before)) != 1:
        raise SystemExit(f"edits.toml: {name}: {before!r} occurs {count} times in {path}")
    line = source[: source.index(before)].count("\n") + 1
    return Mutant(path, "edit", line, name, " ".join(after.split()), source.replace(before, after))


def read_survivors() -> dict[str, dict[str, str]]:
    """The mutants of `survivors.toml` by key; `equivalent` or `accepted` says why they survive."""
    with (Path(__file__).parent / "survivors.toml").open("rb") as file:
        listed: list[dict[str, str]] = tomllib.load(file).get("survivor", [])
    return {entry["mutant"]: entry for entry in listed}


Ask = Callable[[str, str | None, list[list[str]], float], tuple[str, float]]
"""The verdict on a file with this source, and the seconds that it took."""
Verdict = tuple[Target, Mutant, str]


def judge(targets: Sequence[Target], trials: Sequence[tuple[Target, Mutant]], jobs: int) -> list[Verdict]:
    """The verdict on each mutant, after the tests have passed without any."""
    with tempfile.TemporaryDirectory(prefix="seshat-mutate-", ignore_cleanup_errors=True) as folder:
        copy_source(first := Path(folder) / "0")
        limits: dict[str, float] = {}
        with test_process(first) as ask:
            for target in targets:
                verdict, seconds = ask(target.modules[0], None, target.runs, UNMUTATED_SECONDS)
                if verdict != "passed":
                    log = (first / "trial.log").read_text()
                    raise SystemExit(f"{target.name}: the tests fail without a mutant\n{log}")
                limits[target.name] = max(MIN_TRIAL_SECONDS, TRIAL_FACTOR * seconds)
                print(f"{target.name}: {seconds:.1f} s without a mutant", flush=True)
        for number in range(1, jobs):
            shutil.copytree(first, Path(folder) / str(number))
        pending: queue.SimpleQueue[tuple[Target, Mutant]] = queue.SimpleQueue()
        for trial in trials:
            pending.put(trial)
        verdicts: list[Verdict] = []

        def work(number: int) -> None:
            with test_process(Path(folder) / str(number)) as ask:
                while True:
                    try:
                        target, mutant = pending.get_nowait()
                    except queue.Empty:
                        return
                    verdict, _ = ask(mutant.path, mutant.source, target.runs, limits[target.name])
                    verdicts.append((target, mutant, verdict))
                    if verdict == "passed":
                        print(f"  not noticed: {mutant.path}:{mutant.line} {mutant.key}", flush=True)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if len(verdicts) != len(trials):
        raise SystemExit("a process that runs tests has died")
    return verdicts


def copy_source(folder: Path) -> None:
    """Copies the files of the repository, with their times."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@contextmanager
def test_process(folder: Path) -> Iterator[Ask]:
    """A process that runs tests in a copy of the source."""
    (temporary := folder.with_name(f"{folder.name}.tmp")).mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "checks.mutations.judge"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout
    if stdout.readline() != "ready\n":
        raise SystemExit("the process that runs tests does not start")

    def ask(path: str, source: str | None, runs: list[list[str]], seconds: float) -> tuple[str, float]:
        trial = {"path": path, "source": source, "runs": runs, "seconds": seconds}
        stdin.write(json.dumps(trial) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        return answer["verdict"], answer["seconds"]

    try:
        yield ask
    finally:
        stdin.close()
        process.wait()


def report(
    targets: Sequence[Target], verdicts: Sequence[Verdict], reasons: dict[str, dict[str, str]], seconds: float
) -> int:
    """Prints the table and the survivors without a reason. Returns the exit code."""
    missed = 0
    print(f"\n{'target':20} {'mutants':>8} {'noticed':>8} {'equivalent':>11} {'survived':>9} {'share':>7}")
    totals: Counter[str] = Counter()
    for target in targets:
        counts: Counter[str] = Counter()
        for owner, mutant, verdict in verdicts:
            if owner is target:
                known = reasons.get(mutant.key, {})
                outcome = "noticed" if verdict != "passed" else "survived"
                if outcome == "survived" and "equivalent" in known:
                    outcome = "equivalent"
                counts[outcome] += 1
        totals += counts
        missed += print_row(target.name, counts) < MIN_NOTICED_SHARE
    print_row("all", totals)
    unknown = [m for _, m, verdict in verdicts if verdict == "passed" and m.key not in reasons]
    print(f"\n{len(verdicts)} mutants in {seconds:.0f} s; {len(unknown)} survivors without a reason")
    for mutant in unknown:
        print(f"  {mutant.path}:{mutant.line}\n    {mutant.key}")
    return 1 if missed else 0


def print_row(name: str, counts: Counter[str]) -> float:
    """Prints the counts of a target. Returns the share of noticed mutants."""
    real = counts["noticed"] + counts["survived"]
    share = counts["noticed"] / real if real else 1.0
    print(
        f"{name:20} {counts.total():8} {counts['noticed']:8} {counts['equivalent']:11} "
        f"{counts['survived']:9} {share:7.1%}"
    )
    return share


if __name__ == "__main__":
    sys.exit(main())
