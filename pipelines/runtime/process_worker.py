"""Child process of `process_pool`: runs functions until its parent ends.

Run as `python -m pipelines.runtime.process_worker <socket> <parent>`. Has few imports, to start quickly.
"""

import ctypes
import os
import pickle
import resource
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO, cast

from pipelines.runtime.phases import FRAME_HEADER, parent_streams

PR_SET_PDEATHSIG = 1
"""Option of prctl(2) that sends a signal to the process when its parent ends."""

MAX_FRAMES = 12

NICE_INCREMENT = 5
"""Lowers the priority of computations below that of the server."""


def main(descriptor: int, parent: int) -> None:
    """Replies to each request (function, args, kwargs) with (result, error, frames, peak memory)."""
    end_with(parent)
    os.nice(NICE_INCREMENT)
    silence()
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        parent_streams.append(cast(BinaryIO, stream))
        while (header := stream.read(FRAME_HEADER.size)) and len(header) == FRAME_HEADER.size:
            message = execute(stream.read(*FRAME_HEADER.unpack(header)))
            stream.write(FRAME_HEADER.pack(len(message)) + message)
            stream.flush()


def end_with(parent: int) -> None:
    """Ends this process when its parent ends. Signals to the process group are left to the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)


def silence() -> None:
    """Discards what libraries print from now on: it may quote the documents that they read."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stderr.fileno())


def execute(request: bytes) -> bytes:
    """Executes a pickled request and returns the pickled reply."""
    result, error = None, None
    frames: tuple[str, ...] = ()
    try:
        function, arguments, named, memory = pickle.loads(request)
        limit_memory(memory)
        try:
            result = pickle.dumps(function(*arguments, **named))
        finally:
            limit_memory(None)
    except Exception as raised:
        error, frames = pickle_error(raised), frames_of(raised)
    return pickle.dumps((result, error, frames, peak_memory()))


def limit_memory(size: int | None) -> None:
    """Lets the process allocate so many bytes more, on Linux; None lifts the limit."""
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = hard if size is None else allocated_memory() + size
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def allocated_memory() -> int:
    """Private writable memory of this process, in bytes: what RLIMIT_DATA counts."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))


def frames_of(error: Exception) -> tuple[str, ...]:
    """Where the error was raised, outermost first, without its message, which may quote content."""
    return tuple(
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    )


def peak_memory() -> int:
    """Peak resident memory of this process, in bytes.

    On Linux, `ru_maxrss` starts at the size of the parent, so that children of a large worker look large;
    `VmHWM` of proc(5) does not. Other systems have `ru_maxrss` only.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def pickle_error(error: Exception) -> Any:
    """The pickled error; a `RuntimeError` that describes it if it cannot be pickled."""
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return pickled


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
