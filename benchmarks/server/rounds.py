"""Interleaved rounds: every server answers every shape in shuffled order, and the medians are compared."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median

import asyncpg
import psutil

from benchmarks.load import Client, Outcomes, send_exactly
from benchmarks.processes import cpu_seconds
from benchmarks.server.answers import count_leaves, differences, simplify
from benchmarks.server.databases import Databases
from benchmarks.server.peers import Peer
from benchmarks.server.rows import tables
from benchmarks.server.shapes import Change, Shape

MANY, ONE = 16, 1
"""Concurrencies."""


@dataclass
class Samples:
    """Milliseconds for a request in each round: CPU of the server and of PostgreSQL, and the median wait."""

    cpu: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)


Results = dict[tuple[str, str, int], Samples]
"""By shape, peer and concurrency."""


class WrongAnswer(Exception):
    """A server's answer is not the floor's."""


async def measure(
    databases: Databases, peers: Sequence[Peer], shapes: Sequence[Shape], rounds: int, requests: int
) -> Results:
    """Measures so many rounds. Before each, rows change and all answers are compared."""
    results, chance = defaultdict[tuple[str, str, int], Samples](Samples), Random(7)
    postgres = psutil.Process(databases.postmaster)
    turns = [
        (shape, peer, clients)
        for shape in shapes
        for peer in peers_of(shape, peers)
        for clients in (MANY, ONE)
    ]
    for shape, peer, clients in turns:  # until every connection has prepared its statements
        await send_exactly(peer.port, peer.requests[shape.name], 2 * clients, clients)
    for number in range(rounds):
        for shape in shapes:
            if shape.change is not None:
                await change_row(databases, shape.change, number)
            await compare_answers(peers_of(shape, peers), shape)
        chance.shuffle(turns)
        for shape, peer, clients in turns:
            count = count_requests(shape, requests)
            before = cpu_seconds(peer.process), cpu_seconds(postgres)
            outcomes = await send_exactly(peer.port, peer.requests[shape.name], count, clients)
            after = cpu_seconds(peer.process), cpu_seconds(postgres)
            samples = results[shape.name, peer.name, clients]
            samples.bad += refusals(outcomes)
            if outcomes.good:
                samples.cpu.append(1_000 * (after[0] - before[0]) / len(outcomes.good))
                samples.postgres.append(1_000 * (after[1] - before[1]) / len(outcomes.good))
                samples.latency.append(1_000 * median(outcomes.good))
    return dict(results)


def peers_of(shape: Shape, peers: Sequence[Peer]) -> list[Peer]:
    """The servers that answer a shape."""
    return [peer for peer in peers if shape.name in peer.requests]


def refusals(outcomes: Outcomes) -> list[str]:
    """Answers that were not given."""
    return [*outcomes.wrong, *("503" for _ in outcomes.refused)]


def count_requests(shape: Shape, requests: int) -> int:
    """Requests of a round: more of those with small answers, which take less time."""
    return requests if shape.leaves > 1_000 else 4 * requests


async def change_row(databases: Databases, change: Change, number: int) -> None:
    """Changes a row in both databases."""
    row = tables()[change.floor][change.number]
    for url, table in (
        (databases.floor_url, change.floor),
        (databases.seshat_admin_url, f"tenant.{change.seshat}"),
    ):
        connection = await asyncpg.connect(url)
        statement = f"UPDATE {table} SET {change.column} = $1 WHERE id = $2"
        await connection.execute(statement, f"{row[change.column]} in round {number}", row["id"])
        await connection.close()


async def compare_answers(peers: Sequence[Peer], shape: Shape) -> None:
    """Compares answers with those of the first peer, the floor. Raises `WrongAnswer`."""
    expected, *others = [await ask(peer, shape) for peer in peers]
    for peer, found in zip(peers, (expected, *others), strict=True):
        if (leaves := count_leaves(found)) != shape.leaves:
            raise WrongAnswer(f"{shape.name} of {peer.name}: {leaves} leaves, not {shape.leaves}")
        for difference in differences(expected, simplify(found, shape.renamed)):
            raise WrongAnswer(f"{shape.name} of {peer.name}: {difference}")


async def ask(peer: Peer, shape: Shape) -> object:
    """The data of an answer."""
    client = Client(peer.port, peer.requests[shape.name], Outcomes(), start=0)
    _, body = await client.exchange()
    client.close()
    answer = json.loads(body)
    if answer.get("errors"):
        raise WrongAnswer(f"{shape.name} of {peer.name}: {answer['errors'][:1]}")
    return answer["data"]
