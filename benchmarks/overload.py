"""Benchmark of a server under more load than it can serve.

Run as `python -m benchmarks.overload [--seconds 8] [--rounds 3]`. A server of its own serves two companies on
the loopback interface. The load is equal parts of a list, an object, a page of a chat and a mutation. A
client sends the next operation when the last one is answered. The peak is the best of 1, 2, 4, 8 and 16
clients. Peak and overload take turns, so that other load on the machine affects both.

Prints a table and exits with 1 if a limit is missed.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psutil
from rich.table import Table

from benchmarks.bounds import Limit, console, verdict
from benchmarks.load import Client, HalfOpen, Outcomes, operation_request, percentile, run_impatient
from benchmarks.processes import cpu_seconds, serve
from core.settings import Settings
from schema.framework.context import Services
from server.app import open_services
from server.installation import open_installation
from tests import factories
from tests.factories import a_company, a_project, a_user
from tests.factories.chat import a_conversation, a_message

PEAK_CLIENTS = (1, 2, 4, 8, 16)
USERS, PROJECTS, MESSAGES = 4, 40, 60
PATIENCE_SECONDS = 0.2
HALF_OPEN_CONNECTIONS = 2_000
TOKEN_SECONDS = 7_200

LIST = "{ projects(first: 20) { totalCount nodes { id name status updatedAt } } }"
OBJECT = "query($project: ID!) { project(id: $project) { id name description status user { id fullName } } }"
CHAT = """query($conversation: ID!) { conversation(id: $conversation) { id title
  messages(last: 20) { nodes { id role content createdAt citations { nodes { id sourceName } } } } } }"""
MUTATION = """mutation($project: ID!, $name: String!) {
  projectUpdate(id: $project, input: { name: $name }) { project { id name } errors { code message } } }"""


@dataclass
class Phase:
    """The outcomes of the phases of one kind, and their duration."""

    seconds: float = 0
    honest: Outcomes = field(default_factory=Outcomes)
    second: Outcomes = field(default_factory=Outcomes)
    impatient: Outcomes = field(default_factory=Outcomes)
    cpu: float = 0

    @property
    def rate(self) -> float:
        """Good answers of honest clients a second."""
        return (len(self.honest.good) + len(self.second.good)) / self.seconds


class Load:
    """A server, and the requests of two companies."""

    def __init__(
        self, process: psutil.Process, port: int, requests: Sequence[Sequence[bytes]], pool: Executor
    ) -> None:
        self.process, self.port, self.pool = process, port, pool
        self.first, self.second = requests

    async def run(self, phase: Phase, seconds: float, honest: int, impatient: int = 0) -> None:
        """Runs clients of the first company, and one of the second, for a time."""
        begin, cpu = perf_counter(), cpu_seconds(self.process, descendants=False)
        clients = [Client(self.port, self.first, phase.honest, start=5 * n) for n in range(honest)]
        clients.append(Client(self.port, self.second, phase.second, start=0))
        crowd = asyncio.get_running_loop().run_in_executor(
            self.pool, run_impatient, self.port, self.first, impatient, PATIENCE_SECONDS, seconds
        )
        await asyncio.gather(*(client.run(begin + seconds) for client in clients))
        phase.impatient += await crowd
        phase.seconds += perf_counter() - begin
        phase.cpu += cpu_seconds(self.process, descendants=False) - cpu


async def prepare(folder: Path) -> list[list[bytes]]:
    """Fills the database, and returns the requests of each company."""
    settings = Settings(data=folder, worker=False, access_token_ttl=TOKEN_SECONDS)
    async with open_installation(settings) as ready, AsyncExitStack() as stack:
        services = await open_services(ready, stack)
        return [await make_company(services) for _ in range(2)]


async def make_company(services: Services) -> list[bytes]:
    """The requests of the users of a new company: the four operations in turn."""
    company, requests = a_company(), []
    for _ in range(USERS):
        user = a_user(company)
        projects = [a_project(user) for _ in range(PROJECTS // USERS)]
        conversation = a_conversation(user)
        messages = [a_message(conversation) for _ in range(MESSAGES)]
        await factories.save(services.database, *projects, *messages)
        token = services.token_signer.access_token(user.id)
        for number, project in enumerate(projects):
            variables: dict[str, object] = {"project": project.gid, "conversation": conversation.gid}
            renamed = {"project": project.gid, "name": f"Renamed {number}"}
            requests += [
                operation_request(document, variables, token=token) for document in (LIST, OBJECT, CHAT)
            ]
            requests.append(operation_request(MUTATION, renamed, token=token))
    return requests


async def measure(load: Load, seconds: float, rounds: int) -> list[Limit]:
    """Finds the peak, and then measures it and both kinds of overload in turn."""
    await load.run(Phase(), seconds / 2, 4)
    scan = {clients: Phase() for clients in PEAK_CLIENTS}
    for clients, phase in scan.items():
        await load.run(phase, seconds / 2, clients)
    best = max(scan, key=lambda clients: scan[clients].rate)
    peak, crowd, restless = Phase(), Phase(), Phase()
    for _ in range(rounds):
        await load.run(peak, seconds, best)
        async with HalfOpen(load.port, HALF_OPEN_CONNECTIONS):
            await load.run(crowd, seconds, 5 * best)
            await load.run(restless, seconds, 5 * best, 15 * best)
    named = {f"{clients} clients": phase for clients, phase in scan.items()}
    named |= {f"peak: {best} clients": peak, f"{5 * best} clients": crowd}
    named[f"{5 * best} clients, {15 * best} impatient"] = restless
    report(named)
    return limits(peak, crowd, restless)


def report(phases: dict[str, Phase]) -> None:
    """Prints what was measured."""
    columns = ("load", "good/s", "refused/s", "refusal p95", "abandoned/s", "impatient good/s", "p99")
    table = Table(*columns, "second company p99", "CPU", "wrong", title="Answers")
    for name, phase in phases.items():
        refused = [*phase.honest.refused, *phase.second.refused, *phase.impatient.refused]
        wrong = [*phase.honest.wrong, *phase.second.wrong, *phase.impatient.wrong]
        table.add_row(
            name,
            f"{phase.rate:.0f}",
            f"{len(refused) / phase.seconds:.0f}",
            milliseconds(percentile(refused, 0.95)),
            f"{phase.impatient.abandoned / phase.seconds:.0f}",
            f"{len(phase.impatient.good) / phase.seconds:.0f}",
            milliseconds(percentile(phase.honest.good, 0.99)),
            milliseconds(percentile(phase.second.good, 0.99)),
            f"{phase.cpu / phase.seconds:.0%}",
            f"{len(wrong)} {wrong[0] if wrong else ''}",
        )
    console.print(table)


def milliseconds(seconds: float) -> str:
    """Seconds as text, in milliseconds."""
    return f"{1000 * seconds:.0f} ms"


def limits(peak: Phase, crowd: Phase, restless: Phase) -> list[Limit]:
    """The limits, and whether they are met."""
    at_peak = percentile(peak.second.good, 0.99)
    found = []
    for name, phase, share in (("overload", crowd, 0.8), ("overload with impatient", restless, 0.7)):
        refused = [*phase.honest.refused, *phase.second.refused, *phase.impatient.refused]
        wrong = len(phase.honest.wrong) + len(phase.second.wrong) + len(phase.impatient.wrong)
        slow, foreign = percentile(refused, 0.95), percentile(phase.second.good, 0.99)
        kept = phase.rate / peak.rate
        found += [
            Limit(f"{name}: good answers of the peak", f"{share:.0%}", f"{kept:.0%}", kept >= share),
            Limit(f"{name}: refusals, p95", "100 ms", milliseconds(slow), slow < 0.1),
            Limit(f"{name}: answers that are neither", "0", str(wrong), wrong == 0),
            Limit(
                f"{name}: second company, p99",
                milliseconds(2 * at_peak),
                milliseconds(foreign),
                foreign <= 2 * at_peak,
            ),
        ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="duration of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="overload-") as name:
        folder = Path(name)
        requests = asyncio.run(prepare(folder))
        environment = {"DATA": name, "WORKER": "false", "DEMO": "false", "LOG_LEVEL": "ERROR"}
        with serve(environment) as (process, port), ProcessPoolExecutor(1, get_context("spawn")) as pool:
            load = Load(process, port, requests, pool)
            return verdict(asyncio.run(measure(load, options.seconds, options.rounds)))


if __name__ == "__main__":
    sys.exit(main())
