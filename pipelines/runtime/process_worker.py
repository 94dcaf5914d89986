"""Worker process of `process_pool`: runs the functions it is sent until its parent ends.

Run as `python -m pipelines.runtime.process_worker <socket> <parent>`. Imports little, to start fast.
"""

import ctypes
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

FRAME_HEADER = struct.Struct(">Q")
"""Each message is its length in bytes, then its pickle."""

PR_SET_PDEATHSIG = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""

NICE_INCREMENT = 5
"""Computing yields to serving on a machine that does both."""


def main(descriptor: int, parent: int) -> None:
    """Answer each request (function, arguments, named arguments) with (result, error, traceback, peak)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    for stop in (signal.SIGINT, signal.SIGTERM):  # meant for the parent, which lets us finish or kills us
        signal.signal(stop, signal.SIG_IGN)
    os.nice(NICE_INCREMENT)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        while (header := stream.read(FRAME_HEADER.size)) and len(header) == FRAME_HEADER.size:
            message = execute(stream.read(*FRAME_HEADER.unpack(header)))
            stream.write(FRAME_HEADER.pack(len(message)) + message)
            stream.flush()


def execute(request: bytes) -> bytes:
    """Compute one request: what came of it, to be sent back."""
    result, error, trace = None, None, ""
    try:
        function, arguments, named = pickle.loads(request)
        result = pickle.dumps(function(*arguments, **named))
    except Exception as raised:
        error, trace = pickle_error(raised), traceback.format_exc()
    return pickle.dumps((result, error, trace, peak_memory()))


def peak_memory() -> int:
    """Bytes of resident memory at this process's peak.

    Linux starts `ru_maxrss` at the size of the process that forked, so a large worker would make every child
    look large; `VmHWM` of proc(5) is the child's own. Where there is no such file, `ru_maxrss` has to do.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def pickle_error(error: Exception) -> Any:
    """The error, pickled; one that cannot travel is described by another."""
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return pickled


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
