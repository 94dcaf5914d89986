"""Garbage collection in long-lived processes."""

import gc

GENERATION_THRESHOLDS = (50_000, 20, 50)
"""Allocations that start a collection, and collections that start one of the next older generation."""


def freeze_heap() -> None:
    """Exempts what is alive from garbage collection. Each process calls it once, when it is ready.

    The code and the GraphQL schema are half a million objects that never become garbage. Full collections
    walked through all of them, and large answers started one after another: more than half of the CPU time of
    such a request. Now a collection looks only at what was allocated since, and one answer starts none.
    Reference counting still frees most objects at once; cycles wait for up to 50,000 further allocations.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GENERATION_THRESHOLDS)
