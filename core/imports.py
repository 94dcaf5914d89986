"""Imports of large parts of the application, when their role is known."""

import gc
from pkgutil import resolve_name
from typing import Any


def load(name: str) -> Any:
    """The module `package.module`, or the object `package.module:name`.

    Garbage is not collected meanwhile, and never looked for in what was imported: that would take a third of
    the time, and find nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return resolve_name(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
