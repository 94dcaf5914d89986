"""A minute of load with each kind of fault, in a process of its own."""

import subprocess
import sys

SECONDS, SETTLE_SECONDS, SEED = 60, 150, 7


def test_nothing_is_lost_doubled_or_shown_while_processes_are_killed() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(SEED)]
    command += ["--seconds", str(SECONDS), "--settle", str(SETTLE_SECONDS)]

    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=290)

    assert result.returncode == 0, result.stdout + result.stderr
