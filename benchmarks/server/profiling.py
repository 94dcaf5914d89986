"""`seshat` under a profiler, which runs from one signal to the next: SIGUSR1 starts it, SIGUSR2 ends it.

Run as `python -m benchmarks.server.profiling serve …`, with the file to write in `PROFILE`. A file that ends
in `.prof` is of cProfile, for pstats; it counts every call, and makes short functions look expensive. Any
other is of stacks sampled every few milliseconds of CPU time, a line for each with the number of its samples,
as flame graphs are drawn from.
"""

import cProfile
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Protocol

from server.cli import main

FILE = "PROFILE"
CPROFILE = ".prof"
SAMPLE_SECONDS = 0.001
START, END = signal.SIGUSR1, signal.SIGUSR2


class Profiler(Protocol):
    """What runs between the signals."""

    def enable(self) -> None:
        """Begins."""

    def disable(self) -> None:
        """Ends."""

    def dump_stats(self, file: Path) -> None:
        """Writes what was found."""


class Sampler:
    """Counts the stacks of the main thread."""

    def __init__(self) -> None:
        self.stacks = Counter[str]()
        signal.signal(signal.SIGPROF, self.sample)

    def enable(self) -> None:
        """Begins to count."""
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)

    def disable(self) -> None:
        """Ends counting."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def sample(self, number: int, frame: FrameType | None) -> None:
        """Counts a stack."""
        names = []
        while frame is not None:
            names.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}:{frame.f_lineno}")
            frame = frame.f_back
        self.stacks[";".join(reversed(names))] += 1

    def dump_stats(self, file: Path) -> None:
        """Writes the stacks, the most frequent first."""
        file.write_text("".join(f"{stack} {count}\n" for stack, count in self.stacks.most_common()))


def install(file: Path) -> None:
    """Handles the signals."""
    profiler: Profiler = cProfile.Profile() if file.suffix == CPROFILE else Sampler()

    def end(number: int, frame: FrameType | None) -> None:
        profiler.disable()
        profiler.dump_stats(file)

    signal.signal(START, lambda number, frame: profiler.enable())
    signal.signal(END, end)


if __name__ == "__main__":
    install(Path(os.environ[FILE]))
    sys.exit(main())
