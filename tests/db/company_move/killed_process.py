"""Processes that move or repair a company and kill themselves as a part begins.

Run as a module it forks them, for a line of JSON each, so that the modules are imported once.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from db.company_move.execution import move_company, repair_company
from db.company_move.move import Limits
from db.placement import Place
from tests.db.company_move.copied_databases import CopiedDatabases

ROOT = Path(__file__).parents[3]

QUICK = Limits(grace=0.05, readers=20, pause=0.05)


class Order(NamedTuple):
    """What a process does, and the number of the part with which it is killed, or its first words."""

    admin: str
    primary: str
    company_id: str
    target: str | None
    part: int | str
    is_repair: bool


def execute(order: Order, output: int) -> None:
    """Writes the parts as they begin, and kills this process with the part of the order."""
    begun = iter(range(1, 1000))

    def report(part: str) -> None:
        os.write(output, f"{part}\n".encode())
        number = next(begun)
        if number == order.part or part.startswith(str(order.part)):
            os.kill(os.getpid(), signal.SIGKILL)

    databases, company_id = CopiedDatabases(order.admin, order.primary), UUID(order.company_id)
    if order.is_repair:
        asyncio.run(repair_company(databases, company_id, report=report, limits=QUICK))
        return
    target = Place("primary", order.target) if order.target else None
    asyncio.run(move_company(databases, company_id, target, report=report, limits=QUICK))


def fork(order: Order) -> tuple[list[str], int]:
    """The parts that a process began, and its exit code."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            execute(order, writer)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader) as parts:
        begun = parts.read().splitlines()
    _, status = os.waitpid(child, 0)
    return begun, os.waitstatus_to_exitcode(status)


class Forks:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill(self, order: Order) -> list[str] | None:
        """The parts that a process began until it was killed; None if it ended before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        parts, status = json.loads(self._process.stdout.readline())
        assert status in (0, -signal.SIGKILL), parts
        return list(parts) if status else None

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(fork(Order(*json.loads(line)))), flush=True)
