"""Frames between `process_pool` and its child processes, and the phases that a computation announces."""

import pickle
import struct
from typing import BinaryIO

FRAME_HEADER = struct.Struct(">Q")
"""Length of a message in bytes, before the pickled message."""

PHASE_FRAME = (1 << 64) - 1
"""Length that announces a phase instead of a result: its name and CPU seconds follow as a frame."""

parent_streams: list[BinaryIO] = []
"""The stream to the parent, in a child process."""


def begin_phase(name: str, seconds: float) -> None:
    """Begins a phase of the computation with a limit of its own in CPU seconds.

    A limit that is exceeded afterwards names the phase. Does nothing outside a child process.
    """
    message = pickle.dumps((name, seconds))
    for stream in parent_streams:
        stream.write(FRAME_HEADER.pack(PHASE_FRAME) + FRAME_HEADER.pack(len(message)) + message)
        stream.flush()
