"""Benchmark of subscriptions: opening them, one event to many subscribers, and what quiet ones cost.

Run as `python -m benchmarks.subscriptions [--count 5000] [--fan 1000] [--users 50] …`.

A server of its own without a worker, on loopback. Each subscription has a socket of its own, and the managers
of one company share them. Prints the limits, and exits with 1 if one is missed.
"""

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import asyncpg
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.bounds import Limit, verdict
from benchmarks.load import operation_request, percentile, send_exactly
from benchmarks.processes import cpu_seconds, serve
from core.settings import Settings, driverless_url
from db.models import RoleName
from server.app import open_services
from server.embedded.postgres import embedded_url
from server.installation import open_installation
from tests import factories
from tests.factories import a_company, a_project, a_user

TOKEN_SECONDS = 7_200
WARM_UP_SOCKETS, WARM_UP_SECONDS, SETTLE_SECONDS, ARRIVAL_SECONDS = 50, 1.0, 5.0, 60.0
OPEN_AT_ONCE = 50

MAX_CORE, MAX_CORE_WITH_DATABASE, MAX_CONNECTIONS, MAX_BYTES = 0.05, 0.10, 12, 40_000
MAX_OPEN_SECONDS, MAX_DELIVERY_SECONDS = 5.0, 0.5
"""To open 1,000 sockets, and from a mutation's being sent to an event's arrival (p99)."""

WATCH = "subscription { companyActivity { activity { id action } } }"
CHANGE = """mutation ($id: ID!, $description: String) {
  projectUpdate(id: $id, input: {description: $description}) { errors { message } } }"""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'seshat%'"
TRANSACTIONS = "SELECT sum(xact_commit + xact_rollback)::int FROM pg_stat_database"


@dataclass(frozen=True)
class People:
    """Access tokens of the managers of a company, and a project of theirs."""

    tokens: Sequence[str]
    project: str


@dataclass(frozen=True)
class Fan:
    """Seconds to each arrival of an event, subscriptions that ended instead, and CPU seconds for each."""

    arrivals: Sequence[float]
    missed: int
    cpu: float


@dataclass(frozen=True)
class Quiet:
    """What subscriptions cost while nothing happens."""

    core: float
    core_with_database: float
    connections: int
    transactions: float


async def prepare(folder: Path, count: int) -> People:
    """Makes a company with so many managers in the folder's database."""
    settings = Settings(data=folder, worker=False, access_token_ttl=TOKEN_SECONDS)
    async with open_installation(settings) as ready, AsyncExitStack() as stack:
        services = await open_services(ready, stack)
        company = a_company()
        users = [a_user(company, RoleName.MANAGER) for _ in range(count)]
        project = a_project(users[0])
        await factories.save(services.database, project, *users[1:])
        return People([services.token_signer.access_token(user.id) for user in users], str(project.gid))


async def subscribe(port: int, token: str) -> ClientConnection:
    """A socket with one subscription."""
    client = await connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        open_timeout=60,
        ping_interval=None,
    )
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
    await client.send(json.dumps(init))
    acknowledged = json.loads(await client.recv())
    if acknowledged["type"] != "connection_ack":
        raise RuntimeError(acknowledged)
    await client.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": WATCH}}))
    return client


async def open_subscriptions(port: int, tokens: Sequence[str], count: int) -> list[ClientConnection]:
    """Sockets with a subscription each."""
    gate = asyncio.Semaphore(OPEN_AT_ONCE)

    async def open_one(number: int) -> ClientConnection:
        async with gate:
            return await subscribe(port, tokens[number % len(tokens)])

    return await asyncio.gather(*map(open_one, range(count)))


async def close(clients: Sequence[ClientConnection]) -> None:
    """Closes sockets."""
    await asyncio.gather(*(client.close() for client in clients))


async def tell(
    process: psutil.Process, port: int, people: People, clients: Sequence[ClientConnection], events: int
) -> Fan:
    """Changes the project so many times, and waits each time until every subscriber has received it."""
    arrivals, missed = list[float](), 0
    subscribed, begin = list(clients), cpu_seconds(process, descendants=False)

    async def arrival(client: ClientConnection) -> float | None:
        message = json.loads(await client.recv())
        is_event = message["type"] == "next" and not message["payload"].get("errors")
        return perf_counter() if is_event else None

    for number in range(events):
        variables = {"id": people.project, "description": f"Change {number}"}
        change = operation_request(CHANGE, variables, token=people.tokens[0])
        async with asyncio.timeout(ARRIVAL_SECONDS):
            waiting = asyncio.gather(*map(arrival, subscribed))
            sent = perf_counter()
            outcomes = await send_exactly(port, [change], 1, 1)
            if not outcomes.good:
                raise RuntimeError(outcomes)
            instants = await waiting
        arrivals += [instant - sent for instant in instants if instant is not None]
        missed += instants.count(None)
        subscribed = [
            client for client, instant in zip(subscribed, instants, strict=True) if instant is not None
        ]
    cpu = cpu_seconds(process, descendants=False) - begin
    return Fan(arrivals, missed, cpu / max(1, len(arrivals)))


