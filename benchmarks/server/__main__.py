"""CPU time of the server for each request beside a hand-written floor on the same rows.

Run as `python -m benchmarks.server [--rounds 5] [--requests 100] [--only Q1,Q3] [--data FOLDER]`. The floor
and Seshat answer the same four shapes from one embedded PostgreSQL 18. Seshat is served as it is, and read
by a signed-in manager. Before each round rows change, and all answers are compared. With `--data`, the
databases are kept for the next run. `--profile Q2 FILE` profiles one shape instead. Prints the ratios, and
exits with 1 if one is missed.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bounds import verdict
from benchmarks.load import send_exactly
from benchmarks.server import profiling
from benchmarks.server.databases import Databases, open_databases
from benchmarks.server.floor import OPERATIONS
from benchmarks.server.peers import run_floor, run_seshat, run_stock
from benchmarks.server.report import print_machine, report, report_processes
from benchmarks.server.rounds import MANY, WrongAnswer, count_requests, measure
from benchmarks.server.shapes import Shape, shapes
from benchmarks.server.stacks import print_shares
from server.embedded.postgres import wait_until

PROFILE_SECONDS = 60


async def compare(
    databases: Databases,
    selected: Sequence[Shape],
    settings: Mapping[str, str],
    rounds: int,
    requests: int,
    *,
    stock: bool,
) -> int:
    """Measures all servers, and prints the limits."""
    with ExitStack() as stack:
        named = {shape.name: shape for shape in selected}
        peers = [
            stack.enter_context(run_floor(databases, named)),
            stack.enter_context(run_seshat(databases, named, settings)),
        ]
        if stock:
            peers.append(stack.enter_context(run_stock(databases, named)))
        try:
            results = await measure(databases, peers, selected, rounds, requests)
        except WrongAnswer as error:
            raise SystemExit(str(error)) from error
        print_machine(databases.version)
        return verdict([*report(results, selected, peers), *report_processes(peers)])


async def profile(
    databases: Databases, shape: Shape, settings: Mapping[str, str], requests: int, file: Path
) -> int:
    """Profiles Seshat while it answers a shape."""
    named, count = {shape.name: shape}, count_requests(shape, requests)
    with run_seshat(databases, named, {**settings, profiling.FILE: str(file)}, profile=True) as peer:
        await send_exactly(peer.port, peer.requests[shape.name], 2 * MANY, MANY)
        peer.process.send_signal(profiling.START)
        await send_exactly(peer.port, peer.requests[shape.name], count, MANY)
        peer.process.send_signal(profiling.END)
        await asyncio.to_thread(wait_until, file.exists, PROFILE_SECONDS)
    print(f"{count} requests of {shape.name} are profiled in {file}")
    if file.suffix != profiling.CPROFILE:
        print_shares((await asyncio.to_thread(file.read_text)).splitlines())
    return 0


async def run(options: argparse.Namespace, data: Path) -> int:
    """Opens the databases, and measures or profiles."""
    named = shapes()
    settings = dict(setting.split("=", 1) for setting in options.set)
    async with open_databases(data) as databases:
        if options.profile is not None:
            name, file = options.profile
            return await profile(databases, named[name], settings, options.requests, file)
        selected = [named[name] for name in options.only or named]
        return await compare(
            databases, selected, settings, options.rounds, options.requests, stock=options.stock
        )


def shape_names(value: str) -> list[str]:
    """Names of shapes, separated by commas."""
    names = value.split(",")
    if unknown := set(names) - set(OPERATIONS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(OPERATIONS)}")
    return names


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds in shuffled order")
    parser.add_argument("--requests", type=int, default=100, help="requests of large answers in a round")
    parser.add_argument("--only", type=shape_names, metavar="Q1,Q3", help="shapes, separated by commas")
    parser.add_argument("--data", type=Path, help="folder in which the databases are kept")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of Seshat"
    )
    parser.add_argument("--stock", action="store_true", help="measure stock Strawberry too")
    parser.add_argument("--profile", nargs=2, metavar=("SHAPE", "FILE"), help="profile a shape into a file")
    options = parser.parse_args()
    if options.profile is not None:
        options.profile[1] = Path(options.profile[1]).resolve()
        options.profile[1].unlink(missing_ok=True)
    with TemporaryDirectory(prefix="bench-server-") as folder:
        return asyncio.run(run(options, (options.data or Path(folder)).resolve()))


if __name__ == "__main__":
    sys.exit(main())
