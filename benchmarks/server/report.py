"""Tables of what was measured, and the limits."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from statistics import median

from rich.table import Column, Table

from benchmarks.bounds import Limit, console
from benchmarks.server.peers import Peer
from benchmarks.server.rounds import MANY, ONE, Results, peers_of
from benchmarks.server.shapes import Ratios, Shape

MAX_START_SECONDS, MAX_START_MEMORY = 2.5, 200_000_000
FLOOR, SESHAT = "floor", "Seshat"
COLUMNS = (
    "CPU ms",
    "ratio",
    "must",
    "goal",
    "database ms",
    "p50 ms",
    "CPU ms alone",
    "p50 alone",
    "ratio",
    "must",
)


PACKAGES = (
    "uvicorn",
    "uvloop",
    "httptools",
    "starlette",
    "asyncpg",
    "orjson",
    "sqlalchemy",
    "strawberry-graphql",
    "graphql-core",
)


def print_machine(postgres: str) -> None:
    """Prints what was measured on, and how busy it was in the last minute."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.platform()}")
    print(f"CPython {platform.python_version()}, PostgreSQL {postgres}, {packages}")


def report(results: Results, shapes: Sequence[Shape], peers: Sequence[Peer]) -> list[Limit]:
    """Prints the medians. Returns the limits."""
    limits = []
    table = Table(
        Column("shape", no_wrap=True),
        "server",
        *COLUMNS,
        "bad",
        title=f"A request at concurrency {MANY}, and alone",
    )
    for shape in shapes:
        floor = results[shape.name, FLOOR, MANY], results[shape.name, FLOOR, ONE]
        for peer in peers_of(shape, peers):
            many, alone = results[shape.name, peer.name, MANY], results[shape.name, peer.name, ONE]
            bad, ratios = [*many.bad, *alone.bad], shape.ratios if peer.name == SESHAT else None
            cost = middle(many.cpu) / middle(floor[0].cpu)
            latency = middle(alone.latency) / middle(floor[1].latency)
            table.add_row(
                f"{shape.name} {shape.title}",
                peer.name,
                f"{middle(many.cpu):.2f}",
                f"{cost:.2f}",
                f"{ratios.must}" if ratios else "",
                f"{ratios.goal}" if ratios else "",
                f"{middle(many.postgres):.2f}",
                f"{middle(many.latency):.1f}",
                f"{middle(alone.cpu):.2f}",
                f"{middle(alone.latency):.2f}",
                f"{latency:.2f}",
                f"{ratios.latency}" if ratios else "",
                f"{len(bad)} {bad[0][:40]}" if bad else "0",
            )
            if ratios is not None:
                limits += ratio_limits(shape, ratios, cost, latency)
            if peer.name == SESHAT:
                limits.append(Limit(f"{shape.name}: not answered", "0", str(len(bad)), not bad))
    console.print(table)
    return limits


def ratio_limits(shape: Shape, ratios: Ratios, cost: float, latency: float) -> list[Limit]:
    """The limits of a shape."""
    name, text = f"{shape.name} {shape.title}", "≤ {} of the floor's"
    return [
        Limit(f"{name}: CPU time", text.format(ratios.must), f"{cost:.2f}", cost <= ratios.must),
        Limit(f"{name}: p50 alone", text.format(ratios.latency), f"{latency:.2f}", latency <= ratios.latency),
    ]


def middle(values: Sequence[float]) -> float:
    """The median; not a number without values."""
    return median(values) if values else float("nan")


def report_processes(peers: Sequence[Peer]) -> list[Limit]:
    """Prints what each server took to become ready, and its memory then and now. Returns the limits."""
    table = Table("server", "CPU s until ready", "MB when ready", "MB after the load", title="Processes")
    for peer in peers:
        now = peer.process.memory_info().rss
        megabytes = (f"{size / 1e6:.0f}" for size in (peer.start_memory, now))
        table.add_row(peer.name, f"{peer.start_seconds:.2f}", *megabytes)
    console.print(table)
    return [
        limit
        for peer in peers
        if peer.name == SESHAT
        for limit in (
            Limit(
                "ready",
                f"≤ {MAX_START_SECONDS} CPU s",
                f"{peer.start_seconds:.2f} CPU s",
                peer.start_seconds <= MAX_START_SECONDS,
            ),
            Limit(
                "memory when ready",
                f"< {MAX_START_MEMORY / 1e6:.0f} MB",
                f"{peer.start_memory / 1e6:.0f} MB",
                peer.start_memory < MAX_START_MEMORY,
            ),
        )
    ]