async def observe(process: psutil.Process, postgres: asyncpg.Connection, seconds: float) -> Quiet:
    """Measures for a time in which nothing happens."""
    core, family = cpu_seconds(process, descendants=False), cpu_seconds(process)
    transactions, begin = await postgres.fetchval(TRANSACTIONS), perf_counter()
    connections = 0
    while perf_counter() - begin < seconds:
        connections = max(connections, await postgres.fetchval(CONNECTIONS))
        await asyncio.sleep(0.5)
    elapsed = perf_counter() - begin
    return Quiet(
        (cpu_seconds(process, descendants=False) - core) / elapsed,
        (cpu_seconds(process) - family) / elapsed,
        connections,
        (await postgres.fetchval(TRANSACTIONS) - transactions) / elapsed,
    )


async def run(folder: Path, count: int, fan: int, users: int, events: int, seconds: float) -> int:
    """Measures, and prints the limits."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    people = await prepare(folder, users)
    environment = {
        "DATA": str(folder),
        "WORKER": "false",
        "DEMO": "false",
        "LOG_LEVEL": "WARNING",
        "ACCESS_TOKEN_TTL": str(TOKEN_SECONDS),
    }
    with serve(environment) as (process, port):
        postgres = await asyncpg.connect(driverless_url(embedded_url(folder, "postgres")))
        warm = await open_subscriptions(port, people.tokens, WARM_UP_SOCKETS)
        await asyncio.sleep(WARM_UP_SECONDS)
        await close(warm)
        memory = process.memory_info().rss
        begin, cpu = perf_counter(), cpu_seconds(process, descendants=False)
        clients = await open_subscriptions(port, people.tokens, fan)
        opened = (perf_counter() - begin) * 1_000 / fan
        opening = (cpu_seconds(process, descendants=False) - cpu) / fan
        await asyncio.sleep(WARM_UP_SECONDS)
        fan_out = await tell(process, port, people, clients, events)
        clients += await open_subscriptions(port, people.tokens, count - fan)
        await asyncio.sleep(SETTLE_SECONDS)
        quiet = await observe(process, postgres, seconds)
        each = (process.memory_info().rss - memory) / count
        await close(clients)
        await postgres.close()
    print(f"{quiet.transactions:.1f} transactions a second while quiet, with the probe's own 2")
    print(f"A socket took {1_000 * opening:.2f} ms of CPU time to open")
    median = percentile(fan_out.arrivals, 0.5)
    print(f"An event took {1_000 * fan_out.cpu:.2f} ms of CPU time for each subscriber, p50 {median:.2f} s")
    return verdict(limits(opened, fan_out, quiet, each))


def limits(opened: float, fan_out: Fan, quiet: Quiet, memory: float) -> list[Limit]:
    """The limits, and whether they are met."""
    p99 = percentile(fan_out.arrivals, 0.99)
    return [
        at_most("1,000 sockets opened", MAX_OPEN_SECONDS, opened, "{:.1f} s"),
        at_most("event to all subscribers, p99", MAX_DELIVERY_SECONDS, p99, "{:.2f} s"),
        at_most("subscriptions that ended", 0, fan_out.missed, "{}"),
        at_most("quiet: server", MAX_CORE, quiet.core, "{:.1%} of a core"),
        at_most(
            "quiet: with its database", MAX_CORE_WITH_DATABASE, quiet.core_with_database, "{:.1%} of a core"
        ),
        at_most("connections", MAX_CONNECTIONS, quiet.connections, "{}"),
        at_most("memory each", MAX_BYTES, memory, "{:,.0f} bytes"),
    ]


def at_most(what: str, most: float, measured: float, text: str) -> Limit:
    """An upper limit."""
    return Limit(what, f"≤ {text.format(most)}", text.format(measured), measured <= most)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5_000, help="quiet subscriptions")
    parser.add_argument("--fan", type=int, default=1_000, help="subscribers of an event")
    parser.add_argument("--users", type=int, default=50, help="managers who share the subscriptions")
    parser.add_argument("--events", type=int, default=5, help="events")
    parser.add_argument("--seconds", type=float, default=30.0, help="duration of quiet")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="subscriptions-") as name:
        return asyncio.run(run(Path(name), **vars(options)))


if __name__ == "__main__":
    sys.exit(main())
